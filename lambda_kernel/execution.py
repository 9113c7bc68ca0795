"""One cell from its text to its result: magics, then the command."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from .article import introduction
from .cell import Cell, Control, Emit, Notice, Output, Result
from .errors import ShellPerCommand, UsageError
from .files import Local
from .hints import Hints
from .into_file import Writer
from .magics import MAGICS, Call, Head, parse
from .tally import Tally
from .workspace import Workspace


@dataclass(frozen=True)
class Execution:
    """A cell at work, in a thread where it may block. label: the number that the user sees beside it."""

    text: str
    label: int
    workspace: Workspace
    emit: Emit
    control: Control
    tally: Tally
    stdin: bool = False
    hints: Hints = field(default_factory=Hints)

    def run(self) -> Result | None:
        """Its result; None when no command was in it. Raises errors.KernelError."""
        head = parse(self.text, MAGICS)
        for magic, words in head.lines:
            self._say(magic.run(self._call(words)))
        settings = self.workspace.settings
        ways = {"stdin": self.stdin, "merge": settings.merge}
        cell = Cell(head.body, self.label, settings.bound, settings.redact, settings.seconds, **ways)
        if head.cell and (take := head.cell[0].take):
            return take(self._call(head.cell[1]), cell, self._command)
        if not head.body.strip():
            if head.cell:
                head.cell[0].run(self._call(head.cell[1]))  # its words are looked at all the same
            return None
        return self._into_file(head, cell) if head.cell else self._command(cell, self.emit)

    def _call(self, words: list[str]) -> Call:
        return Call(words, self.workspace, self.emit, self.control, self.tally, MAGICS, self.stdin)

    def _say(self, text: str) -> None:
        self.emit(Output("stdout", text.encode()))

    def _command(self, cell: Cell, emit: Emit) -> Result:
        session = self.workspace.enter(emit, self.control)
        try:
            return session.run(cell, self.hints.reading(emit, cell.merge), self.control, self.tally)
        except ShellPerCommand:  # found out before the cell was sent
            article = self.workspace.use_article()
            emit(Notice(introduction(article.transport.function)))
            session = article
            return article.run(cell, self.hints.reading(emit, cell.merge), self.control, self.tally)
        finally:
            self.hints.give(emit, session, self.tally)

    def _into_file(self, head: Head, cell: Cell) -> Result:
        assert head.cell is not None
        magic, words = head.cell
        path = Path(magic.run(self._call(words))).expanduser()
        name = Local().name(os.fsencode(path))
        with writes(name):
            file = path.open("wb")
        try:
            with writes(name), file:
                writer = Writer(file, name, self.emit, self.workspace.clock)
                result = self._command(replace(cell, bound=None), writer)
                writer.finish()
                return result
        finally:
            if path.is_file():
                self.emit(Notice(f"{path.stat().st_size:,} bytes written to {name}"))


@contextlib.contextmanager
def writes(name: str) -> Iterator[None]:
    """To a file of this machine."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {name} on this machine: {error.strerror}") from error
