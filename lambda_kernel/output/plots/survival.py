"""How long an idle environment lasts: after each pause, the share of the samples that met the same one again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..figures import duration
from . import characters
from .plot import BLUE, NUMBER, Plot, Spec, amount, share_axis, specification, time_axis
from .units import Unit, logarithmic, unit

HEIGHT = 280
SECONDS_FROM = 10_000.0  # ms: whole seconds are never written as milliseconds
Z = 1.96  # of the normal distribution, for 95 %
DRAWN = {"color": BLUE}
SUBTITLE = "Share of the samples that met the same environment again; the band is its 95 % interval"


@dataclass(frozen=True)
class Pause:
    """survived: how many of the samples met the same environment after so many seconds without an invocation."""

    seconds: float
    survived: int
    samples: int


def interval(pause: Pause) -> tuple[float, float]:
    """What the share may be in truth, with a confidence of 95 % (Wilson's score interval, 1927)."""
    share, count = pause.survived / pause.samples, pause.samples
    middle = share + Z**2 / (2 * count)
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    low, high = ((middle + sign * half) / (1 + Z**2 / count) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def plot(name: str, pauses: Sequence[Pause], columns: int = characters.COLUMNS) -> Plot | None:
    """name: of the experiment; columns: as characters.room tells. Pauses without samples are left out. None: there are
    no two others."""
    drawn = sorted((pause for pause in pauses if pause.samples), key=lambda pause: pause.seconds)
    return Plot(spec(name, drawn), text(drawn, columns // 2)) if len(drawn) > 1 else None


def spec(name: str, pauses: Sequence[Pause]) -> Spec:
    lengths = [pause.seconds for pause in pauses]
    scaled = unit(max(lengths[-1] * 1000, SECONDS_FROM))
    values = [value(pause, scaled) for pause in pauses]
    ticks = [one["pause"] for one in values]
    x = time_axis("pause", "pause without an invocation", scaled, log=logarithmic(lengths), values=ticks)
    title = f"How long an idle environment lasts: {name}"
    body = {"data": {"values": values}, "encoding": {"x": x}, "layer": layers(scaled)}
    return specification(title, SUBTITLE, HEIGHT, body)


def value(pause: Pause, scaled: Unit) -> Spec:
    shares = (pause.survived / pause.samples, *interval(pause))
    share, low, high = (round(one, 4) for one in shares)
    count = f"{pause.survived:,} of {pause.samples:,}"
    return {"pause": scaled.of(pause.seconds * 1000), "share": share, "low": low, "high": high, "count": count}


def layers(scaled: Unit) -> list[Spec]:
    tooltip = [amount("pause", f"pause ({scaled.name})", format=NUMBER), {"field": "count", "title": "still there"}]
    share = share_axis("still there", [0, 0.25, 0.5, 0.75, 1])
    count = {"field": "count", "type": "nominal"}
    beside = {"type": "text", "align": "left", "dx": 8, "dy": -9}
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 6, "opacity": 0.5, **DRAWN},
            "encoding": {"y": {**share, "field": "low"}, "y2": {"field": "high"}},
        },
        {"mark": {"type": "line", "strokeWidth": 2, **DRAWN}, "encoding": {"y": share}},
        {"mark": {"type": "circle", "size": 70, "opacity": 1, **DRAWN}, "encoding": {"y": share, "tooltip": tooltip}},
        {"mark": beside, "encoding": {"y": share, "text": count}},
    ]


def text(pauses: Sequence[Pause], bar: int) -> str:
    rows = (
        f"{characters.bar(pause.survived / pause.samples, bar)} {pause.survived:,} of {pause.samples:,} still there"
        for pause in pauses
    )
    return "\n".join(characters.row(duration(pause.seconds), row) for pause, row in zip(pauses, rows, strict=True))
