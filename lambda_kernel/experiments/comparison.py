"""Comparisons: the same cell on several targets in turn, and what their runs say of each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from .plan import Plan, Run
from .row import Row
from .statistics import Ratio, known, percentile, ratio

Sameness = Literal["same", "different", "varies", ""]


@dataclass(frozen=True)
class Comparison(Plan):
    """A slot for each target. Runs before the first repetition are for warming up: they have rows, and do not count.

    init_ms: of environments that were started in order to see whether there is such a target. notes: what else is to be
    said of the targets.
    """

    targets: tuple[str, ...] = ()
    init_ms: tuple[float | None, ...] = ()
    notes: tuple[str, ...] = ()

    def number(self, slot: int, repetition: int) -> int:
        """Which of all runs it is, from 1: each repetition is one on each target."""
        return (repetition - self.runs[0].repetition) * len(self.targets) + slot + 1


def comparison(
    name: str,
    targets: Sequence[str],
    runs: int,
    warmup: int = 0,
    *,
    init_ms: Sequence[float | None] = (),
    notes: Sequence[str] = (),
) -> Comparison:
    """One run on each target, then again: what changes with time, such as the hour's load, meets all of them."""
    planned = tuple(Run(slot, number) for number in range(1 - warmup, runs + 1) for slot in range(len(targets)))
    return Comparison(name, planned, targets=tuple(targets), init_ms=tuple(init_ms), notes=tuple(notes))


@dataclass(frozen=True)
class Figures:
    """Of the runs on one target that ended well. Times are Lambda's Duration. None: not known.

    planned: how many runs were made; memory_mb: the function's; used_mb: the largest Max Memory Used; million_usd: the
    cost of a million such runs in a warm environment; output: compared with the first target's, empty for that; usual:
    the digest of the output that came most often.
    """

    slot: int
    target: str
    planned: int
    runs: int
    median_ms: float | None
    p95_ms: float | None
    min_ms: float | None
    init_ms: float | None
    memory_mb: int | None
    used_mb: int | None
    million_usd: float | None
    output: Sameness
    usual: str | None


def figures(rows: Sequence[Row], init_ms: Sequence[float | None] = (), targets: Sequence[str] = ()) -> list[Figures]:
    """Of each slot, in their order. init_ms, targets: Comparison's, some of whose targets may have no row yet."""
    of = by_slot(rows, len(targets))
    first = counted(next(iter(of.values()), []))
    started, named = dict(enumerate(init_ms)), dict(enumerate(targets))
    return [
        _figures(slot, made[0].target if made else named[slot], made, first, started.get(slot))
        for slot, made in of.items()
    ]


def ratios(rows: Sequence[Row], randomness: random.Random, slots: int = 0) -> list[Ratio | None]:
    """Of each slot's median duration to the first one's, which has none itself. slots: as in by_slot."""
    times = [durations(counted(made)) for made in by_slot(rows, slots).values()]
    return [None, *(ratio(others, times[0], randomness) for others in times[1:])][: len(times)]


def by_slot(rows: Sequence[Row], slots: int = 0) -> dict[int, list[Row]]:
    """The rows of each slot, in the slots' order. slots: how many there are at least, with rows or without."""
    of: dict[int, list[Row]] = {slot: [] for slot in sorted({*range(slots), *(row.slot for row in rows)})}
    for row in rows:
        of[row.slot].append(row)
    return of


def counted(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.repetition >= 1 and row.outcome == "ok"]


def durations(rows: Sequence[Row]) -> list[float]:
    return sorted(known(row.duration_ms for row in rows))


def _figures(slot: int, target: str, made: Sequence[Row], first: Sequence[Row], init_ms: float | None) -> Figures:
    rows = counted(made)
    times, inits = durations(rows), sorted(known([init_ms, *(row.init_duration_ms for row in made)]))
    return Figures(
        slot=slot,
        target=target,
        planned=sum(row.repetition >= 1 for row in made),
        runs=len(rows),
        median_ms=percentile(times, 50) if times else None,
        p95_ms=percentile(times, 95) if times else None,
        min_ms=times[0] if times else None,
        init_ms=percentile(inits, 50) if inits else None,
        memory_mb=max(known(row.memory_size_mb for row in made), default=None),
        used_mb=max(known(row.max_memory_used_mb for row in made), default=None),
        million_usd=million_usd(rows),
        output=sameness(rows, first),
        usual=usual(rows),
    )


def million_usd(rows: Sequence[Row]) -> float | None:
    costs = warm_costs(rows)
    return 1_000_000 * fmean(costs) if costs else None


def warm_costs(rows: Sequence[Row]) -> list[float]:
    """A run that met a cold start costs more, and few of a million do."""
    warm = [row for row in rows if not row.cold_start] or rows
    return known(row.cost_usd for row in warm)


def sameness(rows: Sequence[Row], first: Sequence[Row]) -> Sameness:
    outputs, others = ({row.stdout_sha256 for row in of} for of in (rows, first))
    if not outputs or not others:
        return ""
    if len(outputs) > 1:
        return "varies"
    return "" if rows[0].slot == first[0].slot else "same" if outputs == others else "different"


def usual(rows: Sequence[Row]) -> str | None:
    return Counter(row.stdout_sha256 for row in rows).most_common(1)[0][0] if rows else None
