"""Calls that hang are given up once the user has interrupted, and what they bring later is dropped."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import BotoTransport, Event, Reply, make_client
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.session.cell import Cell, CellEvent, Notice, Output, Result, ThreadControl, never
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from lambda_kernel.session.worker import Worker
from tests.support.engine_client import commands_with
from tests.support.engine_process import environ_for, local_engine
from tests.support.fake_transport import FakeTransport
from tests.support.in_process_session import CREDENTIALS, LambdaContext
from tests.support.kernel_client import Notebook, notebook
from tests.support.waiting import wait_until

REPLY = Reply({}, "id", 0.0)


class Clock:
    """A Control whose waits take no time, and the clock that goes on by them. presses: the waits at which the user
    interrupts."""

    def __init__(self, *presses: int) -> None:
        self.presses, self.waits = presses, list[float]()
        self.time, self.closed = 0.0, False

    @property
    def interrupts(self) -> int:
        return sum(len(self.waits) >= press for press in self.presses)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        if seconds < 3600:
            self.time += seconds
        self.waits.append(seconds)

    def wake(self) -> None: ...

    def take(self) -> None: ...

    def request_input(self, question: object, seconds: float) -> str | None:
        return None


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What a call waits for that hangs; in the end it goes on."""
    going = threading.Event()
    yield going
    going.set()


@pytest.fixture
def callers() -> Callable[[], int]:
    """How many threads for calls there are more than before."""

    def now() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "calls"}

    before = now()
    return lambda: len(now() - before)


def hanging(event: threading.Event) -> Reply:
    assert event.wait(30)
    return REPLY


def test_replies_and_errors_come_back(callers: Callable[[], int]) -> None:
    def fail() -> Reply:
        raise errors.Throttled("too many")

    call, control = Worker(), ThreadControl()
    for _ in range(100):
        assert call(lambda: REPLY, control, 1) is REPLY
        with pytest.raises(errors.Throttled, match="too many"):
            call(fail, control, 1)
    assert callers() == 1


def test_one_thread_serves_all_calls_and_is_a_daemon() -> None:
    seen = set[tuple[str, bool]]()

    def note() -> Reply:
        seen.add((threading.current_thread().name, threading.current_thread().daemon))
        return REPLY

    call = Worker()
    for _ in range(20):
        call(note, ThreadControl(), 1)
    assert seen == {("calls", True)}


def test_a_call_is_given_up_a_grace_after_the_interrupt(hang: threading.Event) -> None:
    """Not before: the answer may well come, and says how the command took the interrupt."""
    control = Clock(3)
    with pytest.raises(errors.Abandoned, match="since the interrupt"):
        Worker(control.now)(partial(hanging, hang), control, 1.2)
    assert control.time == 1.2
    assert control.waits[:3] == [3600, 3600, 3600]


def test_no_interrupt_and_no_end(hang: threading.Event) -> None:
    """A call may take as long as it takes while the user is patient."""
    control = Clock()

    def wait(seconds: float, until: Callable[[], bool]) -> None:
        control.time += seconds
        if control.time > 100 * 3600:
            hang.set()
            wait_until(until)

    control.wait = wait  # type: ignore[method-assign, assignment]
    assert Worker(control.now)(partial(hanging, hang), control, 1) is REPLY


def test_a_limit_counts_as_an_interrupt(hang: threading.Event) -> None:
    control = Clock()
    with pytest.raises(errors.Abandoned, match="within the time limit"):
        Worker(control.now)(partial(hanging, hang), control, 1.2, 3.0)
    assert control.time == pytest.approx(4.2)


def test_more_interrupts_do_not_make_it_longer_or_shorter(hang: threading.Event) -> None:
    control = ThreadControl()
    for _ in range(3):
        control.interrupt()
    times = iter([10.0, 10.5, 10.9, 11.0])
    with pytest.raises(errors.Abandoned):
        Worker(lambda: next(times, 11.0))(partial(hanging, hang), control, 1)


def test_an_answer_within_the_grace_counts(hang: threading.Event) -> None:
    control = ThreadControl()
    control.interrupt()
    hang.set()
    assert Worker()(partial(hanging, hang), control, 30) is REPLY


def test_what_comes_late_is_dropped_and_the_next_call_has_its_own(
    hang: threading.Event, callers: Callable[[], int]
) -> None:
    control = Clock(1)
    late = Reply({}, "late", 0.0)
    done = threading.Event()

    def slow() -> Reply:
        hanging(hang)
        done.set()
        return late

    call = Worker(control.now)
    with pytest.raises(errors.Abandoned):
        call(slow, control, 1)
    assert call(lambda: REPLY, ThreadControl(), 1) is REPLY
    assert not done.is_set()
    hang.set()
    assert done.wait(10)
    assert call(lambda: REPLY, ThreadControl(), 1) is REPLY
    wait_until(lambda: callers() == 1)


def test_many_given_up_leave_no_thread(hang: threading.Event, callers: Callable[[], int]) -> None:
    control = Clock(1)
    call = Worker(control.now)
    for _ in range(20):
        with pytest.raises(errors.Abandoned):
            call(partial(hanging, hang), control, 1)
    assert callers() >= 20
    hang.set()
    wait_until(lambda: not callers())


# --- a session over it


def test_a_question_beside_the_cells_is_given_up_without_an_interrupt(hang: threading.Event) -> None:
    """And the next cell runs in the same shell, while Lambda still does not answer."""
    environment = index.Environment({**os.environ, **CREDENTIALS})
    steps = itertools.count(0, 10)

    class Transport(FakeTransport):
        def invoke(self, event: Event) -> Reply:
            return hanging(hang) if event["op"] == "call" else super().invoke(event)

    session = Session(Transport(environment.answer, LambdaContext), time.monotonic, caller=Worker(lambda: next(steps)))
    cell_events = list[CellEvent]()
    session.run(Cell("x=1"), Context(cell_events.append, ThreadControl(), Usage()))
    with pytest.raises(errors.Abandoned):
        session.call("def look(shell): return 1", "look", Usage())
    session.run(Cell("echo $x"), Context(cell_events.append, ThreadControl(), Usage()))
    assert [h.data for h in cell_events if isinstance(h, Output)] == [b"1\n"]
    assert not hang.is_set()
    session.leave()


@contextlib.contextmanager
def silent_endpoint() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """It accepts and never answers. Its URL, and what it was sent."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def hear() -> bytes:
            client, _ = server.accept()
            stack.enter_context(client)
            return client.recv(65536)

        yield f"http://127.0.0.1:{server.getsockname()[1]}", hear


class User(threading.Thread):
    """Interrupts when it is time; then the clock goes on to where no answer is awaited any more."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.ready, self.control, self.ahead = ready, ThreadControl(), 0.0
        self.start()

    def clock(self) -> float:
        return time.monotonic() + self.ahead

    def run(self) -> None:
        assert self.ready()
        self.control.interrupt()
        wait_until(lambda: self.control._heard)
        self.ahead = 10
        self.control.interrupt()  # which has the kernel look at the clock


def run(session: Session, code: str, control: ThreadControl, cell_events: list[CellEvent]) -> Result:
    return session.run(Cell(code), Context(cell_events.append, control, Usage()))


def test_an_endpoint_that_accepts_and_never_answers(callers: Callable[[], int]) -> None:
    """The interrupt comes while the very first answer, a cold start's, is awaited: nothing was run, and it says so."""
    with silent_endpoint() as (url, hear):
        client = make_client("eu-west-1", None, url, ("AKIDEXAMPLE", "secret"))
        user = User(lambda: b"invocations" in hear())
        transport = BotoTransport("shell", "eu-west-1", client, "t")
        session = Session(transport, time.monotonic, caller=Worker(user.clock))
        with pytest.raises(errors.CommandLost, match="nothing was run"):
            run(session, "echo never", user.control, [])
        user.join()
        assert callers() == 1
    wait_until(lambda: not callers())
    client.close()


def test_a_time_limit_ends_the_wait_for_an_endpoint_that_never_answers() -> None:
    steps = itertools.count(0, 10)
    with silent_endpoint() as (url, _):
        client = make_client("eu-west-1", None, url, ("AKIDEXAMPLE", "secret"))
        transport = BotoTransport("shell", "eu-west-1", client, "t")
        session = Session(transport, time.monotonic, caller=Worker(lambda: next(steps)))
        cell_events = list[CellEvent]()
        with pytest.raises(errors.CommandLost, match="within the time limit: nothing was run"):
            session.run(Cell("echo never", seconds=3.0), Context(cell_events.append, ThreadControl(), Usage()))
    client.close()


class Gate:
    """The function in this process; the invocations of one op hang at a gate until it opens."""

    def __init__(self, op: str) -> None:
        self.environment = index.Environment(CREDENTIALS | {"PATH": "/usr/bin:/bin"})
        self.fake = FakeTransport(self.environment.answer, LambdaContext)
        self.op, self.open, self.reached = op, threading.Event(), threading.Event()
        self.function, self.region = "fake", "local"

    def invoke(self, event: Event) -> Reply:
        reply = self.fake.invoke(event)
        if event["op"] == self.op and not self.open.is_set():
            self.reached.set()
            assert self.open.wait(30)
        return reply

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        self.open.set()
        for shell in self.environment.shells.values():
            shell.close()


@pytest.mark.parametrize("op", ["hello", "run", "attach"])
def test_an_interrupt_while_an_answer_hangs_gives_the_cell_back(op: str, callers: Callable[[], int]) -> None:
    gate = Gate(op)
    user = User(lambda: gate.reached.wait(20))
    session = Session(gate, time.monotonic, "test", caller=Worker(user.clock))
    cell_events: list[CellEvent] = []
    with pytest.raises(errors.CommandLost, match="nothing was run" if op == "hello" else "not run again"):
        run(session, "echo before; sleep 20", user.control, cell_events)
    user.join()
    texts = [cell_event.data for cell_event in cell_events if isinstance(cell_event, Output)]
    assert texts == ([b"before\n"] if op == "attach" else [])
    gate.open.set()  # the late answers come now, beside the next cell
    cell_events.clear()
    result = run(session, "echo after; jobs; x=1", ThreadControl(), cell_events)
    assert result.exit_code == 0
    assert [h.data for h in cell_events if isinstance(h, Output)] == [b"after\n"]
    assert len([h for h in cell_events if isinstance(h, Notice)]) == (op != "hello")
    wait_until(lambda: callers() <= 1)
    gate.close()


# --- a kernel


def test_a_kernel_that_is_shut_down_in_mid_command_leaves_nothing() -> None:
    mark = f"86{os.getpid()}.25"
    with notebook() as book:
        kernel = process_of(book)
        book.start(f"sleep {mark} & sleep {mark}")
        wait_until(lambda: len(commands_with(mark)) >= 2)
    assert kernel.returncode == 0  # it was not killed
    wait_until(lambda: not commands_with(mark))


def test_a_shut_down_kernel_ends_its_command_where_the_function_lives_on() -> None:
    mark = f"87{os.getpid()}.25"
    with local_engine() as engine:
        with notebook("--LambdaKernel.function=shell", env=environ_for(engine)) as book:
            book.start(f"sleep {mark}")
            wait_until(lambda: commands_with(mark))
        wait_until(lambda: not commands_with(mark))


def test_an_interrupt_ends_the_wait_for_credentials(tmp_path: Path) -> None:
    mark = f"88{os.getpid()}.25"
    (tmp_path / "config").write_text(f"[profile slow]\ncredential_process = sleep {mark}\n")
    environ = {**os.environ, "AWS_CONFIG_FILE": str(tmp_path / "config")}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        del environ[name]
    options = {"function": "shell", "region": "eu-west-1", "profile": "slow", "endpoint_url": "http://127.0.0.1:9"}
    with notebook(*(f"--LambdaKernel.{name}={value}" for name, value in options.items()), env=environ) as book:
        request = book.start("echo never")
        wait_until(lambda: commands_with(mark))
        book.manager.interrupt_kernel()
        shown = book.collect(request)
        assert shown.error == ("KeyboardInterrupt", "interrupted while waiting for credentials: nothing was run")
        for process in commands_with(mark):
            os.kill(process, signal.SIGKILL)


def test_a_kernel_whose_endpoint_hangs_is_interrupted_and_shut_down() -> None:
    with silent_endpoint() as (url, hear):
        options = {"function": "shell", "region": "eu-west-1", "endpoint_url": url}
        with notebook(*(f"--LambdaKernel.{name}={value}" for name, value in options.items())) as book:
            kernel = process_of(book)
            request = book.start("echo never")
            assert b"invocations" in hear()
            book.manager.interrupt_kernel()
            shown = book.collect(request)
            assert shown.error is not None
            assert shown.error[0] == "CommandLost"
            assert "nothing was run" in shown.error[1]
            book.start("echo again")
            assert b"invocations" in hear()
        assert kernel.returncode == 0


def process_of(book: Notebook) -> Any:
    return book.manager.provisioner.process  # type: ignore[union-attr]
