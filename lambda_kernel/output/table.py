"""Tables as text and as HTML. The first row is the head."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from .style import normal, small

Cells = Sequence[Sequence[str]]
FIGURE = re.compile(r"-|[\d,]+(?:\.\d+)?")


def described(head: str, cells: Cells, notes: Sequence[str], summary: Cells = ()) -> dict[str, str]:
    """Display data: a table between its head and notes. summary: a second table below them; empty: none."""
    below = "".join(small(html.escape(note)) for note in notes)
    return {
        "text/plain": "\n".join([head, *aligned(cells), *notes, *(["", *aligned(summary)] if summary else [])]),
        "text/html": f"{normal(html.escape(head))}{page_of(cells)}{below}{page_of(summary) if summary else ''}",
    }


def aligned(cells: Cells) -> list[str]:
    """Columns of text, with figures at the right."""
    return [line.rstrip() for line in map("  ".join, zip(*map(padded, zip(*cells, strict=True)), strict=True))]


def padded(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    figures = all(FIGURE.fullmatch(text) for text in column[1:])
    return [text.rjust(width) if figures else text.ljust(width) for text in column]


def page_of(cells: Cells, style: str = "") -> str:
    """style: of the cells; without one the front end aligns them, as figures are."""
    head, *rows = cells
    as_told = style and f' style="{style}"'
    names = "".join(f"<th{as_told}>{html.escape(text)}</th>" for text in head)
    lines = "".join(f"<tr>{''.join(f'<td{as_told}>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>"
