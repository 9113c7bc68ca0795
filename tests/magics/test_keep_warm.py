"""%keep-warm, and the pings that it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.errors import Throttled, UsageError
from lambda_kernel.kernel.keep_warm import KeepWarm
from lambda_kernel.report import Totals
from lambda_kernel.session.worker import Worker
from lambda_kernel.workspace.workspace import PING_SECONDS
from tests.magics.conftest import CellRunner


def test_it_is_off_set_told_and_off_again(runner: CellRunner) -> None:
    assert "not kept warm" in runner.run("%keep-warm").out
    told = runner.run("%keep-warm 30m").out
    assert "for 30 min" in told
    assert "every 5 min" in told
    assert "5 invocations: free on the local emulator." in told
    assert runner.workspace.warm
    assert "not kept warm" in runner.run("%keep-warm off").out
    assert runner.workspace.warm_until is None
    assert runner.sent == []


def totals(memory_mb: int) -> Totals:
    return Totals(1, 1.0, 1.0, None, memory_mb, memory_mb)


@pytest.mark.parametrize(
    ("region", "machine", "memory_mb", "price"),
    [
        # 5 requests, and 10 ms of so many GB: 5 * 0.0000002 + 0.01 * 10 * 0.0000133334, and so on.
        ("eu-west-1", "aarch64", 10240, "about $0.0000023 at 2 ms each."),
        ("eu-west-1", "aarch64", 128, "about $0.0000010 at 2 ms each."),
        ("af-south-1", "x86_64", 1024, "about $0.0000016 at 2 ms each."),
        ("mars-1", "aarch64", 128, "the price is not known."),
        ("eu-west-1", "riscv64", 128, "the price is not known."),
    ],
)
def test_what_it_costs(runner: CellRunner, region: str, machine: str, memory_mb: int, price: str) -> None:
    there = Target("shell", region)
    runner.workspace.use(there)
    assert "the price is known after the first cell" in runner.run("%keep-warm 29m").out
    transport = runner.workspace.session().transport
    transport.function, transport.region = "shell", region
    assert "after the first cell" in runner.run("%keep-warm 29m").out
    latest = Usage(totals(memory_mb), invocations=1, machine=machine)
    runner.workspace.costs.add("shell", region, latest)
    assert price in runner.run("%keep-warm 29m").out


@pytest.mark.parametrize("words", ["soon", "0m", "30", "25h", "30m 2", "-5m"])
def test_words_that_are_none(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError):
        runner.run(f"%keep-warm {words}")
    assert not runner.workspace.warm


def test_a_ping_finds_the_shell_and_changes_nothing(runner: CellRunner) -> None:
    runner.run("x=1; false")
    runner.workspace.ping()
    ran = runner.run("echo $x $?")
    assert (ran.out, ran.notices) == ("1 1\n", [])
    assert runner.sent == ["hello", "run", "hello", "run"]
    [cost] = runner.workspace.costs
    assert cost.invocations == 4


def test_a_ping_that_finds_another_environment_is_told_with_the_next_cell(runner: CellRunner) -> None:
    runner.run("x=1")
    runner.remotes[LOCAL].replace()
    runner.workspace.ping()
    ran = runner.run("echo $x")
    assert ran.out == "1\n"
    assert len(ran.notices) == 1
    assert "is another one" in ran.notices[0]
    assert runner.run("true").notices == []


def test_an_interrupt_ends_a_ping_that_a_cell_waits_behind(runner: CellRunner) -> None:
    runner.run("x=1")

    def throttled(event: Event, invoke: Callable[[], Reply]) -> Reply:
        runner.workspace.interrupt_aside()
        raise Throttled("for now")

    transport = runner.remotes[LOCAL].transport
    transport.faults = throttled
    runner.workspace.ping()
    transport.faults = None
    assert runner.run("echo $x").out == "1\n"
    runner.workspace.interrupt_aside()  # there is none
    assert runner.run("echo $x").out == "1\n"


def test_without_a_session_nothing_is_sent(runner: CellRunner) -> None:
    runner.workspace.ping()
    assert runner.sent == []


def test_pings_come_while_it_is_wanted_and_no_cell_runs(runner: CellRunner) -> None:
    runner.run("%keep-warm 10m\ntrue")
    busy = [True, False, False]
    workspace = runner.workspace

    async def watch() -> None:
        worker = Worker()
        keep_warm = KeepWarm(workspace, worker, lambda: busy.pop(0), seconds=0)
        keep_warm.touch()
        while len(busy) == 3:  # a cell runs: that keeps it warm, and its end touches again
            await asyncio.sleep(0)
        assert runner.sent == ["hello", "run"]
        keep_warm.touch()
        while runner.sent.count("hello") < 3:
            await asyncio.sleep(0.001)
        workspace.warm_until = None
        await worker.submit(lambda: None, asyncio.get_running_loop())  # the last ping is over

    asyncio.run(asyncio.wait_for(watch(), 10))
    assert PING_SECONDS < 600
