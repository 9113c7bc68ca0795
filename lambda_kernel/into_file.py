"""A cell's stdout into a local file, with its progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from .cell import Emit, Happening, Output, Progress

PROGRESS_SECONDS = 0.5  # a transfer that is over sooner shows none


class Writer:
    """An Emit that keeps the cell's own stdout and passes on the rest. The session waits for it: it sets the pace."""

    def __init__(self, file: BinaryIO, name: str, emit: Emit, clock: Callable[[], float]) -> None:
        self._file, self._name, self._emit, self._clock = file, name, emit, clock
        self._begin = self._shown = clock()
        self._bytes = 0

    def __call__(self, happening: Happening) -> None:
        if not isinstance(happening, Output) or happening.stream != "stdout" or happening.job is not None:
            self._emit(happening)
            return
        self._file.write(happening.data)
        self._bytes += len(happening.data)
        if self._clock() - self._shown >= PROGRESS_SECONDS:
            self._show(done=False)

    def finish(self) -> None:
        """Show the last figures, if any were shown."""
        if self._shown > self._begin:
            self._show(done=True)

    def _show(self, *, done: bool) -> None:
        self._shown = self._clock()
        self._emit(Progress(self._name, self._bytes, self._shown - self._begin, done))
