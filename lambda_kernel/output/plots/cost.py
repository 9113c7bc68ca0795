"""What a target's speed costs: a point for each, by its duration and by the price of a million runs."""

from __future__ import annotations

from collections.abc import Sequence

from ...experiments.curve import MARKS, Point
from ...untrusted import visible
from . import characters, labels
from .plot import BLUE, GREEN, NUMBER, PURPLE, VERMILLION, Plot, Spec, amount, coloured, specification, time_axis
from .units import Unit, spoken, unit

HEIGHT = 340
INNER_WIDTH, INNER_HEIGHT = 500.0, 235.0  # pixels between the axes, about
ROOM = 1.08  # of each axis, beyond the largest value
SUBTITLE = "A point is a target's median run; the band is the middle half of its runs"
NAME = 40  # characters
BAR = 8
COLOURS = dict(zip((*MARKS, ""), (GREEN, VERMILLION, PURPLE, BLUE), strict=True))
FAR = 0.7  # of the width: from here on there is no room for words at the right
WORDS = {
    "type": "text",
    "align": {"expr": "datum.left ? 'right' : 'left'"},
    "dx": {"expr": "datum.left ? -6 : 6"},
    "dy": {"expr": "datum.lower"},
    "baseline": "middle",
}
SHAPES = dict(zip((*MARKS, ""), ("square", "triangle-up", "diamond", "circle"), strict=True))


def plot(name: str, points: Sequence[Point]) -> Plot | None:
    """name: of the experiment. None: there are no two to compare."""
    drawn = sorted(points, key=lambda point: point.duration_ms)
    return Plot(spec(name, drawn), text(drawn)) if len(drawn) > 1 else None


def spec(name: str, points: Sequence[Point]) -> Spec:
    most_ms = max(point.high_ms for point in points) * ROOM or 1.0
    ends = (most_ms, max(point.million_usd for point in points) * ROOM or 1.0)
    scaled = unit(most_ms / ROOM)
    sides = labels.placed(labels_of(points, ends), INNER_WIDTH, INNER_HEIGHT)
    values = [value(point, side, scaled) for point, side in zip(points, sides, strict=True)]
    body = {"data": {"values": values}, "encoding": axes(scaled, ends), "layer": layers(scaled)}
    return specification(f"What speed costs: {name}", SUBTITLE, HEIGHT, body)


def label(point: Point) -> str:
    return ": ".join(filter(None, (visible(point.target, NAME), ", ".join(point.marks))))


def labels_of(points: Sequence[Point], ends: tuple[float, float]) -> list[labels.Label]:
    """A label is best above the line if that falls on its side."""
    most_ms, most_usd = ends
    made = []
    for before, point, after in zip([points[0], *points], points, [*points[1:], points[-1]], strict=False):
        left = point.high_ms > FAR * most_ms
        above = point.million_usd >= (before if left else after).million_usd
        x, y = point.duration_ms / most_ms * INNER_WIDTH, (1 - point.million_usd / most_usd) * INNER_HEIGHT
        made.append(labels.Label(label(point), x, y, left, above))
    return made


def value(point: Point, side: labels.Side, scaled: Unit) -> Spec:
    low, at, high = (scaled.of(one) for one in (point.low_ms, point.duration_ms, point.high_ms))
    row = {"target": label(point), "low": low, "duration": at, "high": high, "cost": round(point.million_usd, 4)}
    return {**row, "mark": point.marks[0] if point.marks else "", "left": side.left, "lower": side.lower}


def axes(scaled: Unit, ends: tuple[float, float]) -> Spec:
    most_ms, most_usd = ends
    axis = {"format": "$,.2f", "tickCount": 6}
    cost = amount("cost", "cost of a million runs (USD)", scale={"domain": [0, most_usd], "nice": False}, axis=axis)
    x = time_axis("duration", "duration", scaled)
    return {"x": {**x, "scale": {"domain": [0, scaled.of(most_ms)], "nice": False}}, "y": cost}


def layers(scaled: Unit) -> list[Spec]:
    tooltip = [
        {"field": "target", "title": "target"},
        amount("duration", f"duration ({scaled.name})", format=NUMBER),
        amount("cost", "USD for a million", format=",.2f"),
    ]
    colour, shape = ({**coloured("mark", [*of], [*of.values()]), "legend": None} for of in (COLOURS, SHAPES))
    return [
        {"mark": {"type": "line", "color": BLUE, "opacity": 0.6, "strokeWidth": 1.5}},
        {
            "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.5},
            "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
            "encoding": {"color": colour, "shape": shape, "tooltip": tooltip},
        },
        {"mark": WORDS, "encoding": {"text": {"field": "target", "type": "nominal"}}},
    ]


def text(points: Sequence[Point]) -> str:
    slowest = max(point.duration_ms for point in points) or 1
    dearest = max(point.million_usd for point in points) or 1
    rows = []
    for point in points:
        took, cost = spoken(point.duration_ms), f"${point.million_usd:,.2f}"
        bars = (
            f"{characters.bar(point.duration_ms / slowest, BAR)} {took:<9}",
            f"{characters.bar(point.million_usd / dearest, BAR)} {cost:<7}",
        )
        rows.append(characters.row(visible(point.target, NAME), " ".join([*bars, *point.marks])))
    return "\n".join([characters.row("", f"{'duration':<{BAR + 10}} a million runs"), *rows])
