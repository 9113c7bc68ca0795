"""Plots made of characters: lines of at most 80, without colours. A narrow terminal has room for fewer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BLOCKS = " ▁▂▃▄▅▆▇█"
PARTS = " ▏▎▍▌▋▊▉█"
COLUMNS, FEWEST = 60, 20  # beside a row's name
NAME = 18  # characters of a row's name


def room(terminal: int | None) -> int:
    """How many columns there are beside a row's name on a terminal. None: its width is not known."""
    return COLUMNS if terminal is None else min(max(terminal - NAME - 1, FEWEST), COLUMNS)


@dataclass(frozen=True)
class Ruler:
    """Puts values from low to high into columns."""

    low: float
    high: float
    log: bool = False
    columns: int = COLUMNS

    def column(self, value: float) -> int:
        low, high, at = (math.log(one) if self.log else one for one in (self.low, self.high, value))
        return min(int((at - low) / (high - low) * self.columns), self.columns - 1) if high > low else 0


def row(name: str, drawn: str) -> str:
    cut = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
    return f"{cut:<{NAME}} {drawn}".rstrip()


def histogram(values: Iterable[float], ruler: Ruler) -> str:
    """A block for each column, as high as it has values; every value can be seen."""
    counts = [0] * ruler.columns
    for value in values:
        counts[ruler.column(value)] += 1
    top = max(counts)
    return "".join(BLOCKS[math.ceil(count / top * (len(BLOCKS) - 1))] for count in counts)


def bar(share: float, columns: int) -> str:
    """As long as the share of the columns."""
    eighths = max(round(share * columns * 8), 1 if share > 0 else 0)
    return (PARTS[-1] * (eighths // 8) + PARTS[eighths % 8]).rstrip().ljust(columns)


def axis(low: str, high: str, columns: int) -> Sequence[str]:
    return (row("", "└" + "─" * (columns - 2) + "┘"), row("", low + high.rjust(columns - len(low))))
