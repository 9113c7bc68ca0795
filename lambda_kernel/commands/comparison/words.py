"""The sentences of a report, for each of its forms."""

from __future__ import annotations

from collections.abc import Iterator

from ...aws.target import HOST
from ...local.cpu_share import INDEPENDENT
from ...magics.environment import VOLATILE, VOLATILE_PARTS
from ...output.figures import plural
from .comparison import Comparison
from .environments import DIFFERENT, SAME, UNKNOWN, Field

FIGURES_NOTE = (
    "Figures stand side by side for one run of each cell: they vary from run to run, and %%compare measures many."
)
ENVIRONMENT_NOTE = f"What changes by itself is not compared: {', '.join(sorted(VOLATILE | VOLATILE_PARTS))}."
RULES_NOTE = "Before outputs are compared, each match of these rules is replaced by the rule's name:"


def short(code: str, most: int) -> str:
    return code if len(code) <= most else f"{code[: most - 1]}…"


def verdict(comparison: Comparison) -> str:
    """The whole in one sentence."""
    rows = comparison.rows
    different = sum(row.outcome == DIFFERENT for row in rows)
    fields = sum(field.outcome == DIFFERENT for field in comparison.fields)
    cells = f"{different} of {plural(len(rows), 'cell')} with different outputs" if rows else "No code in the notebook"
    if not comparison.fields:
        return f"{cells}."
    return f"{cells}; {plural(fields, 'field')} of the environment that {'differs' if fields == 1 else 'differ'}."


def notes(comparison: Comparison) -> Iterator[str]:
    """About the figures."""
    yield FIGURES_NOTE
    shares = next((field.values for field in comparison.fields if field.name == "cpu_share"), ())
    whole = [target for target, share in zip(comparison.targets, shares, strict=False) if share == HOST]
    if len(whole) > 1:
        yield f"On {', '.join(whole)}, {INDEPENDENT}: the emulator gives each all of this machine's CPUs."


def differing(comparison: Comparison) -> list[tuple[str, ...]]:
    """Field by field, those that differ first: name, outcome, and the value on each target."""
    fields = [field for field in comparison.fields if field.outcome != SAME]
    return [(field.name, field.outcome, *field.values) for field in sorted(fields, key=_first)]


def _first(field: Field) -> bool:
    return field.outcome != DIFFERENT


def shared(comparison: Comparison) -> list[tuple[str, str]]:
    """The fields that are the same everywhere, with their values."""
    return [(field.name, _value(field)) for field in comparison.fields if field.outcome == SAME]


def _value(field: Field) -> str:
    return next((value for value in field.values if value != UNKNOWN), UNKNOWN)


def failures(comparison: Comparison) -> list[str]:
    pairs = zip(comparison.targets, comparison.problems, strict=True)
    return [f"{target}: {problem}" for target, problem in pairs if problem]


def rules(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Name, meaning, and how often it matched."""
    return [(rule.name, rule.meaning, f"{count:,}") for rule, count in comparison.rules.items()]
