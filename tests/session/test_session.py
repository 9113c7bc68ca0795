"""What the session does when Lambda does not do what was asked: every answer here comes from the real function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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
def fars() -> Iterator[list[InProcess]]:
    made: list[InProcess] = []
    yield made
    for far in made:
        far.close()


def with_faults(fars: list[InProcess], faults: Faults | None, reports: bool = True) -> InProcess:
    far = InProcess(faults, reports=reports)
    fars.append(far)
    return far


@pytest.mark.parametrize("fault", [answer_lost, request_lost, throttled])
@pytest.mark.parametrize("op", ["hello", "run", "attach"])
def test_a_command_runs_once_whatever_is_lost(
    fars: list[InProcess], fault: Callable[[Event, Invoke], Reply], op: str, tmp_path: Path
) -> None:
    far = with_faults(fars, Faults(op, {1, 2, 4}, fault))
    code = f"echo ran >>{tmp_path}/log; for i in 1 2 3; do echo $i; sleep 0.15; done"
    ran = far.run(code)
    assert ran.out == "1\n2\n3\n"
    assert (tmp_path / "log").read_text() == "ran\n"
    assert any("to give up" in notice for notice in ran.notices)
    assert far.run("echo next").out == "next\n"


def test_a_command_that_cannot_be_sent_is_not_tried_for_ever(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("run", {1}, unreachable))
    with pytest.raises(errors.Unreachable):
        far.run("echo never")
    assert far.run("echo now").out == "now\n"


def test_an_interrupt_while_throttled_gives_up_before_anything_runs(fars: list[InProcess], tmp_path: Path) -> None:
    far = with_faults(fars, Faults("run", set(range(1, 100)), throttled))
    assert far.run(f"echo ran >{tmp_path}/log", interrupts=[0]).result.interrupted
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("error", [errors.Throttled, errors.NotReady])
@pytest.mark.parametrize("what", ["interrupt", "close", "time limit"])
def test_what_ends_a_cell_while_it_waits_ends_it_before_it_has_run(
    fars: list[InProcess], what: str, error: type[errors.Refused], tmp_path: Path
) -> None:
    """Lambda takes the next request, but there must be none."""
    far, ran = with_faults(fars, None), fresh()

    def sleep(seconds: float) -> None:
        far.sleep(seconds)
        if what == "interrupt":
            ran.control.after.append(0)
        if what == "close":
            ran.control.closes = 0

    def for_now(event: Event, invoke: Invoke) -> Reply:
        if ran.control.interrupts or ran.control.closed or far.slept >= 2:
            return invoke()
        raise error("for now", 6.0)

    far.run("true")
    ran.control.sleep = sleep
    far.transport.faults = for_now
    cell = Cell(f"echo ran >{tmp_path}/log", seconds=2.0 if what == "time limit" else None)
    with pytest.raises(error):
        far.session.run(cell, ran.cell_events.append, ran.control, ran.usage)
    assert far.slept <= (2.0 if what == "time limit" else 6.0)
    assert far.run("echo next").out == "next\n"
    assert not (tmp_path / "log").exists()


def test_output_that_nobody_can_take_ends_the_command(fars: list[InProcess], tmp_path: Path) -> None:
    """Or the next cell would find it in its place."""
    far, ran = with_faults(fars, None), fresh()

    def full(cell_event: object) -> None:
        raise OSError(28, "No space left on device")

    far.transport.control = ran.control
    with pytest.raises(OSError, match="No space"):
        far.session.run(Cell(f"seq 9; sleep 50; echo on >{tmp_path}/log"), full, ran.control, ran.usage)
    after = far.run("echo next")
    assert (after.out, after.exit_code, after.notices) == ("next\n", 0, [])
    assert not (tmp_path / "log").exists()


def test_what_is_asked_beside_cells_keeps_to_lambdas_pace(fars: list[InProcess]) -> None:
    far = with_faults(fars, None)
    far.run("true")
    ran = fresh()
    ran.control.sleep = far.sleep
    for _ in range(25):
        far.session.query("def look(shell): return 1", "look", ran.cell_events.append, ran.control, ran.usage)
    assert far.slept > 1
    assert ran.usage.invocations == 25


def test_an_interrupt_while_nothing_answers_gives_the_command_up(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("attach", set(range(1, 1000)), request_lost))
    with pytest.raises(errors.CommandLost, match="not run again"):
        far.run("sleep 50", interrupts=[1])
    epoch = far.session.remote.epoch
    assert far.run("echo fresh").out == "fresh\n"
    assert epoch == 2


@pytest.mark.parametrize("fault", [answer_lost, throttled])
def test_a_function_that_never_answers_is_not_asked_for_ever(
    fars: list[InProcess], fault: Callable[[Event, Invoke], Reply]
) -> None:
    far = with_faults(fars, Faults("hello", set(range(1, 1000)), fault))
    begin = far.slept
    with pytest.raises((errors.Unanswered, errors.Throttled)):
        far.run("true")
    assert 60 < far.slept - begin < 90


def test_a_command_whose_function_goes_silent_is_given_up_in_the_end(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("attach", set(range(1, 1000)), request_lost))
    with pytest.raises(errors.CommandLost, match="no longer answers"):
        far.run("sleep 50")
    assert 900 < far.slept < 930


def test_the_environment_replaced_between_cells(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("none", set(), request_lost))
    far.run("x=1")
    far.replace()
    ran = far.run("echo ${x-gone}")
    assert ran.out == "1\n"
    assert len(ran.notices) == 1
    assert "is another one" in ran.notices[0]
    assert "Restored: 1 variable." in ran.notices[0]
    assert ran.usage.replaced
    assert ran.usage.environment_id == far.environment.id
    assert not far.run("true").notices


def test_the_environment_replaced_while_a_command_runs(fars: list[InProcess], tmp_path: Path) -> None:
    def replace(event: Event, invoke: Invoke) -> Reply:
        far.replace()
        return invoke()

    far = with_faults(fars, Faults("attach", {1}, replace))
    with pytest.raises(errors.CommandLost, match="has replaced"):
        far.run(f"echo ran >>{tmp_path}/log; echo before; sleep 50")
    assert (tmp_path / "log").read_text() == "ran\n"
    assert far.run("echo after").out == "after\n"


def test_another_environment_may_answer_while_the_own_one_is_busy(fars: list[InProcess]) -> None:
    other = InProcess()
    fars.append(other)

    def detour(event: Event, invoke: Invoke) -> Reply:
        reply = other.transport.fake.invoke(event)
        assert reply.payload["state"] == "elsewhere"
        return reply

    far = with_faults(fars, Faults("attach", {1, 2}, detour))
    assert far.run("echo a; sleep 0.5; echo b").out == "a\nb\n"


def test_the_runtime_dies_while_a_command_runs(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("attach", {1}, out_of_memory))
    with pytest.raises(errors.CommandLost, match="ran out of memory of 128 MB"):
        far.run("sleep 50")
    far.replace()
    after = far.run("echo after")
    assert after.out == "after\n"
    assert "started again" in after.notices[0]
    assert not after.usage.replaced


def test_a_function_of_another_kind(fars: list[InProcess]) -> None:
    def foreign(event: Event, invoke: Invoke) -> Reply:
        return Reply({"statusCode": 200}, "id", 0.01)

    with pytest.raises(errors.NotOurs, match="not a shell function"):
        with_faults(fars, Faults("hello", {1}, foreign)).run("rm -rf /")


@pytest.mark.parametrize("theirs", [0, index.PROTOCOL - 1])
def test_a_function_of_another_version(fars: list[InProcess], theirs: int) -> None:
    def older(event: Event, invoke: Invoke) -> Reply:
        return Reply({"protocol": theirs, "state": "protocol"}, "id", 0.01)

    with pytest.raises(errors.NotOurs, match=f"protocol {theirs}, .*: run `lambda-kernel deploy`"):
        with_faults(fars, Faults("hello", {1}, older)).run("true")


def test_the_slice_follows_the_round_trip(fars: list[InProcess]) -> None:
    """With the way there and back it takes 25 round trips, except at the ends."""
    session = with_faults(fars, Faults("none", set(), request_lost)).session
    slices = []
    for round_trip in (0.001, 0.02, 0.1, 1.0):
        session.connection.round_trip = round_trip
        slices.append(session.connection.slice)
    assert slices == pytest.approx([0.2, 0.48, 2.4, 5.0])


def test_reset_gives_a_clean_shell_and_kills_the_old_one(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("none", set(), request_lost))
    ran = far.run("x=1; sleep 50 &")
    before = far.environment.shells["test"].pid
    far.session.reset(ran.cell_events.append, ran.control, ran.usage)
    assert far.run("echo ${x-gone}; jobs").out == "gone\n"
    assert before not in [shell.pid for shell in far.environment.shells.values()]


def test_a_later_kernel_of_the_same_name_takes_the_shell_over(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("none", set(), request_lost))
    far.run("x=1; sleep 100 &")
    [job] = [p.pid for p in index.processes() if p.parent == far.environment.shells["test"].pid]
    later = Session(far.transport, time.monotonic, "test", epoch=far.session.remote.epoch + 100)
    ran = fresh()
    later.run(Cell("echo ${x-clean}"), ran.cell_events.append, ran.control, ran.usage)
    assert (ran.out, ran.notices) == ("clean\n", [])
    assert not Path(f"/proc/{job}/fd/0").exists()
    with pytest.raises(errors.CommandLost, match="another kernel has taken"):
        far.run("true")


def test_without_a_log_the_functions_own_figures_are_taken_and_marked(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("none", set(), request_lost), reports=False)
    far.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "256"
    ran = far.run("sleep 0.1; true")
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


def test_code_that_is_sent_along(fars: list[InProcess]) -> None:
    far = with_faults(fars, Faults("none", set(), request_lost))
    code = "def look(shell, more):\n    return [shell.seq, index.os.readlink(f'/proc/{shell.pid}/cwd'), more]"
    usage = Usage()
    assert far.session.call(code, "look", usage, more=1) is None
    assert usage.invocations == 0
    far.run("cd /usr; false")
    assert far.session.call(code, "look", usage, more="ü") == [1, "/usr", "ü"]
    assert far.run("echo $?").out == "1\n"
    far.replace()
    assert far.session.call(code, "look", usage, more=1) is None
    assert usage.invocations == 2
