"""Progress and speed of a transfer."""

from __future__ import annotations

import html
from collections.abc import Callable

from ..session.cell import Emit, Shown

SHOW_SECONDS = 0.5  # a shorter transfer shows no progress


class ProgressDisplay:
    """Counts bytes, and shows them in a display that is updated."""

    def __init__(self, emit: Emit, clock: Callable[[], float], key: str) -> None:
        self._emit, self._clock, self._key = emit, clock, key
        self._begin = self._shown = clock()
        self.total = self.done = 0

    def start(self, total: int) -> None:
        """Start the clock: the user may have been asked a question before."""
        self.total, self._begin = total, self._clock()
        self._shown = self._begin

    @property
    def seconds(self) -> float:
        return self._clock() - self._begin

    def add(self, count: int, name: str) -> None:
        self.done += count
        if self._clock() - self._shown >= SHOW_SECONDS:
            self._shown = self._clock()
            self._show(name, bar=True)

    def finish(self) -> None:
        """Show the final figures, if any were shown before."""
        if self._shown > self._begin:
            self._show("all", bar=False)

    def rate(self) -> str:
        return f"{self.done / max(self.seconds, 1e-6) / 1e6:,.1f} MB/s"

    def _show(self, name: str, *, bar: bool) -> None:
        line = f"{name}: {size(self.done)} of {size(max(self.total, self.done))}, {self.rate()}"
        widget = f'<progress value="{self.done}" max="{max(self.total, self.done)}"></progress> ' if bar else ""
        self._emit(Shown(self._key, {"text/plain": line, "text/html": f"{widget}{html.escape(line)}"}, passing=bar))


def size(count: int) -> str:
    return f"{count:,} bytes" if count < 100_000 else f"{count / 1e6:,.1f} MB"


def number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
