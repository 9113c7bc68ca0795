"""One cell from its text to its result: magics, then the command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from .cell import Cell, Control, Emit, Happening, Notice, Output, Result
from .errors import UsageError
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

    def run(self) -> Result | None:
        """Its result; None when no command was in it. Raises errors.KernelError."""
        head = parse(self.text, MAGICS)
        for magic, words in head.lines:
            self._say(magic.run(self._call(words)))
        if not head.body.strip():
            return None
        settings = self.workspace.settings
        cell = Cell(head.body, self.label, settings.bound, settings.redact, settings.seconds)
        return self._into_file(head, cell) if head.cell else self._command(cell, self.emit)

    def _call(self, words: list[str]) -> Call:
        return Call(words, self.workspace, self.emit, self.control, self.tally, MAGICS)

    def _say(self, text: str) -> None:
        self.emit(Output("stdout", text.encode()))

    def _command(self, cell: Cell, emit: Emit) -> Result:
        session = self.workspace.session()
        for warning in self.workspace.new_warnings():
            emit(Notice(warning))
        return session.run(cell, emit, self.control, self.tally)

    def _into_file(self, head: Head, cell: Cell) -> Result:
        assert head.cell is not None
        magic, words = head.cell
        path = Path(magic.run(self._call(words))).expanduser()
        try:
            with path.open("wb") as file:
                return self._command(replace(cell, bound=None), self._writer(file))
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error
        finally:
            if path.is_file():
                self.emit(Notice(f"{path.stat().st_size:,} bytes written to {path}"))

    def _writer(self, file: BinaryIO) -> Emit:
        def emit(happening: Happening) -> None:
            if isinstance(happening, Output) and happening.stream == "stdout" and happening.job is None:
                file.write(happening.data)
            else:
                self.emit(happening)

        return emit
