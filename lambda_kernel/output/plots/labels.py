"""Puts words beside the points of a plot so that they do not cover each other. Vega-Lite itself moves none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CHARACTER, LINE = 6.5, 14.0  # pixels of a letter and of a line, about
POINT = 7.0  # pixels around the middle of a point
ASIDE = 6.0
MARGIN = 8.0  # above the plot, up to its title
STEPS = 5  # lines above and below a point
OUTSIDE = 10.0  # how much worse it is to stand outside of the plot than to cover something


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Label:
    """x, y: its point, in pixels from the left and from the top. left, above: where it is best."""

    text: str
    x: float
    y: float
    left: bool
    above: bool


@dataclass(frozen=True)
class Side:
    """Where a label stands. lower: by how many pixels its middle is lower than the point."""

    left: bool
    lower: float


def placed(labels: Sequence[Label], width: float, height: float) -> list[Side]:
    """One after the other, each where it covers least of the points and of those before."""
    plot = Box(0, -MARGIN, width, height)
    taken = [Box(one.x - POINT, one.y - POINT, one.x + POINT, one.y + POINT) for one in labels]
    found = []
    for label in labels:
        best = min(sides(label), key=lambda side: _cost(box(label, side), plot, taken))
        taken.append(box(label, best))
        found.append(best)
    return found


def sides(label: Label) -> list[Side]:
    """The best place first."""
    steps = [LINE * (step + 1) for step in range(STEPS)]
    ways = (-1, 1) if label.above else (1, -1)
    return [Side(left, way * step) for step in steps for left in (label.left, not label.left) for way in ways]


def box(label: Label, side: Side) -> Box:
    wide, middle = len(label.text) * CHARACTER, label.y + side.lower
    begin = label.x - ASIDE - wide if side.left else label.x + ASIDE
    return Box(begin, middle - LINE / 2, begin + wide, middle + LINE / 2)


def _cost(one: Box, plot: Box, taken: Sequence[Box]) -> float:
    return OUTSIDE * (one.area - one.shared(plot)) + sum(one.shared(other) for other in taken)
