"""Calls that may take long, and can be given up."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from .cell import Control
from .errors import Abandoned

A_SECOND = 10
INTERRUPTED = "since the interrupt"
T = TypeVar("T")
Queue = queue.SimpleQueue[tuple[Callable[[], Any], Future[Any], Control] | None]


class Caller(Protocol):
    """Makes a call. grace: how many seconds it may still take after an interrupt; limit: the seconds after which it is
    as if there had been one. Raises errors.Abandoned when they are over."""

    def __call__(self, call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T: ...


def directly(call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T:
    """A Caller that waits for as long as it takes."""
    return call()


class Pace:
    """Lambda takes so many requests a second for one environment, and no more (Lambda Developer Guide, "Lambda function
    scaling"): what is no command waits until there is room for it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=A_SECOND)

    def note(self) -> None:
        self._times.append(self._clock())

    def room(self) -> float:
        """In how many seconds there is room for one more."""
        return self._times[0] + 1 - self._clock() if len(self._times) == A_SECOND else 0.0


class Thread:
    """A Caller that gives a call up which does not come back in time: its answer, which may still come, is dropped.

    The calls run in a daemon thread, another one after a call was given up, so that a blocked one keeps nobody from
    leaving.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: Queue | None = None

    def __call__(self, call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T:
        future: Future[T] = Future()
        if self._calls is None:
            self._calls = Queue()
            threading.Thread(target=_work, args=(self._calls,), name="calls", daemon=True).start()
        self._calls.put((call, future, control))
        end, why = math.inf if limit == math.inf else self._clock() + limit + grace, "within the time limit"
        while not future.done():
            if control.interrupts and why != INTERRUPTED:
                end, why = min(end, self._clock() + grace), INTERRUPTED
            if end < math.inf and self._clock() >= end:
                self._calls.put(None)
                self._calls = None
                raise Abandoned(f"Lambda has not answered {why}")
            control.wait(3600 if end == math.inf else end - self._clock(), future.done)
        return future.result()


def _work(calls: Queue) -> None:
    while job := calls.get():
        call, future, control = job
        try:
            reply = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the reply is awaited
            future.set_exception(error)
        else:
            future.set_result(reply)
        control.wake()
        del job, call, future, control
