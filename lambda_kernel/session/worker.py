"""Calls that may block: they run in a thread, so that whoever waits for one can stop waiting."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import Abandoned
from .cell import Control

if TYPE_CHECKING:
    import asyncio  # whoever calls `submit` has loaded it

INTERRUPTED = "since the interrupt"
T = TypeVar("T")
Job = tuple[Callable[[], Any], Future[Any]]
Queue = queue.SimpleQueue[Job | None]


class CallPolicy(Protocol):
    """Makes a call, and decides how long it is waited for.

    grace: the seconds that it may still take after an interrupt. limit: after so many seconds it is as if there had
    been an interrupt. Raises errors.Abandoned when the time is over.
    """

    def __call__(self, call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T: ...


def inline(call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T:
    """A CallPolicy that waits for as long as the call takes."""
    return call()


class Worker:
    """Runs calls one after another in a daemon thread.

    A call that is abandoned blocks nobody: the next call gets another thread, and the late answer is dropped. A daemon
    thread, unlike a pool's, cannot keep the process from ending. idle_seconds: after so long the thread ends, until the
    next call.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, idle_seconds: float | None = None) -> None:
        self._clock, self._idle_seconds = clock, idle_seconds
        self._calls: Queue | None = None
        self._lock = threading.Lock()

    def __call__(self, call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T:
        """Wait for the call, as a CallPolicy."""
        future = self._start(call, lambda _: control.wake())
        end, why = math.inf if limit == math.inf else self._clock() + limit + grace, "within the time limit"
        while not future.done():
            if control.interrupts and why != INTERRUPTED:
                end, why = min(end, self._clock() + grace), INTERRUPTED
            if end < math.inf and self._clock() >= end:
                self._abandon()
                raise Abandoned(f"Lambda has not answered {why}")
            control.wait(3600 if end == math.inf else end - self._clock(), future.done)
        return future.result()

    def submit(self, call: Callable[[], T], loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        """Return a future of the loop for what the call returns or raises. The loop never blocks."""
        awaited: asyncio.Future[T] = loop.create_future()

        def finish(done: Future[T]) -> None:
            if awaited.done():
                return
            if error := done.exception():
                awaited.set_exception(error)
            else:
                awaited.set_result(done.result())

        def tell(done: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(finish, done)

        self._start(call, tell)
        return awaited

    def _start(self, call: Callable[[], T], tell: Callable[[Future[T]], object]) -> Future[T]:
        """tell: is called in the thread when the future is done."""
        future: Future[T] = Future()
        future.add_done_callback(tell)
        with self._lock:
            if self._calls is None:
                self._calls = Queue()
                threading.Thread(target=self._work, args=(self._calls,), name="calls", daemon=True).start()
            self._calls.put((call, future))
        return future

    def _abandon(self) -> None:
        """Leave the thread to itself. It ends after its call."""
        with self._lock:
            if self._calls:
                self._calls.put(None)
            self._calls = None

    def _next(self, calls: Queue) -> Job | None:
        """None: the thread may end."""
        with contextlib.suppress(queue.Empty):
            return calls.get(timeout=self._idle_seconds)
        with self._lock:
            if not calls.empty():  # it has come meanwhile
                return calls.get()
            self._calls = None
            return None

    def _work(self, calls: Queue) -> None:
        while job := self._next(calls):
            _do(job)
            del job  # a thread that waits keeps nothing alive


def _do(job: Job) -> None:
    call, future = job
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it is raised where the future is awaited
        future.set_exception(error)
    else:
        future.set_result(result)
