"""What was measured: samples by who was measured, their medians, and what the targets say of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

OURS, IPYKERNEL, BASH, CALYSTO = "ours", "ipykernel", "bash_kernel", "calysto_bash"
ARTICLE, AWS, POST, POOL = "article's loop", "aws lambda invoke", "bare POST", "thread pool"
COLUMNS = (OURS, IPYKERNEL, CALYSTO, BASH, ARTICLE, AWS, POST, POOL)


@dataclass(frozen=True)
class Verdict:
    """A target of the project's, and what came of it."""

    target: str
    measured: str
    met: bool


@dataclass
class Figure:
    """One row: a unit, if it has one, and the samples of each of the columns that has any."""

    name: str
    unit: str
    samples: dict[str, list[float]]
    verdicts: list[Verdict] = field(default_factory=list)

    def median(self, who: str) -> float | None:
        samples = self.samples.get(who)
        return statistics.median(samples) if samples else None

    def judge(self, target: str, figure: float | None, limit: float, *, unit: str = "", least: bool = False) -> None:
        """Hold a figure against its limit, the most that is allowed or the least; None: it was not measured."""
        if figure is not None:
            met = figure >= limit if least else figure <= limit
            self.verdicts.append(Verdict(target, f"{number(figure)} {unit}".rstrip(), met))

    def ratio(self, who: str, to: str) -> float | None:
        one, other = self.median(who), self.median(to)
        return one / other if one and other and one * other > 0 else None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "medians": {who: self.median(who) for who in self.samples if self.samples[who]},
            "samples": {who: [round(value, 4) for value in values] for who, values in self.samples.items()},
            "targets": [vars(verdict) for verdict in self.verdicts],
        }


def number(value: float) -> str:
    """Three significant digits, but no digit before the point lost."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """All figures in columns; below each, its targets. In parentheses: a peer's figure divided by ours."""
    rows = [["", *COLUMNS]]
    below: list[list[str]] = [[]]
    for figure in figures:
        rows.append([f"{figure.name}, {figure.unit}".removesuffix(", "), *(_cell(figure, who) for who in COLUMNS)])
        below.append([_line(verdict) for verdict in figure.verdicts])
    used = [at for at in range(len(COLUMNS) + 1) if at == 0 or any(row[at] for row in rows[1:])]
    widths = {at: max(len(row[at]) for row in rows) for at in used}
    lines = []
    for row, notes in zip(rows, below, strict=True):
        lines += [_row(row, widths), *notes]
    return "\n".join(lines)


def _cell(figure: Figure, who: str) -> str:
    median = figure.median(who)
    if median is None:
        return ""
    ratio = figure.ratio(who, OURS)
    return number(median) if who == OURS or ratio is None else f"{number(median)} ({number(ratio)})"


def _row(row: list[str], widths: Mapping[int, int]) -> str:
    cells = [f"{row[at]:<{width}}" if at == 0 else f"{row[at]:>{width}}" for at, width in widths.items()]
    return "  ".join(cells).rstrip()


def _line(verdict: Verdict) -> str:
    return f"    {'met' if verdict.met else 'NOT MET'}: {verdict.target}: {verdict.measured}"
