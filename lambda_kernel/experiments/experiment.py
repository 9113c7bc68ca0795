"""An experiment: its plan, and what its runs have come to so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import errors
from .folding import Folds
from .plan import Plan
from .row import Outcome, Row


@dataclass
class Experiment:
    """A plan, and what it has come to so far. error: the last one of a run.

    running: how many runs go on; waiting: how many wait for their turn, because Lambda takes no more at once. limit:
    how many it takes, and whose limit that is. refused: why the runs that are missing could not be made. left: the
    slots whose runs were given up, and whose places are not to be used again.
    """

    plan: Plan
    rows: list[Row] = field(default_factory=list)
    folds: Folds = field(default_factory=Folds)
    error: errors.KernelError | None = None
    stopped: Outcome | None = None  # why it ended before its last run
    held: bool = False  # whether new environments were had by holding others, which takes time (Session.reset)
    running: int = 0
    waiting: int = 0
    limit: str = ""
    refused: errors.Throttled | None = None
    left: list[int] = field(default_factory=list)

    def number(self, outcome: Outcome) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    def sort(self) -> None:
        """By the runs' numbers, and no longer as they have ended."""
        self.rows.sort(key=lambda row: self.plan.number(row.slot, row.repetition))
        self.folds.sort()
