"""What a magic is, and how a cell's head is read."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..cell import Cell, Control, Emit, Result
from ..errors import UsageError
from ..tally import Tally
from ..workspace import Workspace

# `%1`, `%%` and `%?x` are bash's job specs: only a letter makes a magic.
# Blank lines and comments may stand before it.
LINE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(%%?)([A-Za-z][\w-]*)(?:[ \t]([^\n]*))?\r?(?:\n|\Z)")


@dataclass(frozen=True)
class Call:
    """What a magic works with: its words, the kernel's state, and the way to show and to be stopped. attended: whether
    somebody is there who can stop it."""

    words: list[str]
    workspace: Workspace
    emit: Emit
    control: Control
    tally: Tally
    magics: Mapping[str, Magic]
    attended: bool = False


Command = Callable[[Cell, Emit], Result]


@dataclass(frozen=True)
class Magic:
    """run returns text to show. cell: it is called with two percent signs, and has the rest of the cell; take, if there
    is one, then does all that the cell does, and is given what runs a command in the session. text: what it takes are
    no commands."""

    name: str
    usage: str
    summary: str
    run: Callable[[Call], str]
    cell: bool = False
    take: Callable[[Call, Cell, Command], Result | None] | None = None
    text: bool = False

    @property
    def synopsis(self) -> str:
        return f"{'%%' if self.cell else '%'}{self.name} {self.usage}".rstrip()


@dataclass(frozen=True)
class Head:
    """A cell, read: the line magics, the cell magic if there is one, and the shell text."""

    lines: list[tuple[Magic, list[str]]]
    cell: tuple[Magic, list[str]] | None
    body: str


def parse(text: str, magics: Mapping[str, Magic]) -> Head:
    """Read a cell. Raises UsageError for an unknown magic, before anything is run."""
    lines: list[tuple[Magic, list[str]]] = []
    while match := LINE.match(text):
        percents, name, words = match.groups()
        magic = find(name, percents == "%%", magics)
        call = (magic, split(words or "", magic))
        text = text[match.end() :]
        if magic.cell:
            return Head(lines, call, text)
        lines.append(call)
    return Head(lines, None, text)


def find(name: str, cell: bool, magics: Mapping[str, Magic]) -> Magic:
    percents = "%%" if cell else "%"
    magic = magics.get(name)
    if magic is None:
        near = difflib.get_close_matches(name, magics, 1)
        hint = f"did you mean {magics[near[0]].synopsis}?" if near else "%help lists them"
        raise UsageError(f"there is no magic {percents}{name}: {hint}")
    if magic.cell != cell:
        raise UsageError(f"{percents}{name} is used as {magic.synopsis}")
    return magic


def split(words: str, magic: Magic) -> list[str]:
    try:
        return shlex.split(words)
    except ValueError as error:
        raise UsageError(f"{magic.synopsis}: {error}") from error


def wrong(magic: Magic) -> UsageError:
    return UsageError(f"usage: {magic.synopsis}")


def on_or_off(call: Call, magic: Magic, on: str = "on", off: str = "off") -> bool | None:
    """One of two words; None if there is none."""
    if not call.words:
        return None
    if call.words not in ([on], [off]):
        raise wrong(magic)
    return call.words == [on]
