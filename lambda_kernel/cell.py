"""A cell on its way: what is asked for, what happens meanwhile, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Output:
    """Bytes as the command wrote them. job: the label of the cell whose background job did, or None."""

    stream: str
    data: bytes
    job: int | None = None


@dataclass(frozen=True)
class LeftOut:
    """What lay beyond the bound and was not fetched."""

    bytes: int
    lines: int


@dataclass(frozen=True)
class InputEnded:
    """The command read its input and was given its end."""


@dataclass(frozen=True)
class Notice:
    """A sentence about the session itself."""

    text: str


Happening = Output | LeftOut | InputEnded | Notice
Emit = Callable[[Happening], None]


@dataclass(frozen=True)
class Bound:
    """How much of a cell's output is fetched; what lies between its head and its tail is left out."""

    bytes: int = 1_000_000
    lines: int = 10_000

    def parts(self) -> tuple[int, int, int, int]:
        """Bytes and lines of the head, which is shown at once; then those of the tail."""
        tail_bytes, tail_lines = self.bytes // 8, self.lines // 8
        return self.bytes - tail_bytes, self.lines - tail_lines, tail_bytes, tail_lines


@dataclass(frozen=True)
class Cell:
    """A command and how to run it. label: the number that the user knows it by; bound None: all output, at the pace of
    the reader; seconds: the longest that it may take."""

    code: str
    label: int = 0
    bound: Bound | None = Bound()
    redact: bool = True
    seconds: float | None = None


@dataclass(frozen=True)
class Result:
    """How a command ended. ended: why the shell is over, or None."""

    exit_code: int
    ended: str | None = None
    interrupted: bool = False
    timed_out: bool = False


class Control(Protocol):
    """What happens to a cell from outside while it runs."""

    @property
    def interrupts(self) -> int:
        """How often the user has asked for it to stop."""

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the next interrupt."""


class ThreadControl:
    """A Control whose interrupts come from another thread."""

    def __init__(self) -> None:
        self.interrupts = 0
        self._news = threading.Event()

    def interrupt(self) -> None:
        self.interrupts += 1
        self._news.set()

    def wait(self, seconds: float) -> None:
        self._news.wait(seconds)
        self._news.clear()
