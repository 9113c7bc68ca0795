"""Interrupts what runs when it may cost no more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..session.cell import Control, DelegatingControl
from ..session.command import ESCALATE_SECONDS, SIGNALS
from .costs import Costs

Clock = Callable[[], float]


class EndingControl(DelegatingControl, ABC):
    """A Control that interrupts by itself, and then more strongly, as a time limit does."""

    def __init__(self, control: Control, clock: Clock) -> None:
        super().__init__(control)
        self._clock = clock
        self._since: float | None = None  # since when it interrupts

    @abstractmethod
    def _ends(self) -> bool:
        """Whether it is time to interrupt."""

    @property
    def interrupts(self) -> int:
        return super().interrupts + self._own()

    def _own(self) -> int:
        if self._since is None:
            if not self._ends():
                return 0
            self._since = self._clock()
        return min(1 + int((self._clock() - self._since) / ESCALATE_SECONDS), len(SIGNALS))


class LimitedControl(EndingControl):
    """A cell's Control to which the limit of costs is an interrupt.

    Only a cell that costs something is interrupted. One that begins beyond the limit is refused at its first invocation
    (Metered), unless that is free.
    """

    def __init__(self, control: Control, costs: Costs, clock: Clock) -> None:
        super().__init__(control, clock)
        self._costs, self._before_usd = costs, costs.spent_usd
        self.taken = False  # whether it has ended a view

    def _ends(self) -> bool:
        return self._costs.reached and self._costs.spent_usd > self._before_usd

    @property
    def reached(self) -> bool:
        """Whether the limit was reached, and the user has not interrupted."""
        return self._since is not None and not self.control.interrupts

    def take(self) -> None:
        self.taken = self.reached
        super().take()


class StoppableControl(EndingControl):
    """An experiment's Control. stopped: whether it is to end because of what it costs."""

    stopped = False

    def _ends(self) -> bool:
        return self.stopped
