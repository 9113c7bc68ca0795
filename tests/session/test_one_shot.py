"""A shell for one command, started and ended in one invocation: the real bash, the real protocol, no network."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.session.cell import Bound, Cell, Control, ThreadControl
from lambda_kernel.session.context import Context
from lambda_kernel.session.held import ABANDONED
from lambda_kernel.session.one_shot import OneShot
from lambda_kernel.session.worker import Worker, inline
from tests.support.in_process_session import CREDENTIALS, InProcess, Ran, fresh


def run(remote: InProcess, code: str, control: Control | None = None, caller: Any = inline, **options: Any) -> Ran:
    ran = fresh()
    place = OneShot(remote.transport, time.monotonic, lambda: 0.5, caller)
    ran.result = place.run(Cell(code, **options), replace(ran.context, control=control or ran.control))
    return ran


def test_it_is_one_invocation_and_leaves_nothing(remote: InProcess) -> None:
    mark = f"sleep 60.{os.getpid()}"
    ran = run(remote, f"x=1; echo out; echo err >&2; ({mark}; echo late) & exit 3", variables={"A": "a b'"})
    assert (ran.out, ran.err, ran.exit_code) == ("out\n", "err\n", 3)
    assert (ran.usage.invocations, ran.usage.environment_id) == (1, remote.environment.id)
    assert [event["op"] for event in remote.transport.events] == ["hello"]
    again = run(remote, f'echo "${{x-none}} ${{A-none}}"; pgrep -fx "{mark}" || echo gone', variables={"A": "a b'"})
    assert again.out == "none a b'\ngone\n"


def test_many_of_them_leave_no_descriptors(remote: InProcess) -> None:
    for _ in range(6):
        run(remote, "true")
    before = len(remote.environment.shells)
    descriptors = open_files()
    for _ in range(6):
        assert run(remote, "echo $(( 6 * 7 ))").out == "42\n"
    assert (open_files(), len(remote.environment.shells)) == (descriptors, before)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("redact", [True, False])
def test_credentials_are_redacted(remote: InProcess, redact: bool) -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    ran = run(remote, "env; echo ${AWS_SECRET_ACCESS_KEY:3:30}; echo $AWS_SESSION_TOKEN | base64 >&2", redact=redact)
    assert (secret in ran.out) != redact
    assert (secret[3:33] in ran.out) != redact
    assert ("[AWS_SESSION_TOKEN redacted]" in ran.out) == redact


def test_more_output_than_an_answer_holds_is_cut_in_the_function(remote: InProcess) -> None:
    ran = run(remote, "yes | head -c 1500000", bound=None)
    [gap] = ran.gaps
    assert len(ran.out) + gap.bytes == 1_500_000
    assert len(ran.out) <= 1_000_000
    few = run(remote, "seq 100", bound=Bound(1_000, 16))
    assert few.out.splitlines()[-1] == "100"
    assert len(few.out.splitlines()) == 16


@pytest.mark.parametrize(
    ("code", "out", "exit_code"),
    [
        ("cat; read x || echo none", "none\n", 0),
        ("echo 'unfinished", "", 2),
        ("kill -9 $$", "", 137),
        ("set -e; false; echo no", "", 1),
        ("echo a >&2; echo b", "a\nb\n", 0),
        ("", "", 0),
    ],
)
def test_how_commands_end(remote: InProcess, code: str, out: str, exit_code: int) -> None:
    ran = run(remote, code, merge=True)
    assert ran.exit_code == exit_code
    assert ran.out == out or exit_code == 2


def test_the_functions_timeout_ends_it(remote: InProcess) -> None:
    remote.context_seconds = 0.8
    ran = run(remote, "echo begun; sleep 60; echo never")
    assert (ran.out, ran.exit_code, ran.result.timed_out) == ("begun\n", 137, False)
    [notice] = ran.notices
    assert notice.startswith("The command was ended after 0.")


def test_the_time_limit_ends_it_there(remote: InProcess) -> None:
    ran = run(remote, "echo begun; sleep 60", seconds=0.5)
    assert (ran.out, ran.result.timed_out, ran.notices) == ("begun\n", True, [])


def test_an_interrupt_abandons_it(remote: InProcess) -> None:
    control, go = ThreadControl(), threading.Event()

    def hang(event: Event, invoke: Callable[[], Reply]) -> Reply:
        control.interrupt()
        go.wait(10)
        return invoke()

    remote.transport.faults = hang
    ran = run(remote, "true", control, Worker(idle_seconds=0))
    go.set()
    assert ran.result.interrupted
    assert ran.notices == [ABANDONED]


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (errors.Unanswered("no answer"), errors.CommandLost),
        (errors.FunctionFailed("it crashed", "Runtime.ExitError", "id", None), errors.CommandLost),
        (errors.Throttled("too many"), errors.Throttled),
        (errors.AccessDenied("you may not"), errors.AccessDenied),
    ],
)
def test_it_is_not_sent_again(remote: InProcess, error: errors.KernelError, becomes: type[errors.KernelError]) -> None:
    sent = []

    def fail(event: Event, invoke: Callable[[], Reply]) -> Reply:
        sent.append(event)
        raise error

    remote.transport.faults = fail
    with pytest.raises(becomes):
        run(remote, "true", patient=False)
    assert len(sent) == 1


def test_what_has_not_run_is_sent_again(remote: InProcess) -> None:
    waits = iter([errors.NotReady("updating"), errors.Throttled("too many")])

    def fail(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if error := next(waits, None):
            raise error
        return invoke()

    remote.transport.faults = fail
    ran = run(remote, "echo once")
    assert ran.out == "once\n"
    assert len(ran.notices) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"restored": None},
        {"restored": {"chunks": [], "exit": 0}},
        {"restored": {"chunks": [["out", "!"]], "exit": 0, "ended": None, "cut": False, "seconds": 1}},
        {"restored": {"chunks": [], "exit": 900, "ended": None, "cut": False, "seconds": 1}},
        {"environment": "a b"},
        {"state": "done"},
        {"protocol": 1},
    ],
)
def test_an_answer_that_is_not_ours(remote: InProcess, change: dict[str, Any]) -> None:
    def lie(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        return replace(reply, payload={**reply.payload, **change})

    remote.transport.faults = lie
    with pytest.raises(errors.NotOurs):
        run(remote, "true")


def test_there_is_nothing_to_reset(remote: InProcess) -> None:
    place = OneShot(remote.transport, time.monotonic)
    place.leave()
    with pytest.raises(errors.UsageError):
        place.reset(Context(lambda cell_event: None, ThreadControl(), Usage()), cold=True)
