"""%%fleet, %fleet and `%use fleet:N`, on a function with tenant isolation in this process: each tenant has its own."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.aws.usage import Usage
from lambda_kernel.experiments.lanes import in_lanes
from lambda_kernel.kernel.run_cell import Execution
from lambda_kernel.magics import fleet_items, fleet_shells
from lambda_kernel.output import folds_view
from lambda_kernel.session.cell import CellEvent, InputRequest, Notice, Result, Shown, ThreadControl
from lambda_kernel.session.worker import inline
from tests.magics.conftest import CellRunner
from tests.magics.test_repeat import rows, table, told
from tests.support.in_process_session import LambdaContext, Ran
from tests.support.waiting import wait_until


class TenantContext(LambdaContext):
    tenant_id = "a tenant"


class FleetRunner(CellRunner):
    """Cells whose interrupts come from another thread."""

    isolated = True
    faults: Any = None  # of what is connected from now on

    def __init__(self) -> None:
        super().__init__()
        self.control = ThreadControl()
        self.workspace.make_caller = lambda: in_lanes(inline)

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        transport = super().__call__(target, read_timeout)
        if self.faults:
            self.remotes[target].transport.faults = self.faults
        if self.isolated:
            self.remotes[target].transport.fake.context = TenantContext
        return transport

    def ask(self, question: InputRequest) -> None:
        self.control.answer("")

    def run(self, text: str, *, interactive: bool = False) -> Ran:
        self.control = ThreadControl(self.ask)
        events: list[CellEvent] = []
        ran = Ran(Result(-1), events, Usage(), self.control)  # type: ignore[arg-type]
        work = Execution(text, 1, self.workspace, events.append, self.control, ran.usage, interactive)
        ran.result = work.run() or Result(-1)
        return ran


class OneShotRunner(FleetRunner):
    isolated = False


@pytest.fixture
def runner() -> Iterator[FleetRunner]:
    yield from running(FleetRunner())


@pytest.fixture
def unisolated() -> Iterator[FleetRunner]:
    yield from running(OneShotRunner())


def running(made: FleetRunner) -> Iterator[FleetRunner]:
    yield made
    made.close()


def test_each_environment_keeps_a_shell(runner: FleetRunner) -> None:
    ran = runner.run("%%fleet 3\nn=$FLEET_INDEX; echo of $FLEET_SIZE; echo $n >&2; ((n != 2))")
    assert told(ran) == [
        *("shells 0-1: 2 of 3", "stdout of 3\n", "shell 0, stderr", "stderr 0\n", "shell 1, stderr", "stderr 1\n"),
        *("shell 2, exit code 1", "stdout of 3\n", "shell 2, exit code 1, stderr", "stderr 2\n"),
    ]
    assert [(row["slot"], row["outcome"]) for row in rows(ran)] == [(0, "ok"), (1, "ok"), (2, "failed")]
    assert len({row["environment_id"] for row in rows(ran)}) == 3
    assert ran.exit_code == 1
    assert ran.usage.invocations == sum(row["invocations"] for row in rows(ran)) == 6
    assert table(ran).startswith("%%fleet 3: 3 of 3 runs in 3 environments, 1 failed\nindex  environment ")
    again = runner.run("%%fleet 2\necho $n")
    assert told(again) == ["shell 0", "stdout 0\n", "shell 1", "stdout 1\n"]
    assert again.usage.invocations == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "run"]


def test_what_is_displayed_alike_is_one_output(runner: FleetRunner) -> None:
    """Each shell's display has names of its own, and a large one comes in many pieces."""
    ran = runner.run(
        "%%fleet 3\ncd; seq 5000 >some.txt; echo before; display some.txt; ((FLEET_INDEX)) || display some.txt"
    )
    heads = [one.text for one in ran.cell_events if isinstance(one, Notice)]
    assert heads == ["shell 0", "shells 1-2: 2 of 3"]
    assert len({row["stdout_sha256"] for row in rows(ran)}) == 2


def test_cells_go_to_one_of_its_shells(runner: FleetRunner) -> None:
    runner.run("n=none")
    runner.run("%%fleet 2\nn=$FLEET_INDEX; cd /tmp")
    listed = runner.run("%fleet").out.splitlines()
    assert [line.split()[0] for line in listed] == ["shell", "0", "1"]
    assert listed[1].endswith("/tmp")
    assert runner.run("%use fleet:1").out == "Cells now run on the local emulator, shell 1 of its fleet.\n"
    assert runner.run("echo $n").out == "1\n"
    assert "fleet           2 shells" in runner.run("%status").out
    assert runner.run("%use fleet:off").out == "Cells now run on the local emulator.\n"
    assert runner.run("echo $n").out == "none\n"
    for wrong in ("%use fleet:2", "%use fleet:1 --region eu-west-1"):
        with pytest.raises(errors.UsageError):
            runner.run(wrong)


def test_a_new_shell_of_a_fleet_knows_which_it_is(runner: FleetRunner) -> None:
    runner.run("%%fleet 3\ntrue")
    runner.run("%use fleet:2")
    look = "echo $FLEET_INDEX of $FLEET_SIZE"
    assert runner.run(f"%reset\n{look}").out.endswith("shell.\n2 of 3\n")
    assert "2 of 3\n" in told(runner.run(f"%reset\n%%repeat 1\n{look}"))[-1]
    assert told(runner.run(f"%%fleet 1\n{look}"))[-1] == "stdout 0 of 1\n"
    assert runner.run(look).out == "2 of 3\n"
    assert runner.run(f"%use fleet:off\n{look}").out.endswith("\nof\n")


def test_its_end(runner: FleetRunner) -> None:
    assert runner.run("%fleet").out == runner.run("%fleet --end").out
    runner.run("%%fleet 3\ntrue")
    runner.run("%use fleet:2")
    where = "Cells now run on the local emulator."
    assert runner.run("%fleet --end").out == f"The fleet's 3 shells have ended. {where}\n"
    assert runner.workspace.target == LOCAL
    assert fleet_shells.shells(runner.workspace) == {}
    assert runner.sent.count("close") == 3
    assert all(not remote.environment.shells for target, remote in runner.remotes.items() if target.slot is not None)


def test_each_line_is_one_run(runner: FleetRunner, tmp_path: Path) -> None:
    lines, file = tmp_path / "lines", tmp_path / "rows.csv"
    lines.write_bytes("a b\r\n\n$(x)'\"\nü".encode("utf-8-sig"))
    ran = runner.run(f'%%fleet 2 --map {lines} --csv {file}\necho "[$FLEET_ITEM]"')
    items = ["a b", "$(x)'\"", "ü"]
    assert told(ran) == [
        part for n, item in enumerate(items, 1) for part in (f"item {n} ({item})", f"stdout [{item}]\n")
    ]
    assert [row["item"] for row in rows(ran)] == items
    assert [row["repetition"] for row in rows(ran)] == [1, 2, 3]
    assert {row["slot"] for row in rows(ran)} <= {0, 1}
    with file.open() as text:
        saved = [(row["repetition"], row["item"], row["stdout"]) for row in csv.DictReader(text)]
    assert sorted(saved) == [(str(n), item, f"[{item}]\n") for n, item in enumerate(items, 1)]
    own = runner.run('%%fleet 9 --map - --order time\necho "$FLEET_ITEM"\n--\none\n--\n')
    assert sorted(told(own)) == ["item 1 (one)", "item 2 (--)", "stdout --\n", "stdout one\n"]
    assert len(fleet_shells.shells(runner.workspace)) == 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "has no items"),
        (b"\n\r\n", "has no items"),
        (b"a\nb\0c\n", "line 2 has a NUL byte"),
        (b"a\n\xff", "line 2 is no UTF-8 text: save it as UTF-8"),
        (b"\xef\xbb\xbf", "has no items"),
        (b"x" * 1_000_000, "line 1 is longer than 100,000 bytes"),
        (b"x\n" * 10_001, "10,001 items"),
    ],
)
def test_bad_items_are_found_out_before_anything_runs(
    runner: FleetRunner, tmp_path: Path, data: bytes, why: str
) -> None:
    (tmp_path / "items").write_bytes(data)
    with pytest.raises(errors.UsageError, match=why):
        runner.run(f"%%fleet 2 --map {tmp_path / 'items'}\ntrue")
    assert runner.sent == []


@pytest.mark.parametrize(
    "cell",
    [
        "%%fleet 2\n \n",
        "%%fleet 2 --csv /no/such/place\ntrue",
        "%%fleet 2 --map /no/such/file\ntrue",
        "%%fleet 2 --map /dev/zero\ntrue",
        "%%fleet 2 --map /\ntrue",
        "%%fleet 2 --map -\ntrue",
        "%%fleet 2 --map -\n--\na",
    ],
)
def test_what_else_is_found_out_before_anything_runs(runner: FleetRunner, cell: str) -> None:
    with pytest.raises(errors.UsageError):
        runner.run(cell)
    assert runner.sent == []


def test_the_file_of_items_is_not_written(runner: FleetRunner, tmp_path: Path) -> None:
    items, link = tmp_path / "items", tmp_path / "link"
    items.write_text("a\nb\n")
    link.symlink_to(items)
    for file in (items, link):
        with pytest.raises(errors.UsageError, match="is what this experiment reads, and --csv would replace it"):
            runner.run(f"%%fleet 2 --map {items} --csv {file}\ntrue")
    assert (items.read_text(), runner.sent) == ("a\nb\n", [])


def test_the_longest_item() -> None:
    assert fleet_items.checked("x" * fleet_items.ITEM_BYTES, "f") == ["x" * 100_000]
    assert len(fleet_items.checked("x\n" * fleet_items.MOST, "f")) == 10_000


def test_an_interrupt_leaves_no_command_behind(runner: FleetRunner) -> None:
    runner.run("%%fleet 3\ntrue")
    events = 0

    def interrupt(event: Event, invoke: Any) -> Reply:
        nonlocal events
        events += 1
        if events == 3:
            runner.control.interrupt()
        reply: Reply = invoke()
        return reply

    for remote in runner.remotes.values():
        remote.transport.faults = interrupt
    ran = runner.run("%%fleet 3\nsleep 60")
    assert ran.result.interrupted
    assert {row["outcome"] for row in rows(ran)} == {"interrupted"}
    assert "interrupted: the rows so far are kept, and `%last` shows them again" in told(ran)
    again = runner.run("%%fleet 3\njobs; pgrep -P $$ sleep")
    assert {row["exit_code"] for row in rows(again)} == {1}


def test_what_is_throttled_waits_and_is_told_in_the_table(runner: FleetRunner) -> None:
    runner.run("%%fleet 4\ntrue")
    lock, running = threading.Lock(), 0

    def throttle(event: Event, invoke: Any) -> Reply:
        nonlocal running
        with lock:
            if running == 2:
                raise errors.Throttled("too many", limit="the account's limit")
            running += 1
        try:
            reply: Reply = invoke()
            return reply
        finally:
            with lock:
                running -= 1

    for remote in runner.remotes.values():
        remote.transport.faults = throttle
    ran = runner.run("%%fleet 4\nsleep 0.1")
    assert {row["outcome"] for row in rows(ran)} == {"ok"}
    assert "at a time: the account's limit" in table(ran)
    assert told(ran) == ["shells 0-3: 4 of 4, no output"]


def test_a_lost_run_is_told_apart(runner: FleetRunner) -> None:
    runner.run("%%fleet 2\ntrue")

    def lose(event: Event, invoke: Any) -> Reply:
        raise errors.FunctionFailed("the runtime ended", "Runtime.ExitError", "id", None)

    runner.remotes[Target("local", slot=1)].transport.faults = lose
    with pytest.raises(errors.CommandLost, match=r"1 of 2 runs were lost\. The last one: .*the runtime ended"):
        runner.run("%%fleet 2\necho x")
    experiment = runner.workspace.experiment
    assert experiment is not None
    assert [row.outcome for row in experiment.rows] == ["ok", "lost"]
    assert "shell 1, lost, no output" in [one.text for one in folds_view.outputs(experiment) if isinstance(one, Notice)]


def test_without_tenants_each_run_is_one_invocation(unisolated: FleetRunner) -> None:
    """All runs share one environment here, one after another."""
    ran = unisolated.run("%%fleet 3\nexport n=$FLEET_INDEX; echo of $FLEET_SIZE; echo $AWS_SECRET_ACCESS_KEY; exit $n")
    secret = "stdout of 3\n[AWS_SECRET_ACCESS_KEY redacted]\n"
    assert told(ran) == ["run 0", secret, "run 1, exit code 1", secret, "run 2, exit code 2", secret]
    assert table(ran).startswith("%%fleet 3: 3 of 3 runs in 1 environment, 2 failed")
    assert [row["invocations"] for row in rows(ran)] == [1, 1, 1]
    never = "the local emulator has no tenant isolation, so %%fleet leaves no shells there"
    assert unisolated.run("%fleet").out == unisolated.run("%fleet --end").out == f"No fleet: {never}.\n"
    with pytest.raises(errors.UsageError, match="it has no tenant isolation, so %%fleet leaves no shells there"):
        unisolated.run("%use fleet:0")
    again = unisolated.run("%%fleet 2 --jobs 1\necho ${n-none}")
    assert told(again) == ["runs 0-1: 2 of 2", "stdout none\n"]
    assert again.usage.invocations == 2
    assert all(shell.shell.ended for remote in unisolated.remotes.values() for shell in shells(remote))


RUNS_ON = (
    "each runs on in Lambda until it ends or times out. Until then it keeps an environment busy. Its output is lost"
)


@pytest.mark.parametrize(
    ("items", "stopped", "head"),
    [
        ("a a", "2 commands were", "2 of 2 runs, 2 interrupted\n"),
        ("b a", "1 command was", "2 of 2 runs in 1 known environment, 1 interrupted\n"),
    ],
)
def test_what_an_interrupt_does_not_reach_is_told_and_counted(
    unisolated: FleetRunner, items: str, stopped: str, head: str
) -> None:
    workspace, go, hung = unisolated.workspace, threading.Event(), iter(range(items.count("a")))

    def hang(event: Event, invoke: Any) -> Reply:
        if '"FLEET_ITEM": "a"' not in event["restore"]:
            reply: Reply = invoke()
            return reply
        if next(hung) + 1 == items.count("a"):
            wait_until(lambda: bool(workspace.experiment and len(workspace.experiment.rows) == items.count("b")))
            unisolated.control.interrupt()
        go.wait(10)
        raise errors.Unanswered("nobody waits for it")

    unisolated.run("true")
    unisolated.faults = hang
    ran = unisolated.run("%%fleet 2 --map -\ntrue\n--\n" + items.replace(" ", "\n"))
    go.set()
    assert ran.result.interrupted
    assert table(ran).startswith(f"%%fleet 2 --map -: {head}")
    kept = "interrupted: the rows so far are kept, and `%last` shows them again"
    assert told(ran)[-2:] == [kept, f"{stopped} not stopped: {RUNS_ON}"]
    assert_the_next_fleet_tells(unisolated, stopped)
    assert ran.usage.invocations == 2


def assert_the_next_fleet_tells(runner: FleetRunner, stopped: str) -> None:
    """Only where it meets a limit."""
    busy = iter([errors.Throttled("too many", limit="the account's limit")])

    def throttle(event: Event, invoke: Any) -> Reply:
        if error := next(busy, None):
            raise error
        reply: Reply = invoke()
        return reply

    runner.faults = throttle
    ending = "not stopped when the %%fleet before this one ended, and may have kept environments busy"
    assert told(runner.run("%%fleet 2\ntrue"))[-1] == f"{stopped} {ending}"
    assert told(runner.run("%%fleet 2\ntrue")) == ["runs 0-1: 2 of 2, no output"]


def shells(remote: Any) -> list[Any]:
    """Those of one command."""
    return [shell for shell in remote.environment.shells.values() if hasattr(shell, "ran")]


def test_a_function_that_cannot_be_asked_has_no_shells(runner: FleetRunner) -> None:
    def deny(event: Event, invoke: Any) -> Reply:
        raise errors.AccessDenied("you may not")

    runner.faults = deny
    with pytest.raises(errors.AccessDenied):
        runner.run("%%fleet 3\ntrue")
    assert runner.run("%fleet").out.startswith("No fleet")
    with pytest.raises(errors.UsageError):
        runner.run("%use fleet:0")


def test_many_different_outputs_are_in_a_table(runner: FleetRunner) -> None:
    ran = runner.run("%%fleet 2 --jobs 1 --map -\necho of $FLEET_ITEM\n--\n" + "\n".join(map(str, range(22))))
    assert told(ran) == []
    [lines] = [one for one in ran.cell_events if isinstance(one, Shown) and "stdout" in one.data["text/plain"]]
    assert lines.data["text/plain"].splitlines()[::21] == ["items  item  stdout", "   21    20  of 20"]


def test_the_first_environments_and_how_many_more(runner: FleetRunner) -> None:
    ran = runner.run("%%fleet 22 --jobs 2\ntrue")
    lines = table(ran).splitlines()
    assert lines[1].startswith("index")
    assert lines[22] == "and 2 more"
    assert runner.run("%fleet").out.splitlines()[-1] == "and 2 more"
