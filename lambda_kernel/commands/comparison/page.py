"""The report as one HTML page. All that comes from outside is escaped, and the page may load and run nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from . import words
from .comparison import Comparison, Row
from .differences import lines_of
from .environments import DIFFERENT
from .figures import COLUMNS, Figures, totals

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --out: #a04000; --in: #0055bb; }
@media (prefers-color-scheme: dark) { :root { --out: #ffa657; --in: #79c0ff; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 80rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); }
td.outcome { white-space: nowrap; }
td.figure { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .6rem .8rem; overflow-x: auto; }
.different, .failed { font-weight: 600; }
.same, .note, .hunk, .file { opacity: .7; }
.minus { color: var(--out); } .plus { color: var(--in); }
"""
CODE = 80  # characters of a cell's first line
KINDS = {"-": "minus", "+": "plus"}


def page(comparison: Comparison) -> str:
    name = f"{comparison.name} on {', '.join(comparison.targets)}"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{html.escape(name)}</h1>",
            f"<p>{html.escape(words.verdict(comparison))}</p>",
            *(f'<p class="failed">{html.escape(one)}</p>' for one in words.failures(comparison)),
            "<h2>Cells</h2>",
            *(f'<p class="note">{html.escape(note)}</p>' for note in words.notes(comparison)),
            *_cells(comparison),
            *(part for row in comparison.rows for part in _diffs(row)),
            *_environment(comparison),
            f'<h2>Rules</h2>\n<p class="note">{html.escape(words.RULES_NOTE)}</p>',
            *_table(("name", "what", "matches"), words.rules(comparison)),
            "</body>\n</html>\n",
        ]
    )


def _cells(comparison: Comparison) -> Iterator[str]:
    """Each target has its output's outcome and its figures in columns of its own."""
    names = ("output", *COLUMNS)
    spans = "".join(f'<th colspan="{len(names)}">{html.escape(target)}</th>' for target in comparison.targets)
    yield f'<table>\n<thead>\n<tr><th rowspan="2">cell</th><th rowspan="2">code</th>{spans}</tr>'
    yield f"<tr>{''.join(f'<th>{name}</th>' for name in names) * len(comparison.targets)}</tr>\n</thead>\n<tbody>"
    yield from map(_row, comparison.rows)
    figures = "".join(f"<td></td>{_figures(total)}" for total in totals(comparison))
    yield f"<tr><td></td><td>in all</td>{figures}</tr>\n</tbody>\n</table>"


def _row(row: Row) -> str:
    parts = [f"<td>{_link(row)}</td><td>{_code(row)}</td>"]
    for result in row.results:
        kind = DIFFERENT if result.outcome == DIFFERENT else "same"
        parts.append(f'<td class="outcome {kind}">{html.escape(result.outcome)}</td>{_figures(result.figures)}')
    return f"<tr>{''.join(parts)}</tr>"


def _code(row: Row) -> str:
    return f"<code>{html.escape(words.short(row.code, CODE))}</code>"


def _link(row: Row) -> str:
    return f'<a href="#cell-{row.number}">{row.number}</a>' if row.outcome == DIFFERENT else str(row.number)


def _figures(figures: Figures) -> str:
    return "".join(f'<td class="figure">{html.escape(text(figures))}</td>' for text in COLUMNS.values())


def _diffs(row: Row) -> Iterator[str]:
    if row.outcome == DIFFERENT:
        yield f'<h3 id="cell-{row.number}">Cell {row.number}: {_code(row)}</h3>'
    yield from (f"<pre>{_diff(result.diff)}</pre>" for result in row.results if result.diff)


def _diff(diff: str) -> str:
    """Its signs stay in the text, so that its meaning does not hang on colours."""
    return "\n".join(
        f'<span class="{KINDS.get(kind, kind)}">{html.escape(line)}</span>' if kind else html.escape(line)
        for kind, line in lines_of(diff)
    )


def _environment(comparison: Comparison) -> Iterator[str]:
    if not comparison.fields:
        return
    yield f'<h2>Environment</h2>\n<p class="note">{html.escape(words.ENVIRONMENT_NOTE)}</p>'
    yield from _table(("field", "", *comparison.targets), words.differing(comparison))
    yield from _table(("field", "everywhere"), words.shared(comparison))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"<table>\n<thead><tr>{''.join(f'<th>{html.escape(one)}</th>' for one in head)}</tr></thead>\n<tbody>"
    for row in rows:
        kind = ' class="different"' if DIFFERENT in row[:2] else ""
        yield f"<tr{kind}>{''.join(f'<td>{html.escape(one)}</td>' for one in row)}</tr>"
    yield "</tbody>\n</table>"
