"""Compares executed copies of a notebook. Pure: notebooks come in, and what a report says goes out."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...output.display import KEYS
from ...untrusted import visible
from ..metadata import LONGEST, figures_in, value
from . import volatile
from .differences import unified
from .environments import DIFFERENT, SAME, Field, fields_of
from .outputs import Clean, joined, text_of
from .volatile import Rule

NOT_RUN, NOTHING = "not run", "no output"


@dataclass(frozen=True)
class Run:
    """A notebook as one target has executed it.

    problem: why it went no further, as a sentence without its end; environment: what %environment says of the target.
    """

    target: str
    notebook: Mapping[str, Any]
    problem: str = ""
    environment: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Result:
    """A cell on one target. diff: against the first target that ran the cell."""

    outcome: str
    figures: Mapping[str, object]
    diff: str = ""


@dataclass(frozen=True)
class Row:
    """A cell. number: among all cells of the notebook, from 1."""

    number: int
    code: str
    results: tuple[Result, ...]

    @property
    def outcome(self) -> str:
        """Of the outputs on all targets."""
        found = {result.outcome for result in self.results}
        if DIFFERENT in found:
            return DIFFERENT
        if len(found) == 1:
            return found.pop()
        return f"{SAME}, where it ran"


@dataclass(frozen=True)
class Comparison:
    """rules: with how often each matched."""

    name: str
    targets: tuple[str, ...]
    problems: tuple[str, ...]
    rows: tuple[Row, ...]
    fields: tuple[Field, ...]
    rules: Mapping[Rule, int] = field(default_factory=dict)


def compare(name: str, runs: Sequence[Run], rules: Sequence[Rule] = ()) -> Comparison:
    """runs: of the same notebook. rules: of the user, before the usual ones."""
    counts: Counter[Rule] = Counter()
    every = [*rules, volatile.environments(_environment_ids(runs)), *volatile.USUAL]
    clean = functools.partial(volatile.without, rules=every, counts=counts)
    cells = zip(*(run.notebook["cells"] for run in runs), strict=True)
    targets = tuple(visible(run.target, LONGEST) for run in runs)
    problems = tuple(visible(run.problem, LONGEST) for run in runs)
    rows = tuple(
        Row(number, _code(same[0]), _results(same, targets, clean))
        for number, same in enumerate(cells, 1)
        if same[0].get("cell_type") == "code" and joined(same[0].get("source")).strip()
    )
    fields = fields_of([run.environment for run in runs])
    matches = {rule: counts[rule] for rule in every}
    return Comparison(visible(name, LONGEST), targets, problems, rows, fields, matches)


def _code(cell: Mapping[str, Any]) -> str:
    """Its first line, with a sign if there are more."""
    first, _, rest = joined(cell.get("source")).strip("\n").partition("\n")
    return visible(f"{first} …" if rest.strip() else first, LONGEST)


def _results(cells: Sequence[Mapping[str, Any]], targets: Sequence[str], clean: Clean) -> tuple[Result, ...]:
    ran = [cell.get("execution_count") is not None for cell in cells]
    texts = [text_of(cell.get("outputs", []), clean) if done else "" for cell, done in zip(cells, ran, strict=True)]
    first = next((number for number, done in enumerate(ran) if done), None)
    found = []
    for number, cell in enumerate(cells):
        if first is None or not ran[number]:
            found.append(Result(NOT_RUN, {}))
            continue
        diff = unified(texts[first], texts[number], (targets[first], targets[number]))
        outcome = DIFFERENT if diff else SAME if texts[number] else NOTHING
        found.append(Result(outcome, _figures(cell), diff))
    return tuple(found)


def _figures(cell: Mapping[str, Any]) -> dict[str, object]:
    """Of the report below the cell. Empty if there is none."""
    found = [one for output in cell.get("outputs", []) if (one := figures_in(output))]
    return {name: value(found[-1].get(name)) for name in KEYS} if found else {}


def _environment_ids(runs: Sequence[Run]) -> Iterator[object]:
    for run in runs:
        yield from ([] if run.environment is None else [run.environment.get("environment_id")])
        for cell in run.notebook["cells"]:
            found = filter(None, map(figures_in, cell.get("outputs", [])))
            yield from (one.get("environment_id") for one in found)
