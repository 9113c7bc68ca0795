"""Interrupts what runs when it reaches the limit of costs."""

from __future__ import annotations

from collections.abc import Callable

from ..session.cell import Control, InputRequest, never
from ..session.command import ESCALATE_SECONDS, SIGNALS
from .costs import Costs

Clock = Callable[[], float]


class LimitedControl:
    """A cell's Control to which the limit is an interrupt, and then a stronger one, as a time limit is.

    Only a cell that costs something is interrupted. One that begins beyond the limit is refused at its first invocation
    (Metered), unless that is free.
    """

    def __init__(self, control: Control, costs: Costs, clock: Clock) -> None:
        self._control, self._costs, self._clock = control, costs, clock
        self._before_usd = costs.spent_usd
        self._since: float | None = None  # when it was reached
        self.taken = False  # whether it has ended a view

    @property
    def interrupts(self) -> int:
        return self._control.interrupts + self._of_limit()

    def _of_limit(self) -> int:
        if self._since is None:
            if not self._costs.reached or self._costs.spent_usd <= self._before_usd:
                return 0
            self._since = self._clock()
        return min(1 + int((self._clock() - self._since) / ESCALATE_SECONDS), len(SIGNALS))

    @property
    def reached(self) -> bool:
        """Whether the limit was reached, and the user has not interrupted."""
        return self._since is not None and not self._control.interrupts

    @property
    def closed(self) -> bool:
        return self._control.closed

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        self._control.wait(seconds, until)

    def wake(self) -> None:
        self._control.wake()

    def take(self) -> None:
        self.taken = self.reached
        self._control.take()

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        return self._control.request_input(question, seconds)
