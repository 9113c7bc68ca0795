"""Percentiles by nearest rank: each is a value that was measured (Hyndman and Fan 1996, definition 1). Ratios."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .row import Row

T = TypeVar("T")
# The figures that a table sums up.
FIGURES = ("init_duration_ms", "restore_duration_ms", "duration_ms", "billed_duration_ms", "wall_ms")
REPLICATES = 2_000
SEED = 1  # of all that is drawn at random: the same runs give the same table, and the same marks
# The median lies between the smallest and the largest of n values in 1 - 2 * 0.5 ** n of all cases. With five values
# that is below 95 %, so no interval can be that sure.
FEWEST = 6


@dataclass(frozen=True)
class Distribution:
    """Of a figure, over the runs that have it."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest of the ordered values that so many percent of them do not exceed."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def distribution(values: Iterable[float]) -> Distribution | None:
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p90, p99 = (percentile(ordered, percent) for percent in (50, 90, 99))
    return Distribution(len(ordered), p50, p90, p99, ordered[-1])


def distributions(rows: Sequence[Row]) -> dict[str, Distribution]:
    """Of each figure that any run has, over the runs that came to their end."""
    return {name: found for name in FIGURES if (found := distribution(values_of(rows, name)))}


def values_of(rows: Iterable[Row], name: str) -> list[float]:
    """Of a figure, in order, from the runs that came to their end."""
    return sorted(known(getattr(row, name) for row in rows if row.completed))


def known(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]


@dataclass(frozen=True)
class Ratio:
    """Of two medians. low, high: where it lies in 95 of 100 cases; None: there are too few values to tell."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def noise(self) -> bool:
        """Whether the two may well be equal."""
        return self.low is not None and self.high is not None and self.low <= 1 <= self.high


def ratio(values: Iterable[float], base: Iterable[float], randomness: random.Random) -> Ratio | None:
    """Of the values' median to that of the base, with the percentile interval of the bootstrap (Efron 1979)."""
    top, bottom = sorted(values), sorted(base)
    if not top or not bottom or not bottom[0] > 0:
        return None
    value = percentile(top, 50) / percentile(bottom, 50)
    if min(len(top), len(bottom)) < FEWEST:
        return Ratio(value)
    replicates = sorted(
        resampled_median(top, randomness) / resampled_median(bottom, randomness) for _ in range(REPLICATES)
    )
    return Ratio(value, replicates[REPLICATES * 25 // 1000], replicates[REPLICATES * 975 // 1000])


def resampled_median(ordered: Sequence[float], randomness: random.Random) -> float:
    """The median of as many values, drawn from these with replacement.

    No sample is drawn: of n uniform numbers, the k-th smallest is distributed as Beta(k, n + 1 - k).
    """
    count, rank = len(ordered), math.ceil(len(ordered) / 2)
    return ordered[min(int(randomness.betavariate(rank, count + 1 - rank) * count), count - 1)]
