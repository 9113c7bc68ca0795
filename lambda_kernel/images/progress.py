"""How far a pull is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TextIO

Step = Literal["pulling", "unpacking", "waiting for another pull of"]
_INTERVAL_S = 0.1
_WIDTH = 30


@dataclass(frozen=True)
class Progress:
    """done and total: compressed bytes of the whole image."""

    step: Step
    name: str
    done: int
    total: int

    def __str__(self) -> str:
        line = f"{self.step} {self.name}"
        return f"{line}: {self.done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB" if self.total else line


Tell = Callable[[Progress], None]


def nobody(progress: Progress) -> None:
    """Show nothing."""


def on_terminal(out: TextIO, clock: Callable[[], float]) -> Tell:
    """Draw a bar in place; write one line for each step where nothing can be drawn in place."""
    last: Progress | None = None
    due = 0.0

    def show(progress: Progress) -> None:
        nonlocal last, due
        if progress == last:
            return
        new = last is None or last.step != progress.step
        ended = bool(progress.total) and progress.done >= progress.total
        last = progress
        if not out.isatty():
            out.write(f"{progress.step} {progress.name}\n" if new else "")
        elif new or ended or clock() >= due:
            due = clock() + _INTERVAL_S
            full = _WIDTH * progress.done // progress.total if progress.total else 0
            out.write(f"\r\x1b[K[{'#' * full}{' ' * (_WIDTH - full)}] {progress}" + ("\n" if ended else ""))
        out.flush()

    return show
