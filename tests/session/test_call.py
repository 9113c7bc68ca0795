"""Session.query: code that is sent along, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from tests.support.in_process_session import InProcess, Interrupts, Ran, fresh

CODE = """
def look(shell, more):
    return [shell.seq, more]

def fail(shell):
    raise ValueError("in what was sent")
"""
Invoke = Callable[[], Reply]
Fault = Callable[[int, Invoke], Reply]


class OfCalls:
    """Does something else with the n-th invocation that is a call."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.count = 0

    def __call__(self, event: Event, invoke: Invoke) -> Reply:
        if event["op"] != "call" or self.fault is None:
            return invoke()
        self.count += 1
        return self.fault(self.count, invoke)


@pytest.fixture
def faults() -> OfCalls:
    return OfCalls()


@pytest.fixture
def remote(faults: OfCalls) -> Iterator[InProcess]:
    made = InProcess(faults)
    yield made
    made.close()


def ask(remote: InProcess, name: str = "look", interrupts: int | None = None, **arguments: Any) -> tuple[Any, Ran]:
    ran = fresh(Interrupts([] if interrupts is None else [interrupts], remote.sleep))
    remote.transport.control = ran.control
    value = remote.session.query(CODE, name, ran.context, **arguments)
    return value, ran


def test_it_starts_a_shell_and_counts_its_invocations(remote: InProcess) -> None:
    value, ran = ask(remote, more="ü")
    assert value == [0, "ü"]
    assert ran.usage.invocations == 2
    assert ran.usage.environment_id == remote.session.remote.environment


def test_it_leaves_the_shell_as_it_is(remote: InProcess) -> None:
    remote.run("false")
    assert ask(remote, more=1)[0] == [1, 1]
    assert remote.run("echo $?").out == "1\n"


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("error", [errors.Unanswered, errors.Throttled])
def test_what_passes_by_is_waited_for(
    remote: InProcess, faults: OfCalls, error: type[errors.KernelError], lost: bool
) -> None:
    def fault(count: int, invoke: Invoke) -> Reply:
        if count > 7:
            return invoke()
        if error is errors.Unanswered and not lost:
            invoke()
        raise error("for now")

    faults.fault = fault
    remote.run("x=1")
    value, ran = ask(remote, more=2)
    assert value == [1, 2]
    assert len(ran.notices) == 1
    assert remote.run("echo $x").out == "1\n"


def test_an_interrupt_ends_the_waiting(remote: InProcess, faults: OfCalls) -> None:
    def throttled(count: int, invoke: Invoke) -> Reply:
        raise errors.Throttled("for now")

    faults.fault = throttled
    remote.run("x=1")
    with pytest.raises(errors.Throttled):
        ask(remote, interrupts=0, more=1)
    faults.fault = None
    assert remote.run("echo $x").out == "1\n"


def test_a_call_that_is_given_up_costs_the_shell_nothing(remote: InProcess, faults: OfCalls) -> None:
    def hangs(count: int, invoke: Invoke) -> Reply:
        raise errors.Abandoned("Lambda has not answered since the interrupt")

    remote.run("x=1")
    shell = remote.session.remote.shell
    faults.fault = hangs
    with pytest.raises(errors.Interrupted, match="no command was running"):
        ask(remote, more=1)
    faults.fault = None
    assert remote.run("echo $x").out == "1\n"
    assert remote.session.remote.shell == shell


def test_an_interrupt_ends_it_where_nothing_answers(remote: InProcess, faults: OfCalls) -> None:
    def silent(count: int, invoke: Invoke) -> Reply:
        raise errors.Unanswered("the connection broke")

    remote.run("x=1")
    faults.fault = silent
    with pytest.raises(errors.Unanswered):
        ask(remote, interrupts=0, more=1)
    assert faults.count == 1
    faults.fault = None
    assert remote.run("echo $x").out == "1\n"


def test_code_that_fails_costs_the_shell_nothing(remote: InProcess, faults: OfCalls) -> None:
    def failing(count: int, invoke: Invoke) -> Reply:
        try:
            return invoke()
        except ValueError as error:
            raise errors.FunctionFailed(str(error), "ValueError", "id", None) from error

    remote.run("x=1")
    shell = remote.session.remote.shell
    faults.fault = failing
    with pytest.raises(errors.FunctionFailed, match="in what was sent"):
        ask(remote, "fail")
    assert remote.run("echo $x").out == "1\n"
    assert remote.session.remote.shell == shell


def test_a_runtime_that_dies_is_started_again_with_the_state(remote: InProcess, faults: OfCalls) -> None:
    def dies(count: int, invoke: Invoke) -> Reply:
        remote.replace()
        raise errors.FunctionFailed("out of memory", "Runtime.OutOfMemory", "id", None)

    remote.run("x=1")
    faults.fault = dies
    with pytest.raises(errors.CommandLost, match="out of memory"):
        ask(remote, more=1)
    faults.fault = None
    ran = remote.run("echo $x")
    assert ran.out == "1\n"
    assert ran.notices


def test_a_new_environment_is_asked_in_its_turn(remote: InProcess) -> None:
    remote.run("x=1")
    remote.replace()
    value, ran = ask(remote, more=3)
    assert value == [0, 3]
    assert "is another one" in ran.notices[0]
    assert remote.run("echo $x").out == "1\n"


def test_environments_that_take_turns_are_not_asked_for_ever(remote: InProcess, faults: OfCalls) -> None:
    first, others = remote.environment, [index.Environment(remote.environ)]

    def turns(count: int, invoke: Invoke) -> Reply:
        others.append(remote.environment)
        remote.environment = others.pop(0)
        return invoke()

    remote.run("true")
    faults.fault = turns
    with pytest.raises(errors.Refused, match="another execution environment"):
        ask(remote, more=1)
    assert faults.count == 5
    for environment in [first, *others]:
        for shell in environment.shells.values():
            shell.close()
        environment.shells.clear()


def test_a_usage_that_is_shared_is_added_to(remote: InProcess) -> None:
    usage = Usage()
    ran = fresh(Interrupts(sleep=remote.sleep))
    for _ in range(3):
        remote.session.query(CODE, "look", replace(ran.context, usage=usage), more=1)
    assert usage.invocations == 4
