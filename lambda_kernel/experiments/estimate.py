"""What an experiment will cost, by the runs that it has made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from .plan import Plan, Run
from .row import Row

# A slot, and whether a run began with a cold start. None: any.
Kind = tuple[int | None, bool | None]


def total_usd(plan: Plan, rows: Sequence[Row]) -> float | None:
    """Of all its runs, with new environments. None: no price is known, or no run has been made yet."""
    means = mean_usd(rows)
    if not means:
        return None
    used: set[int | None] = {None, *(row.slot for row in rows)}
    expected = (_expected(run, run.cold or run.slot not in used, means) for run in left(plan, rows))
    return sum(row.cost_usd or 0 for row in rows) + sum(expected)


def most_usd(plan: Plan, rows: Sequence[Row]) -> float:
    """No less than total_usd, and found in a fraction of its time: as if each run cost what the dearest one did."""
    return len(plan.runs) * max((row.cost_usd or 0.0 for row in rows), default=0.0)


def left(plan: Plan, rows: Sequence[Row]) -> list[Run]:
    """The runs that have no row yet."""
    made = {key for row in rows for key in ((row.slot, row.repetition), (None, row.repetition))}
    return [run for run in plan.runs if (run.slot, run.repetition) not in made]


def mean_usd(rows: Sequence[Row]) -> dict[Kind, float]:
    """Of each kind of runs whose price is known."""
    costs: defaultdict[Kind, list[float]] = defaultdict(list)
    for row in rows:
        if row.cost_usd is not None:
            for kind in kinds(row.slot, row.cold_start):
                costs[kind].append(row.cost_usd)
    return {kind: sum(found) / len(found) for kind, found in costs.items()}


def kinds(slot: int | None, cold: bool) -> list[Kind]:
    """Those that such a run is of, the narrowest first."""
    return list(dict.fromkeys([(slot, cold), (slot, None), (None, cold), (None, None)]))


def _expected(run: Run, cold: bool, means: Mapping[Kind, float]) -> float:
    return next(means[kind] for kind in kinds(run.slot, cold) if kind in means)
