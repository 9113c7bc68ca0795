"""%keep-warm, and the pings that it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lambda_kernel.errors import Throttled, UsageError
from lambda_kernel.report import Totals
from lambda_kernel.tally import Tally
from lambda_kernel.target import LOCAL, Target
from lambda_kernel.transport import Event, Reply
from lambda_kernel.warmth import Warmth
from lambda_kernel.worker import Worker
from lambda_kernel.workspace import PING_SECONDS
from tests.magics.conftest import Desk


def test_it_is_off_set_told_and_off_again(desk: Desk) -> None:
    assert "not kept warm" in desk.run("%keep-warm").out
    told = desk.run("%keep-warm 30m").out
    assert "for 30 min" in told
    assert "every 5 min" in told
    assert "5 in all: free on the local engine." in told
    assert desk.workspace.warm
    assert "not kept warm" in desk.run("%keep-warm off").out
    assert desk.workspace.warm_until is None
    assert desk.sent == []


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
def test_what_it_costs(desk: Desk, region: str, machine: str, memory_mb: int, price: str) -> None:
    there = Target("shell", region)
    desk.workspace.use(there)
    assert "what that costs is known once a cell has run" in desk.run("%keep-warm 29m").out
    transport = desk.workspace.session().transport
    transport.function, transport.region = "shell", region
    assert "once a cell has run" in desk.run("%keep-warm 29m").out
    latest = Tally(totals(memory_mb), invocations=1, machine=machine)
    desk.workspace.costs.add("shell", region, latest)
    assert price in desk.run("%keep-warm 29m").out


@pytest.mark.parametrize("words", ["soon", "0m", "30", "25h", "30m 2", "-5m"])
def test_words_that_are_none(desk: Desk, words: str) -> None:
    with pytest.raises(UsageError):
        desk.run(f"%keep-warm {words}")
    assert not desk.workspace.warm


def test_a_ping_finds_the_shell_and_changes_nothing(desk: Desk) -> None:
    desk.run("x=1; false")
    desk.workspace.ping()
    ran = desk.run("echo $x $?")
    assert (ran.out, ran.notices) == ("1 1\n", [])
    assert desk.sent == ["hello", "run", "hello", "run"]
    [cost] = desk.workspace.costs.of.values()
    assert cost.invocations == 1


def test_a_ping_that_finds_another_environment_is_told_with_the_next_cell(desk: Desk) -> None:
    desk.run("x=1")
    desk.fars[LOCAL].replace()
    desk.workspace.ping()
    ran = desk.run("echo $x")
    assert ran.out == "1\n"
    assert len(ran.notices) == 1
    assert "is another one" in ran.notices[0]
    assert desk.run("true").notices == []


def test_an_interrupt_ends_a_ping_that_a_cell_waits_behind(desk: Desk) -> None:
    desk.run("x=1")

    def throttled(event: Event, invoke: Callable[[], Reply]) -> Reply:
        desk.workspace.interrupt_aside()
        raise Throttled("for now")

    transport = desk.fars[LOCAL].transport
    transport.faults = throttled
    desk.workspace.ping()
    transport.faults = None
    assert desk.run("echo $x").out == "1\n"
    desk.workspace.interrupt_aside()  # there is none
    assert desk.run("echo $x").out == "1\n"


def test_without_a_session_nothing_is_sent(desk: Desk) -> None:
    desk.workspace.ping()
    assert desk.sent == []


def test_pings_come_while_it_is_wanted_and_no_cell_runs(desk: Desk) -> None:
    desk.run("%keep-warm 10m\ntrue")
    busy = [True, False, False]
    workspace = desk.workspace

    async def watch() -> None:
        warmth = Warmth(workspace, Worker(), lambda: busy.pop(0), seconds=0)
        warmth.touch()
        while len(busy) == 3:  # a cell runs: that keeps it warm, and its end touches again
            await asyncio.sleep(0)
        assert desk.sent == ["hello", "run"]
        warmth.touch()
        while desk.sent.count("hello") < 3:
            await asyncio.sleep(0.001)
        workspace.warm_until = None

    asyncio.run(asyncio.wait_for(watch(), 10))
    assert PING_SECONDS < 600
