"""Runs side by side: a thread for each, and one Control whose interrupts reach them all."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ..session.cell import Control, InputRequest, never
from ..session.waits import PatientControl
from ..session.worker import CallPolicy

TICK_SECONDS = 0.5
T = TypeVar("T")


class LaneControl:
    """Of one run among others. The interrupts are those of the experiment's Control, and nobody is asked anything.

    Calls are made in the lane's own thread, since a second thread for each would cost more than all else of a run. A
    call that is not waited for any longer cannot be left, but the lane can, and its thread with it. left: it was.
    """

    def __init__(self, whole: Control, clock: Callable[[], float]) -> None:
        self._whole, self._clock = whole, clock
        self._heard = 0  # how many interrupts have ended a wait
        self._news = threading.Condition()
        self._ends: tuple[float, float, float] | None = None  # of a call: when it began, its grace, and its limit
        self._interrupted: float | None = None  # when that was seen
        self.left = False

    def call(self, call: Callable[[], T], grace: float, limit: float) -> T:
        """As a CallPolicy does it, but what takes too long is only found out by `stuck`."""
        self._ends = (self._clock(), grace, limit)
        try:
            return call()
        finally:
            self._ends = None

    def stuck(self) -> bool:
        """Whether its call has taken longer than is waited for."""
        now = self._clock()
        if self.interrupts and self._interrupted is None:
            self._interrupted = now
        if (ends := self._ends) is None:
            return False
        begun, grace, limit = ends
        late = math.inf if self._interrupted is None else max(begun, self._interrupted) + grace
        return now >= min(begun + limit + grace, late)

    @property
    def interrupts(self) -> int:
        return self._whole.interrupts

    @property
    def closed(self) -> bool:
        return self.left or self._whole.closed

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        with self._news:
            self._news.wait_for(lambda: self.interrupts > self._heard or until(), min(seconds, threading.TIMEOUT_MAX))
            self._heard = self.interrupts

    def wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def take(self) -> None: ...

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        return ""


def in_lanes(usual: CallPolicy) -> CallPolicy:
    """The CallPolicy of a session whose cells run in lanes at times. usual: that of its other cells."""

    def policy(call: Callable[[], T], control: Control, grace: float, limit: float = math.inf) -> T:
        below = control.control if isinstance(control, PatientControl) else control
        if isinstance(below, LaneControl):
            return below.call(call, grace, limit)
        return usual(call, control, grace, limit)

    return policy


class Lanes(Protocol):
    """run: makes one run after another, until there is none. leave: gives up a lane whose thread is stuck. tick: is
    called now and then."""

    def run(self, control: LaneControl) -> None: ...

    def leave(self, control: LaneControl) -> None: ...

    def tick(self) -> None: ...


def side_by_side(controls: Sequence[LaneControl], lanes: Lanes, whole: Control) -> None:
    """Run a lane with each of the controls, in threads, until all have returned or were left."""
    under_way = dict.fromkeys(controls)

    def run(control: LaneControl) -> None:
        try:
            lanes.run(control)
        finally:
            under_way.pop(control, None)
            if not under_way:
                whole.wake()

    for control in controls:
        threading.Thread(target=run, args=(control,), name="run", daemon=True).start()
    heard = 0
    while under_way:
        whole.wait(TICK_SECONDS, lambda: not under_way)
        if whole.interrupts > heard:
            heard = whole.interrupts
            for control in controls:
                control.wake()
        for control in [control for control in controls if control in under_way and control.stuck()]:
            control.left = True
            lanes.leave(control)
            under_way.pop(control, None)
        if under_way:
            lanes.tick()
