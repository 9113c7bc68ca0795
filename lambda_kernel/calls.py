"""Calls that may take long, and can be given up."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from .cell import Control
from .errors import Abandoned
from .transport import Reply

Call = Callable[[], Reply]
Caller = Callable[[Call, Control, float], Reply]
Queue = queue.SimpleQueue[tuple[Call, Future[Reply], Control] | None]


def directly(call: Call, control: Control, grace: float) -> Reply:
    """A Caller that waits for as long as it takes."""
    return call()


class Thread:
    """A Caller that gives a call up which does not come back for so many seconds, once there was an interrupt: its
    answer, which may still come, is dropped.

    The calls run in a daemon thread, another one after a call was given up, so that a blocked one keeps nobody from
    leaving.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: Queue | None = None

    def __call__(self, call: Call, control: Control, grace: float) -> Reply:
        future: Future[Reply] = Future()
        if self._calls is None:
            self._calls = Queue()
            threading.Thread(target=_work, args=(self._calls,), name="calls", daemon=True).start()
        self._calls.put((call, future, control))
        end = None
        while not future.done():
            if control.interrupts:
                end = end or self._clock() + grace
            if end is not None and self._clock() >= end:
                self._calls.put(None)
                self._calls = None
                raise Abandoned("Lambda has not answered since the interrupt")
            control.wait(3600 if end is None else end - self._clock(), future.done)
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
