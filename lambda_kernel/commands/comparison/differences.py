"""Where two texts differ, as a unified diff of bounded size."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from ...untrusted import visible

CONTEXT = 3  # lines around a difference
MOST_LINES = 400  # that are compared one by one, from the first difference on: difflib takes the square of them
SHOWN_LINES = 200
LINE = 300  # characters
HUNK = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def unified(before: str, after: str, names: tuple[str, str]) -> str:
    """Empty if the texts are the same. Control characters are escaped."""
    if before == after:
        return ""
    one, other = before.splitlines(), after.splitlines()
    start = max(0, _common(one, other) - CONTEXT)
    left, right = _apart(one[start:], other[start:])
    cut = max(len(left), len(right)) > MOST_LINES
    found = list(difflib.unified_diff(left[:MOST_LINES], right[:MOST_LINES], n=CONTEXT, lineterm=""))[2:]
    lines = [_shown(_shifted(line, start)) for line in found[:SHOWN_LINES]]
    more = [f"… of {len(one):,} and {len(other):,} lines: the rest is in the saved notebooks"]
    return "\n".join([_heading(names), *lines, *(more if cut or len(found) > SHOWN_LINES else [])])


def _apart(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    """Without the lines at the end that are the same, but for those around the last difference."""
    same = max(0, _common(one[::-1], other[::-1]) - CONTEXT)
    return one[: len(one) - same], other[: len(other) - same]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _heading(names: tuple[str, str]) -> str:
    return "\n".join(f"{mark} {visible(name, LINE)}" for mark, name in zip(("---", "+++"), names, strict=True))


def _shifted(line: str, start: int) -> str:
    """A hunk's line numbers count from the first line of the text."""
    found = HUNK.fullmatch(line)
    if not found:
        return line
    first, length, second, other = found.groups(default="")
    return f"@@ -{int(first) + start}{length} +{int(second) + start}{other} @@"


def _shown(line: str) -> str:
    size = f" ({len(line) - 1:,} characters)" if len(line) > LINE else ""
    return visible(line, LINE, "\t") + size


def lines_of(diff: str) -> Iterator[tuple[str, str]]:
    """Each line with its kind: `file`, `hunk`, `-`, `+` or empty."""
    for number, line in enumerate(diff.splitlines()):
        if number < 2:
            yield "file", line
        else:
            yield "hunk" if line.startswith("@@ ") else line[:1] if line[:1] in "-+" else "", line
