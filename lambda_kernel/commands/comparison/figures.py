"""The figures of a cell and of a whole run, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...output.report_line import milliseconds
from .comparison import Comparison, Row

UNKNOWN = "-"
Figures = Mapping[str, object]


def number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def time(figures: Figures, name: str) -> str:
    found = number(figures.get(name))
    return UNKNOWN if found is None else milliseconds(found)


def memory(figures: Figures) -> str:
    used, size = (number(figures.get(name)) for name in ("max_memory_used_mb", "memory_size_mb"))
    if used is None:
        return UNKNOWN
    return f"{used:g} MB" if size is None else f"{used:g} of {size:g} MB"


def cost(figures: Figures) -> str:
    found = number(figures.get("cost_usd"))
    return UNKNOWN if found is None else f"${found:.8f}".rstrip("0").rstrip(".")


# The columns of each target.
COLUMNS: Mapping[str, Callable[[Figures], str]] = {
    "duration": lambda figures: time(figures, "duration_ms"),
    "init": lambda figures: time(figures, "init_duration_ms"),
    "memory": memory,
    "cost": cost,
}


def in_one(figures: Figures) -> str:
    """The known ones of a target in one cell of a table."""
    texts = {name: text(figures) for name, text in COLUMNS.items()}
    known = [f"init {text}" if name == "init" else text for name, text in texts.items() if text != UNKNOWN]
    return ", ".join(known) or UNKNOWN


def totals(comparison: Comparison) -> list[dict[str, object]]:
    """Of each target: sums, and the largest memory."""
    return [_total(comparison.rows, column) for column in range(len(comparison.targets))]


def _total(rows: Sequence[Row], column: int) -> dict[str, object]:
    every = [row.results[column].figures for row in rows]
    sums: dict[str, object] = {
        name: _over(sum, every, name) for name in ("duration_ms", "init_duration_ms", "cost_usd")
    }
    return sums | {name: _over(max, every, name) for name in ("max_memory_used_mb", "memory_size_mb")}


def _over(join: Callable[[list[float]], float], every: Sequence[Figures], name: str) -> float | None:
    known = [found for one in every if (found := number(one.get(name))) is not None]
    return join(known) if known else None
