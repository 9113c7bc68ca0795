"""What the session does when Lambda does not do what was asked: every answer here comes from the real function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.output.report_line import CellFacts, report_line
from lambda_kernel.session.cell import Cell
from lambda_kernel.session.session import Session
from lambda_kernel.session.timing import backoff
from tests.support.faults import Invoke, answer_lost, request_lost, throttled, unreachable
from tests.support.in_process_session import InProcess, fresh


class Faults:
    """Does something else with the n-th invocation whose op is given; the first has the number 1."""

    def __init__(self, op: str, numbers: set[int], fault: Callable[[Event, Invoke], Reply]) -> None:
        self.op, self.numbers, self.fault, self.count = op, numbers, fault, 0

    def __call__(self, event: Event, invoke: Invoke) -> Reply:
        if event["op"] == self.op:
            self.count += 1
            if self.count in self.numbers:
                return self.fault(event, invoke)
        return invoke()


def out_of_memory(event: Event, invoke: Invoke) -> Reply:
    raise errors.FunctionFailed("the function ran out of memory of 128 MB", "Runtime.OutOfMemory", "id", None)


@pytest.fixture
def remotes() -> Iterator[list[InProcess]]:
    made: list[InProcess] = []
    yield made
    for remote in made:
        remote.close()


def with_faults(remotes: list[InProcess], faults: Faults | None, reports: bool = True) -> InProcess:
    remote = InProcess(faults, reports=reports)
    remotes.append(remote)
    return remote


@pytest.mark.parametrize("fault", [answer_lost, request_lost, throttled])
@pytest.mark.parametrize("op", ["hello", "run", "attach"])
def test_a_command_runs_once_whatever_is_lost(
    remotes: list[InProcess], fault: Callable[[Event, Invoke], Reply], op: str, tmp_path: Path
) -> None:
    remote = with_faults(remotes, Faults(op, {1, 2, 4}, fault))
    code = f"echo ran >>{tmp_path}/log; for i in 1 2 3; do echo $i; sleep 0.15; done"
    ran = remote.run(code)
    assert ran.out == "1\n2\n3\n"
    assert (tmp_path / "log").read_text() == "ran\n"
    assert any("to give up" in notice for notice in ran.notices)
    assert remote.run("echo next").out == "next\n"


def test_a_command_that_cannot_be_sent_is_not_tried_for_ever(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("run", {1}, unreachable))
    with pytest.raises(errors.Unreachable):
        remote.run("echo never")
    assert remote.run("echo now").out == "now\n"


def test_an_interrupt_while_throttled_gives_up_before_anything_runs(remotes: list[InProcess], tmp_path: Path) -> None:
    remote = with_faults(remotes, Faults("run", set(range(1, 100)), throttled))
    assert remote.run(f"echo ran >{tmp_path}/log", interrupts=[0]).result.interrupted
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("error", [errors.Throttled, errors.NotReady])
@pytest.mark.parametrize("what", ["interrupt", "close", "time limit"])
def test_what_ends_a_cell_while_it_waits_ends_it_before_it_has_run(
    remotes: list[InProcess], what: str, error: type[errors.Refused], tmp_path: Path
) -> None:
    """Lambda takes the next request, but there must be none."""
    remote, ran = with_faults(remotes, None), fresh()

    def sleep(seconds: float) -> None:
        remote.sleep(seconds)
        if what == "interrupt":
            ran.control.after.append(0)
        if what == "close":
            ran.control.closes = 0

    def for_now(event: Event, invoke: Invoke) -> Reply:
        if ran.control.interrupts or ran.control.closed or remote.slept >= 2:
            return invoke()
        raise error("for now", 6.0)

    remote.run("true")
    ran.control.sleep = sleep
    remote.transport.faults = for_now
    cell = Cell(f"echo ran >{tmp_path}/log", seconds=2.0 if what == "time limit" else None)
    with pytest.raises(error):
        remote.session.run(cell, ran.context)
    assert remote.slept <= (2.0 if what == "time limit" else 6.0)
    assert remote.run("echo next").out == "next\n"
    assert not (tmp_path / "log").exists()


def test_output_that_nobody_can_take_ends_the_command(remotes: list[InProcess], tmp_path: Path) -> None:
    """Or the next cell would find it in its place."""
    remote, ran = with_faults(remotes, None), fresh()

    def full(cell_event: object) -> None:
        raise OSError(28, "No space left on device")

    remote.transport.control = ran.control
    with pytest.raises(OSError, match="No space"):
        remote.session.run(Cell(f"seq 9; sleep 50; echo on >{tmp_path}/log"), replace(ran.context, emit=full))
    after = remote.run("echo next")
    assert (after.out, after.exit_code, after.notices) == ("next\n", 0, [])
    assert not (tmp_path / "log").exists()


def test_what_is_asked_beside_cells_keeps_to_lambdas_pace(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, None)
    remote.run("true")
    ran = fresh()
    ran.control.sleep = remote.sleep
    for _ in range(25):
        remote.session.query("def look(shell): return 1", "look", ran.context)
    assert remote.slept > 1
    assert ran.usage.invocations == 25


def test_an_interrupt_while_nothing_answers_gives_the_command_up(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("attach", set(range(1, 1000)), request_lost))
    with pytest.raises(errors.CommandLost, match="not run again"):
        remote.run("sleep 50", interrupts=[1])
    epoch = remote.session.remote.epoch
    assert remote.run("echo fresh").out == "fresh\n"
    assert epoch == 2


@pytest.mark.parametrize("fault", [answer_lost, throttled])
def test_a_function_that_never_answers_is_not_asked_for_ever(
    remotes: list[InProcess], fault: Callable[[Event, Invoke], Reply]
) -> None:
    remote = with_faults(remotes, Faults("hello", set(range(1, 1000)), fault))
    begin = remote.slept
    with pytest.raises((errors.Unanswered, errors.Throttled)):
        remote.run("true")
    assert 60 < remote.slept - begin < 90


def test_a_command_whose_function_goes_silent_is_given_up_in_the_end(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("attach", set(range(1, 1000)), request_lost))
    with pytest.raises(errors.CommandLost, match="no longer answers"):
        remote.run("sleep 50")
    assert 900 < remote.slept < 930


def test_the_environment_replaced_between_cells(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("none", set(), request_lost))
    remote.run("x=1")
    remote.replace()
    ran = remote.run("echo ${x-gone}")
    assert ran.out == "1\n"
    assert len(ran.notices) == 1
    assert "is another one" in ran.notices[0]
    assert "Restored: 1 variable." in ran.notices[0]
    assert ran.usage.replaced
    assert ran.usage.environment_id == remote.environment.id
    assert not remote.run("true").notices


def test_the_environment_replaced_while_a_command_runs(remotes: list[InProcess], tmp_path: Path) -> None:
    def replace(event: Event, invoke: Invoke) -> Reply:
        remote.replace()
        return invoke()

    remote = with_faults(remotes, Faults("attach", {1}, replace))
    with pytest.raises(errors.CommandLost, match="has replaced"):
        remote.run(f"echo ran >>{tmp_path}/log; echo before; sleep 50")
    assert (tmp_path / "log").read_text() == "ran\n"
    assert remote.run("echo after").out == "after\n"


def test_another_environment_may_answer_while_the_own_one_is_busy(remotes: list[InProcess]) -> None:
    other = InProcess()
    remotes.append(other)

    def detour(event: Event, invoke: Invoke) -> Reply:
        reply = other.transport.fake.invoke(event)
        assert reply.payload["state"] == "elsewhere"
        return reply

    remote = with_faults(remotes, Faults("attach", {1, 2}, detour))
    assert remote.run("echo a; sleep 0.5; echo b").out == "a\nb\n"


def test_the_runtime_dies_while_a_command_runs(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("attach", {1}, out_of_memory))
    with pytest.raises(errors.CommandLost, match="ran out of memory of 128 MB"):
        remote.run("sleep 50")
    remote.replace()
    after = remote.run("echo after")
    assert after.out == "after\n"
    assert "started again" in after.notices[0]
    assert not after.usage.replaced


def test_a_function_of_another_kind(remotes: list[InProcess]) -> None:
    def foreign(event: Event, invoke: Invoke) -> Reply:
        return Reply({"statusCode": 200}, "id", 0.01)

    with pytest.raises(errors.NotOurs, match="not a shell function"):
        with_faults(remotes, Faults("hello", {1}, foreign)).run("rm -rf /")


@pytest.mark.parametrize("theirs", [0, index.PROTOCOL - 1])
def test_a_function_of_another_version(remotes: list[InProcess], theirs: int) -> None:
    def older(event: Event, invoke: Invoke) -> Reply:
        return Reply({"protocol": theirs, "state": "protocol"}, "id", 0.01)

    with pytest.raises(errors.NotOurs, match=f"protocol {theirs}, .*: run `lambda-kernel deploy`"):
        with_faults(remotes, Faults("hello", {1}, older)).run("true")


def test_the_slice_follows_the_round_trip(remotes: list[InProcess]) -> None:
    """With the way there and back it takes 25 round trips, except at the ends."""
    session = with_faults(remotes, Faults("none", set(), request_lost)).session
    slices = []
    for round_trip in (0.001, 0.02, 0.1, 1.0):
        session.connection.round_trip = round_trip
        slices.append(session.connection.slice)
    assert slices == pytest.approx([0.2, 0.48, 2.4, 5.0])


def test_reset_gives_a_clean_shell_and_kills_the_old_one(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("none", set(), request_lost))
    ran = remote.run("x=1; sleep 50 &")
    before = remote.environment.shells["test"].pid
    remote.session.reset(ran.context)
    assert remote.run("echo ${x-gone}; jobs").out == "gone\n"
    assert before not in [shell.pid for shell in remote.environment.shells.values()]


def test_a_later_kernel_of_the_same_name_takes_the_shell_over(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("none", set(), request_lost))
    remote.run("x=1; sleep 100 &")
    [job] = [p.pid for p in index.processes() if p.parent == remote.environment.shells["test"].pid]
    later = Session(remote.transport, time.monotonic, "test", epoch=remote.session.remote.epoch + 100)
    ran = fresh()
    later.run(Cell("echo ${x-clean}"), ran.context)
    assert (ran.out, ran.notices) == ("clean\n", [])
    assert not Path(f"/proc/{job}/fd/0").exists()
    with pytest.raises(errors.CommandLost, match="another kernel has taken"):
        remote.run("true")


def test_without_a_log_the_functions_own_figures_are_taken_and_marked(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("none", set(), request_lost), reports=False)
    remote.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "256"
    ran = remote.run("sleep 0.1; true")
    assert ran.usage.totals is not None
    assert ran.usage.totals.duration_ms >= 100
    assert ran.usage.totals.memory_size_mb == 256
    assert 5 < (ran.usage.totals.max_memory_used_mb or 0) < 2000
    assert ran.usage.totals.billed_duration_ms is None
    assert ran.usage.metadata()["measured_by"] == "function"
    assert "measured by the function" in report_line(CellFacts(ran.usage, 1, 0, "x"))


def test_backoff_grows_to_a_bound() -> None:
    delays = backoff(lambda: 1.0)
    assert [round(next(delays), 1) for _ in range(9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_code_that_is_sent_along(remotes: list[InProcess]) -> None:
    remote = with_faults(remotes, Faults("none", set(), request_lost))
    code = "def look(shell, more):\n    return [shell.seq, index.os.readlink(f'/proc/{shell.pid}/cwd'), more]"
    usage = Usage()
    assert remote.session.call(code, "look", usage, more=1) is None
    assert usage.invocations == 0
    remote.run("cd /usr; false")
    assert remote.session.call(code, "look", usage, more="ü") == [1, "/usr", "ü"]
    assert remote.run("echo $?").out == "1\n"
    remote.replace()
    assert remote.session.call(code, "look", usage, more=1) is None
    assert usage.invocations == 2
