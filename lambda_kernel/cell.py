"""A cell on its way: what is asked for, what happens meanwhile, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


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


NoticeCode = Literal[
    "article",  # what the 2018 article's function cannot do or tell
    "credentials",  # credentials have left the environment
    "environment",  # the execution environment or its runtime is a new one; what was restored, and what was not
    "file",  # what became of a file of %%output, %put or %get
    "hint",  # what to type in place of what does not work here
    "input-ended",  # the command read its input, and there was none
    "isolation",  # how the local engine keeps commands from this machine
    "job",  # bash's messages on its jobs, and whose output follows
    "retry",  # an invocation is tried again
    "shell",  # bash is a new one; what was restored, and what was not
    "signal",  # an interrupt has become a stronger signal
    "truncated",  # a part of the output is not shown
]


@dataclass(frozen=True)
class Notice:
    """What the kernel or bash says about the session: never a part of the command's output. code: what it is about; the
    README names them all, since notebooks keep them."""

    text: str
    code: NoticeCode


@dataclass(frozen=True)
class Progress:
    """How much of a cell's output has been written to a file, and in how many seconds."""

    path: str
    bytes: int
    seconds: float
    done: bool


@dataclass(frozen=True)
class Shown:
    """Display data by MIME type, in the place of what was shown under the same key; no other has that. live: there will
    be so many of them that a terminal shows each on top of the one before."""

    key: str
    data: dict[str, str]
    metadata: dict[str, Any] = field(default_factory=dict)
    live: bool = False


@dataclass(frozen=True)
class Cleared:
    """The command wants what the cell has shown to be taken away."""


Happening = Output | LeftOut | InputEnded | Notice | Progress | Shown
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
    the reader; seconds: the longest that it may take; stdin: the user can be asked; merge: stderr goes to stdout."""

    code: str
    label: int = 0
    bound: Bound | None = Bound()
    redact: bool = True
    seconds: float | None = None
    stdin: bool = False
    merge: bool = False


@dataclass(frozen=True)
class Ask:
    """A program waits for a line. secret: it must not be seen while it is typed."""

    prompt: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Result:
    """How a command ended. ended: why the shell is over, or None."""

    exit_code: int
    ended: str | None = None
    interrupted: bool = False
    timed_out: bool = False


def never() -> bool:
    return False


class Control(Protocol):
    """What happens to a cell from outside while it runs."""

    @property
    def interrupts(self) -> int:
        """How often the user has asked for it to stop."""

    @property
    def closed(self) -> bool:
        """Whether nobody is there any more."""

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        """Sleep, but not beyond the next interrupt, nor when `until` has come and `wake` says so."""

    def wake(self) -> None:
        """From another thread: have a wait look again."""

    def ask(self, question: Ask, seconds: float) -> str | None:
        """The user's line with its newline; empty: the end of the input. None: so many seconds are over, or there was
        an interrupt; the question then stays."""


class ThreadControl:
    """A Control whose interrupts and answers come from another thread. asker: shows a question, once."""

    def __init__(self, asker: Callable[[Ask], None] | None = None) -> None:
        self.interrupts, self.closed = 0, False
        self._asker = asker
        self._asked = False
        self._answer: str | None = None
        self._heard = 0  # of the interrupts, those that have ended a wait
        self._news = threading.Condition()

    def interrupt(self) -> None:
        self.interrupts += 1
        self.wake()

    def close(self) -> None:
        self.closed = True
        self.interrupt()

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        with self._news:
            self._news.wait_for(lambda: self.interrupts > self._heard or until(), seconds)
            self._heard = self.interrupts

    def wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def answer(self, text: str) -> None:
        self._answer = text
        self.wake()

    def ask(self, question: Ask, seconds: float) -> str | None:
        if not self._asked and self._asker:
            self._asked = True
            self._asker(question)
        self.wait(seconds, lambda: self._answer is not None)
        text, self._answer = self._answer, None
        self._asked = self._asked and text is None
        return text
