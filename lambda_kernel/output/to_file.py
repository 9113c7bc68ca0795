"""Writes a cell's stdout to a local file, and shows progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from ..session.cell import CellEvent, Emit, Output, Progress

PROGRESS_SECONDS = 0.5  # a shorter transfer shows no progress


class Writer:
    """An Emit that writes the cell's own stdout and passes on everything else. The session waits for it."""

    def __init__(self, file: BinaryIO, name: str, emit: Emit, clock: Callable[[], float]) -> None:
        self._file, self._name, self._emit, self._clock = file, name, emit, clock
        self._begin = self._shown = clock()
        self._bytes = 0

    def __call__(self, cell_event: CellEvent) -> None:
        if not isinstance(cell_event, Output) or cell_event.stream != "stdout" or cell_event.job is not None:
            self._emit(cell_event)
            return
        self._file.write(cell_event.data)
        self._bytes += len(cell_event.data)
        if self._clock() - self._shown >= PROGRESS_SECONDS:
            self._show(done=False)

    def finish(self) -> None:
        """Show the final figures, if any were shown before."""
        if self._shown > self._begin:
            self._show(done=True)

    def _show(self, *, done: bool) -> None:
        self._shown = self._clock()
        self._emit(Progress(self._name, self._bytes, self._shown - self._begin, done))
