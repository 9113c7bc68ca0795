"""One cell from its text to its result: magics, then the command."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from .article import introduction
from .cell import Cell, Control, Emit, Notice, Output, Result
from .errors import ShellPerCommand, UsageError
from .files import Local
from .hints import Hints
from .history_hint import history_hint
from .into_file import Writer
from .magics import KNOWN, MAGICS, Call, Head, Line, misplaced, parse
from .magics.ipython import MORE, Question, leaving, question, without_bangs
from .session import Session
from .shell_commands import job_words
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
        text = unix(self.text)
        jobs = self._jobs(text)
        if asked := question(text, KNOWN):
            return self._answer(asked)
        head = parse(text, KNOWN, jobs)
        if wrong := misplaced(head, KNOWN, jobs):
            raise UsageError(wrong)
        result = self._lines(head)
        return result if result and stops(result) else self._body(head, result)

    def _jobs(self, text: str) -> frozenset[str]:
        """What the jobs of the shell may be called by, with those that this cell may start."""
        names = self.workspace.job_words
        names |= job_words(text)
        session = self.workspace.sessions.get(self.workspace.target)
        snapshot = session.snapshot if isinstance(session, Session) else None
        return frozenset((*names, *(snapshot.jobs if snapshot else ())))

    def _answer(self, asked: Question) -> Result | None:
        if asked.magic:
            self._say(asked.answer)
            return None
        self.emit(Notice(MORE, "hint"))
        return self._command(self._cell(asked.bash), self.emit)

    def _lines(self, head: Head) -> Result | None:
        """The result of the last command that was among them. One that fails keeps what stands below it from running:
        the rest may have been meant for another directory."""
        result = None
        for line in head.lines:
            if line.magic.bash:
                result = self._command(self._cell(line.magic.bash(line.text)), self.emit)
                if stops(result):
                    break
            else:
                self._say(line.magic.run(self._call(line.words)))
        return result

    def _body(self, head: Head, result: Result | None) -> Result | None:
        commands = not (head.cell and head.cell.magic.text)
        cell = self._cell(leaving(without_bangs(head.body)) if commands else head.body)
        if commands and (hint := history_hint(cell.code)):
            self.emit(Notice(hint, "hint"))
        if head.cell and (take := head.cell.magic.take):
            return take(self._call(head.cell.words), cell, self._command) or result
        if not head.body.strip():
            if head.cell:
                head.cell.magic.run(self._call(head.cell.words))  # its words are looked at all the same
            return result
        return self._into_file(head.cell, cell) if head.cell else self._command(cell, self.emit)

    def _cell(self, code: str) -> Cell:
        settings = self.workspace.settings
        ways = {"stdin": self.stdin, "merge": settings.merge}
        return Cell(code, self.label, settings.bound, settings.redact, settings.seconds, **ways)

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
            session = article
            emit(Notice(introduction(article.transport.function), "article"))
            return article.run(cell, self.hints.reading(emit, cell.merge), self.control, self.tally)
        finally:
            self.hints.give(emit, session, self.tally)

    def _into_file(self, line: Line, cell: Cell) -> Result:
        path = Path(line.magic.run(self._call(line.words))).expanduser()
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
                self.emit(Notice(f"{path.stat().st_size:,} bytes written to {name}", "file"))


def unix(text: str) -> str:
    """Lines that end as those of Windows do: bash would take the carriage return for part of a word."""
    return re.sub(r"\r(?=\n|\Z)", "", text) if "\r\n" in text else text


def stops(result: Result) -> bool:
    """Whether nothing that stands below is to be run."""
    return bool(result.exit_code or result.ended or result.interrupted or result.timed_out)


@contextlib.contextmanager
def writes(name: str) -> Iterator[None]:
    """To a file of this machine."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {name} on this machine: {error.strerror}") from error
