"""Text on a console's terminal, whose width is known: lines end between words, and what is cut says so."""

from __future__ import annotations

import re
import textwrap

NAME = re.compile(r"\s*\S.*?\s{2,}(?=\S)")  # of a row in two columns, up to its value
SGR = re.compile(r"(\x1b\[[\d;]*m)")  # colours and styles (ECMA-48): they take no room
ERASE_LINE = "\r\x1b[K"  # carriage return and EL (ECMA-48)
NARROWEST = 20  # no text is readable below that


def wrapped(text: str, columns: int | None) -> str:
    """Lines that are too long go on below their value, or below their beginning. Words stay whole, if they fit.

    columns: None if they are not known.
    """
    if columns is None or columns < NARROWEST:
        return text
    return "\n".join(_wrapped(line, columns) for line in text.split("\n"))


def _wrapped(line: str, columns: int) -> str:
    if len(line) <= columns:
        return line
    found = NAME.match(line)
    indent = found.end() if found and found.end() <= columns // 2 else len(line) - len(line.lstrip())
    head = line[:indent]
    lines = textwrap.wrap(line[indent:], columns - indent, break_on_hyphens=False, drop_whitespace=True)
    return head + f"\n{' ' * indent}".join(lines)


def parts_whole(line: str, columns: int | None) -> str:
    """A report's line, broken between its parts: a number stays beside its unit. A long part is broken after commas."""
    glued = "\0· ".join(_glued(part, columns) for part in line.split(" · "))
    return wrapped(glued, columns).replace("\0", " ")


def _glued(part: str, columns: int | None) -> str:
    glued = part.replace(" ", "\0")
    return glued if columns is None or len(part) <= columns else glued.replace(",\0", ", ")


def cut(text: str, columns: int | None) -> str:
    """Each line cut at the edge, with `…` in place of what is cut."""
    if columns is None:
        return text
    return "\n".join(_cut(line, columns) for line in text.split("\n"))


def _cut(line: str, columns: int) -> str:
    if len(SGR.sub("", line)) <= columns:
        return line
    room, parts = columns - 1, []
    for part in SGR.split(line):
        if SGR.match(part):
            parts.append(part)
        elif room >= 0:
            parts.append(part if len(part) <= room else f"{part[:room]}…")
            room = room - len(part) if len(part) <= room else -1
    return "".join(parts)


def dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m"
