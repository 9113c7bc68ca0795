"""A cell: the command to run, the events while it runs, and its result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Output:
    """Bytes as the command wrote them. job: the execution count of the cell whose job wrote them, or None."""

    stream: str
    data: bytes
    job: int | None = None


@dataclass(frozen=True)
class Truncated:
    """How much output was beyond the bound, so that it was not fetched. jobs: background jobs wrote it."""

    bytes: int
    lines: int
    jobs: bool = False


@dataclass(frozen=True)
class InputEnded:
    """The command read its input, and there was none."""


NoticeCode = Literal[
    "article",
    "cost",
    "credentials",
    "environment",
    "file",
    "hint",
    "input-ended",
    "isolation",
    "job",
    "plots",
    "retry",
    "runs",
    "shell",
    "signal",
    "truncated",
    "wait",
]
# What each notice is about, for the reference.
NOTICES: Mapping[NoticeCode, str] = MappingProxyType(
    {
        "article": "what the 2018 article's function cannot do or tell",
        "cost": "what an experiment will cost",
        "credentials": "credentials have left the environment, by a file that was copied",
        "environment": "the execution environment or its runtime is a new one: what was restored, and what was not",
        "file": "what became of a file of `%%output`, `%put` or `%get`",
        "hint": "what to type in place of what does not work here",
        "input-ended": "the command read its input, and there was none",
        "isolation": "how the local emulator keeps commands from this machine",
        "job": "bash's messages on its jobs, and whose output follows",
        "plots": "there is no plot, and what brings one",
        "retry": "an invocation is tried again",
        "runs": "how far an experiment is, whose output follows, and what became of its runs",
        "shell": "bash is a new one: what was restored, and what was not",
        "signal": "an interrupt has become a stronger signal",
        "truncated": "a part of the output is not shown",
        "wait": "what a cell waits for; it is taken away when that has come",
    }
)


@dataclass(frozen=True)
class Notice:
    """A sentence of the kernel or of bash about the session, which is never a part of the command's output.

    code: what it is about. Notebooks keep the codes, so the reference lists them. more: what a notebook shows after a
    click.
    """

    text: str
    code: NoticeCode
    more: str = ""


@dataclass(frozen=True)
class Progress:
    """How much of a cell's output has been written to a file, and in how many seconds."""

    path: str
    bytes: int
    seconds: float
    done: bool


@dataclass(frozen=True)
class Shown:
    """Display data by MIME type. It replaces what was shown under the same key before.

    live: many of them follow each other, so a terminal shows each on top of the one before. passing: its one line tells
    how far something is, and a terminal shows it until something else is shown.
    """

    key: str
    data: dict[str, str]
    metadata: dict[str, Any] = field(default_factory=dict)
    live: bool = False
    passing: bool = False


@dataclass(frozen=True)
class Waiting:
    """What is waited for, when that takes long. Empty: the wait is over, and is not to be seen any more."""

    text: str


@dataclass(frozen=True)
class Cleared:
    """The command asks to remove what the cell has shown."""


CellEvent = Output | Truncated | InputEnded | Notice | Progress | Shown | Waiting
Emit = Callable[[CellEvent], None]


@dataclass(frozen=True)
class Bound:
    """How much of a cell's output is fetched. What is between its head and its tail is left out."""

    bytes: int = 1_000_000
    lines: int = 10_000

    def parts(self) -> tuple[int, int, int, int]:
        """Bytes and lines of the head, which is shown at once, then bytes and lines of the tail."""
        tail_bytes, tail_lines = self.bytes // 8, self.lines // 8
        return self.bytes - tail_bytes, self.lines - tail_lines, tail_bytes, tail_lines


@dataclass(frozen=True)
class Cell:
    """A command, and how to run it.

    execution_count: Jupyter's number of the cell. bound None: all output, as fast as it is read. seconds: its time
    limit. stdin: the user can be asked for input. merge: stderr goes to stdout. variables: for the command.
    patient: if Lambda throttles it, it is tried again for a while.
    """

    code: str
    execution_count: int = 0
    bound: Bound | None = Bound()
    redact: bool = True
    seconds: float | None = None
    stdin: bool = False
    merge: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    patient: bool = True


@dataclass(frozen=True)
class InputRequest:
    """A program waits for a line of input. secret: it must not be visible while it is typed."""

    prompt: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Result:
    """How a command ended. ended: why its shell has ended too, or None."""

    exit_code: int
    ended: str | None = None
    interrupted: bool = False
    timed_out: bool = False


def never() -> bool:
    return False


def ended_from_now(control: Control) -> Callable[[], bool]:
    """Whether the user has interrupted since this call, or nobody waits any longer."""
    heard = control.interrupts
    return lambda: control.interrupts > heard or control.closed


class Control(Protocol):
    """What reaches a running cell from outside."""

    @property
    def interrupts(self) -> int:
        """How often the user has interrupted."""

    @property
    def closed(self) -> bool:
        """Whether the kernel is shutting down."""

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        """Sleep until the next interrupt at most. Also stop when `until` holds; `wake` makes it look."""

    def wake(self) -> None:
        """Make a wait look at its condition again. Called from other threads."""

    def take(self) -> None:
        """The interrupts so far have ended something that ends in no other way, such as a view. They are no failure."""

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        """The user's line with its newline; empty: the end of the input. None: the time is over, or there was an
        interrupt. The question then stays."""


class DelegatingControl:
    """A Control that passes everything on to another one. Its subclasses change some of that."""

    def __init__(self, control: Control) -> None:
        self.control = control

    @property
    def interrupts(self) -> int:
        return self.control.interrupts

    @property
    def closed(self) -> bool:
        return self.control.closed

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        self.control.wait(seconds, until)

    def wake(self) -> None:
        self.control.wake()

    def take(self) -> None:
        self.control.take()

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        return self.control.request_input(question, seconds)


class ThreadControl:
    """A Control whose interrupts and answers come from other threads. asker: shows a question, once."""

    def __init__(self, asker: Callable[[InputRequest], None] | None = None) -> None:
        self.interrupts, self.closed = 0, False
        self._taken = 0  # how many interrupts `take` knows of
        self._asker = asker
        self._asked = False
        self._answer: str | None = None
        self._heard = 0  # how many interrupts have ended a wait
        self._news = threading.Condition()

    @property
    def interrupted(self) -> bool:
        """Whether there were interrupts since `take`."""
        return self.interrupts > self._taken

    def interrupt(self) -> None:
        self.interrupts += 1
        self.wake()

    def take(self) -> None:
        self._taken = self.interrupts

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

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        if not self._asked and self._asker:
            self._asked = True
            self._asker(question)
        self.wait(seconds, lambda: self._answer is not None)
        text, self._answer = self._answer, None
        self._asked = self._asked and text is None
        return text
