"""The report as Markdown, and its main table as text for a terminal."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from ...output.table import aligned
from . import words
from .comparison import Comparison, Row
from .figures import in_one, totals

CODE = 40  # characters of a cell's first line
PUNCTUATION = re.compile(r"([\\`*_\[\]|~$])")
FENCE = re.compile(r"`{3,}")


def text(comparison: Comparison) -> str:
    """For a terminal: the table of cells, then how it ended."""
    head = ["cell", "code", "output", *comparison.targets]
    body = [[str(row.number), words.short(row.code, CODE), row.outcome, *_figures(row)] for row in comparison.rows]
    total = ["", "", "in all", *map(in_one, totals(comparison))]
    return "\n".join([*aligned([head, *body, total]), "", words.verdict(comparison)])


def _figures(row: Row) -> list[str]:
    return [in_one(result.figures) for result in row.results]


def report(comparison: Comparison) -> str:
    return "\n".join(
        [
            f"# {escaped(comparison.name)} on {', '.join(map(escaped, comparison.targets))}",
            "",
            escaped(words.verdict(comparison)),
            "",
            *(f"- **{escaped(one)}**" for one in words.failures(comparison)),
            "",
            "## Cells",
            "",
            *(line for note in words.notes(comparison) for line in (escaped(note), "")),
            *_cells(comparison),
            "",
            *_diffs(comparison),
            *_environment(comparison),
            "## Rules",
            "",
            escaped(words.RULES_NOTE),
            "",
            *table(("name", "what", "matches"), words.rules(comparison)),
            "",
        ]
    )


def _cells(comparison: Comparison) -> Iterator[str]:
    rows = [
        (str(row.number), words.short(row.code, CODE), *(one.outcome for one in row.results), *_figures(row))
        for row in comparison.rows
    ]
    total = ("", "in all", *("" for _ in comparison.targets), *map(in_one, totals(comparison)))
    outputs = (f"output on {target}" for target in comparison.targets)
    yield from table(("cell", "code", *outputs, *comparison.targets), [*rows, total])


def _diffs(comparison: Comparison) -> Iterator[str]:
    for row in comparison.rows:
        for result in row.results:
            if result.diff:
                yield from (
                    f"### Cell {row.number}: {escaped(words.short(row.code, CODE))}",
                    "",
                    *fenced(result.diff, "diff"),
                    "",
                )


def _environment(comparison: Comparison) -> Iterator[str]:
    if not comparison.fields:
        return
    yield from ("## Environment", "", escaped(words.ENVIRONMENT_NOTE), "")
    yield from (*table(("field", "", *comparison.targets), words.differing(comparison)), "")
    yield from (*table(("field", "everywhere"), words.shared(comparison)), "")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, head))} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(escaped, row))} |"


def escaped(said: str) -> str:
    """Text inside a line that Markdown takes for nothing else (CommonMark, backslash escapes and entities)."""
    return html.escape(PUNCTUATION.sub(r"\\\1", " ".join(said.split())), quote=False)


def fenced(said: str, language: str) -> list[str]:
    """A fence that is longer than any in the text (CommonMark, fenced code blocks)."""
    fence = "`" * (1 + max((len(found) for found in FENCE.findall(said)), default=2))
    return [f"{fence}{language}", said, fence]
