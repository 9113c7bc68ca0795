"""What a session does about each kind of refusal: what is sent again, what is told, and that nothing runs twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function import index as wire
from tests.support.in_process_session import InProcess

Invoke = Callable[[], Reply]
TWO_STEPS = "echo ran >>{log}; echo a; sleep 0.7; echo b"
SIGNED_OUT = errors.BadCredentials("the AWS credentials have expired: renew them")


def failing(op: str, *faults: errors.KernelError | Reply) -> Callable[[Event, Invoke], Reply]:
    """The first invocations of this op, in place of the function's answers."""
    left = list(faults)

    def fault(event: Event, invoke: Invoke) -> Reply:
        if event["op"] != op or not left:
            return invoke()
        answer = left.pop(0)
        if isinstance(answer, Reply):
            return answer
        raise answer

    return fault


@pytest.mark.parametrize("op", ["hello", "run", "attach"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.Throttled("Lambda throttled `f`: wait"), "Throttled, retrying: Lambda throttled `f`: wait."),
        (errors.NotReady("`f` is not ready: wait"), "Trying again: `f` is not ready: wait."),
    ],
)
def test_what_passes_by_itself_is_waited_for(
    remote: InProcess, tmp_path: Path, op: str, error: errors.KernelError, words: str
) -> None:
    remote.transport.faults = failing(op, error, error)
    ran = remote.run(TWO_STEPS.format(log=tmp_path / "log"))
    assert ran.out == "a\nb\n"
    assert (tmp_path / "log").read_text() == "ran\n"
    assert ran.notices == [f"{words} Interrupt to give up."]


def test_lambda_is_left_alone_for_as_long_as_it_says(remote: InProcess) -> None:
    remote.run("true")
    slept = remote.slept
    remote.transport.faults = failing("run", errors.Throttled("throttled", 7), errors.Throttled("throttled", 0))
    remote.run("true")
    assert 7 < remote.slept - slept < 8


def test_each_kind_of_trouble_is_told_once(remote: InProcess) -> None:
    throttled, late = errors.Throttled("throttled"), errors.NotReady("not ready")
    remote.transport.faults = failing("run", throttled, late, throttled, late, throttled)
    assert [notice.split(":")[0] for notice in remote.run("true").notices] == ["Throttled, retrying", "Trying again"]


REFUSALS = [
    SIGNED_OUT,
    errors.BadSettings("no region"),
    errors.AccessDenied("access denied"),
    errors.Unreachable("cannot reach"),
    errors.Refused("no function named `f`"),
]


@pytest.mark.parametrize("op", ["hello", "run"])
@pytest.mark.parametrize("error", REFUSALS)
def test_before_a_command_has_run_it_is_told_at_once(
    remote: InProcess, op: str, error: errors.KernelError, tmp_path: Path
) -> None:
    if op == "run":
        remote.run("kept=yes")
    remote.transport.faults = failing(op, error)
    with pytest.raises(type(error), match=str(error)):
        remote.run(f"echo ran >>{tmp_path}/log")
    assert not (tmp_path / "log").exists()
    assert remote.run("echo ${kept-new}").out == ("yes\n" if op == "run" else "new\n")


@pytest.mark.parametrize("error", REFUSALS[:-1])
def test_a_command_that_runs_waits_until_the_user_has_mended_it(
    remote: InProcess, error: errors.KernelError, tmp_path: Path
) -> None:
    remote.transport.faults = failing("attach", error, error, error)
    ran = remote.run(TWO_STEPS.format(log=tmp_path / "log"))
    assert ran.out == "a\nb\n"
    assert (tmp_path / "log").read_text() == "ran\n"
    assert ran.notices == [f"Trying again: {error}. Interrupt to give up."]


def test_and_may_be_given_up(remote: InProcess) -> None:
    tries = 0

    def signed_out(event: Event, invoke: Invoke) -> Reply:
        nonlocal tries
        if event["op"] != "attach":
            return invoke()
        tries += 1
        if tries == 3:
            remote.transport.control.after.append(0)  # the user interrupts
        raise SIGNED_OUT

    remote.transport.faults = signed_out
    with pytest.raises(errors.CommandLost, match=r"not run again: .*have expired"):
        remote.run("sleep 50")
    assert tries == 3
    remote.transport.faults = None
    assert remote.run("echo next").out == "next\n"


def test_a_refusal_for_good_ends_a_command_and_the_next_one_gets_its_own_output(
    remote: InProcess, tmp_path: Path
) -> None:
    remote.transport.faults = failing("attach", errors.Refused("no function named `f`: deploy one"))
    with pytest.raises(errors.CommandLost, match="no function named `f`"):
        remote.run(TWO_STEPS.format(log=tmp_path / "log"))
    assert remote.run("echo next").out == "next\n"
    assert (tmp_path / "log").read_text() == "ran\n"


PAGE = Reply("<html>sign in to this network</html>", "id", 0.01)


@pytest.mark.parametrize("op", ["run", "attach"])
def test_a_page_in_place_of_an_answer_is_none(remote: InProcess, op: str, tmp_path: Path) -> None:
    remote.run("true")
    remote.transport.faults = failing(op, PAGE)
    ran = remote.run(TWO_STEPS.format(log=tmp_path / "log"))
    assert ran.out == "a\nb\n"
    assert (tmp_path / "log").read_text() == "ran\n"
    assert "cannot be read" in ran.notices[0]


def test_a_page_of_the_first_one_to_answer_is_another_function(remote: InProcess) -> None:
    remote.transport.faults = failing("hello", PAGE)
    with pytest.raises(errors.NotOurs, match="not a shell function"):
        remote.run("true")


def test_a_function_that_is_deployed_anew_while_a_command_runs(remote: InProcess) -> None:
    other = Reply({"protocol": wire.PROTOCOL + 1, "state": "protocol"}, "id", 0.01)
    remote.transport.faults = failing("attach", other)
    with pytest.raises(errors.CommandLost, match="upgrade lambda-kernel"):
        remote.run("sleep 50")
    assert remote.run("echo next").out == "next\n"
