"""What a time axis is labelled with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FAR = 10  # times the smallest value: from here on an axis is logarithmic


@dataclass(frozen=True)
class Unit:
    name: str
    milliseconds: float

    def of(self, milliseconds: float) -> float:
        return round(milliseconds / self.milliseconds, 4)


UNITS = (Unit("ms", 1), Unit("s", 1000), Unit("min", 60_000), Unit("h", 3_600_000))


def unit(most_ms: float, least: float = 2) -> Unit:
    """The largest of which there are so many. A second is one from ten on, since Lambda measures in milliseconds."""
    fitting = [one for one in UNITS if most_ms >= (10 if one.name == "s" else least) * one.milliseconds]
    return fitting[-1] if fitting else UNITS[0]


def spoken(milliseconds: float) -> str:
    """In the unit that fits it, such as `1 min`."""
    scaled = unit(milliseconds, least=1)
    return f"{scaled.of(milliseconds):,.4g} {scaled.name}"


def logarithmic(ordered: Sequence[float]) -> bool:
    return ordered[0] > 0 and ordered[-1] / ordered[0] >= FAR
