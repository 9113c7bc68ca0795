"""Cost against duration of a comparison's targets, as AWS Lambda Power Tuning shows it: which is cheapest, fastest, and
best on balance."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, get_args

from .comparison import by_slot, counted, durations, figures, warm_costs
from .row import Row
from .statistics import FEWEST, REPLICATES, SEED, percentile, resampled_median

Mark = Literal["cheapest", "fastest", "balanced"]
MARKS: tuple[Mark, ...] = get_args(Mark)
Place = tuple[float, float]  # duration in ms, and the cost of a run in US dollars
# A target that comes out best less often than the likeliest one by this factor is not the best.
UNLIKELY = 20
EQUAL = 1 + 1e-9


@dataclass(frozen=True)
class Point:
    """A target. duration_ms: the median; low_ms, high_ms: between them is the middle half of its runs; million_usd: the
    cost of a million such runs; marks: what it is best at."""

    slot: int
    target: str
    memory_mb: int | None
    duration_ms: float
    low_ms: float
    high_ms: float
    million_usd: float
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What the runs on a target tell. times: in order; usd: the mean cost; error_usd: its standard error."""

    times: Sequence[float]
    usd: float
    error_usd: float

    @property
    def middle_half(self) -> tuple[float, float]:
        return percentile(self.times, 25), percentile(self.times, 75)

    def resampled(self, randomness: random.Random) -> Place:
        """What other runs might have told."""
        return resampled_median(self.times, randomness), max(randomness.gauss(self.usd, self.error_usd), 0.0)


def curve(rows: Sequence[Row]) -> list[Point]:
    """The targets whose duration and cost are known, by memory.

    Several may be best at something, as far as the runs tell. If all of them may, none is marked, as with one target or
    with few runs.
    """
    of = by_slot(rows)
    found = [
        (one, one.median_ms, one.million_usd)
        for one in figures(rows)
        if one.median_ms is not None and one.million_usd is not None
    ]
    measured = [_measured(of[one.slot]) for one, *_ in found]
    points = [
        Point(one.slot, one.target, one.memory_mb, median_ms, *runs.middle_half, usd, marks)
        for (one, median_ms, usd), runs, marks in zip(found, measured, _marks(measured), strict=True)
    ]
    return sorted(points, key=lambda point: (point.memory_mb or 0, point.slot))


def _measured(made: Sequence[Row]) -> Measured:
    rows = counted(made)
    costs = warm_costs(rows)
    error = stdev(costs) / math.sqrt(len(costs)) if len(costs) > 1 else 0.0
    return Measured(durations(rows), fmean(costs), error)


def _marks(targets: Sequence[Measured]) -> list[tuple[Mark, ...]]:
    if len(targets) < 2 or min(len(one.times) for one in targets) < FEWEST:
        return [()] * len(targets)
    randomness = random.Random(SEED)
    times: dict[Mark, list[int]] = {mark: [0] * len(targets) for mark in MARKS}
    for _ in range(REPLICATES):
        for mark, values in _compared([one.resampled(randomness) for one in targets]).items():
            least = min(values) * EQUAL
            for number, value in enumerate(values):
                times[mark][number] += value <= least
    best = {mark: _likely(counts) for mark, counts in times.items()}
    return [tuple(mark for mark, numbers in best.items() if number in numbers) for number in range(len(targets))]


def _likely(counts: Sequence[int]) -> set[int]:
    """Those that may be the best, unless all may."""
    found = {number for number, count in enumerate(counts) if count * UNLIKELY >= max(counts)}
    return found if len(found) < len(counts) else set()


def _compared(places: Sequence[Place]) -> dict[Mark, list[float]]:
    """Less is better. Cost and duration have the same weight in the balance, each as a part of its largest (AWS Lambda
    Power Tuning's analyzer.js)."""
    times, costs = ([place[part] for place in places] for part in (0, 1))
    slowest, dearest = max(times) or 1, max(costs) or 1
    balance = [time / slowest + cost / dearest for time, cost in places]
    return {"cheapest": costs, "fastest": times, "balanced": balance}
