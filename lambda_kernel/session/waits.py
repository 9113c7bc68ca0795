"""Tells what is waited for, once it takes long."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from .cell import Control, DelegatingControl, Emit, Waiting, never

LONG_SECONDS = 2.0
FIRST_SECONDS = 0.5  # of the first invocation on AWS, which is a cold start as a rule


class PatientControl(DelegatingControl):
    """A Control under which one thing is waited for. control: that of whoever waits. what: the thing's name, empty if
    it is not to be told; after: so many seconds it is told."""

    def __init__(
        self, control: Control, emit: Emit, clock: Callable[[], float], what: Callable[[], str], after: float
    ) -> None:
        super().__init__(control)
        self._emit, self._clock, self._what = emit, clock, what
        self._due: float | None = clock() + after  # None: it has been told, or will not be
        self._told = False

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        """It may return early, when something has been told: whoever waits looks again."""
        left = seconds if self._due is None else max(self._due - self._clock(), 0.0)
        self.control.wait(min(seconds, left), until)
        if self._due is not None and self._clock() >= self._due and not until():
            self._due = None
            self._tell()

    def _tell(self) -> None:
        if what := self._what():
            self._told = True
            self._emit(Waiting(what))

    def over(self) -> None:
        if self._told:
            self._emit(Waiting(""))


@contextlib.contextmanager
def waiting(
    control: Control, emit: Emit, clock: Callable[[], float], what: Callable[[], str], after: float = LONG_SECONDS
) -> Iterator[Control]:
    """Within it, a wait by the Control that it gives is told, and taken back at its end."""
    patient = PatientControl(control, emit, clock, what, after)
    try:
        yield patient
    finally:
        patient.over()
