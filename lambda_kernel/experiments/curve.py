"""Cost against duration of a comparison's targets, as AWS Lambda Power Tuning shows it: which is cheapest, fastest, and
best on balance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .comparison import figures
from .row import Row

Mark = Literal["cheapest", "fastest", "balanced"]
Place = tuple[float, float]  # duration in ms, and the cost of a million runs in US dollars


@dataclass(frozen=True)
class Point:
    """A target. duration_ms: the median; million_usd: the cost of a million such runs; marks: what it is best at."""

    slot: int
    target: str
    memory_mb: int | None
    duration_ms: float
    million_usd: float
    marks: tuple[Mark, ...] = ()


def curve(rows: Sequence[Row]) -> list[Point]:
    """The targets whose duration and cost are known, by memory. One alone has no marks."""
    found = [
        (one, (one.median_ms, one.million_usd))
        for one in figures(rows)
        if one.median_ms is not None and one.million_usd is not None
    ]
    best = _best([place for _, place in found]) if len(found) > 1 else {}
    points = [
        Point(one.slot, one.target, one.memory_mb, *place, tuple(mark for mark, at in best.items() if at == number))
        for number, (one, place) in enumerate(found)
    ]
    return sorted(points, key=lambda point: (point.memory_mb or 0, point.slot))


def _best(places: Sequence[Place]) -> dict[Mark, int]:
    """Cost and duration have the same weight in the balance, each as a part of its largest (analyzer.js there)."""
    slowest, dearest = (max(place[part] for place in places) or 1 for part in (0, 1))
    orders: dict[Mark, Callable[[Place], Place]] = {
        "cheapest": lambda place: (place[1], place[0]),
        "fastest": lambda place: place,
        "balanced": lambda place: (place[0] / slowest + place[1] / dearest, place[0]),
    }
    return {mark: min(range(len(places)), key=lambda at: order(places[at])) for mark, order in orders.items()}
