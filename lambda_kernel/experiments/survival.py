"""How long an idle environment lives: the cell after pauses, and whether the same environment answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .plan import Plan, Run
from .row import Row

# A machine that sleeps, or is very busy, makes a pause longer. Such a sample tells of another pause than the planned.
LATE_SHARE, LATE_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class IdlePlan(Plan):
    """After a first run, each pause some times."""

    pauses: tuple[float, ...] = ()

    @property
    def pause_seconds(self) -> float:
        """Of all its runs."""
        return sum(run.pause_seconds for run in self.runs)


def idle(name: str, samples: int, pauses: Sequence[float]) -> IdlePlan:
    planned = [0.0, *(pause for pause in pauses for _ in range(samples))]
    runs = tuple(Run(0, number, pause) for number, pause in enumerate(planned, 1))
    return IdlePlan(name, runs, pauses=tuple(pauses))


@dataclass(frozen=True)
class Sample:
    """planned_s, idle_s: the pause as planned, and by the clock; same: whether the environment was the same."""

    planned_s: float
    idle_s: float
    same: bool

    @property
    def late(self) -> bool:
        return self.idle_s - self.planned_s > max(LATE_SHARE * self.planned_s, LATE_SECONDS)


def samples(plan: Plan, rows: Sequence[Row]) -> list[Sample]:
    """Of each two runs one after the other whose environments are known. Of a run that was lost, only the one that it
    was meant for is known."""
    planned = {run.repetition: run.pause_seconds for run in plan.runs}
    return [
        Sample(planned[row.repetition], idle_s(before, row, planned[row.repetition]), same(before, row))
        for before, row in pairwise(rows)
        if met(before) and met(row) and planned.get(row.repetition)
    ]


def met(row: Row) -> bool:
    return row.environment_id is not None and row.completed


def same(before: Row, row: Row) -> bool:
    return before.environment_id == row.environment_id


def idle_s(before: Row, row: Row, planned_s: float) -> float:
    """By the wall clock, which goes on while this machine sleeps. It may have been set back."""
    return max((row.began - before.began).total_seconds() - before.wall_ms / 1000, planned_s)
