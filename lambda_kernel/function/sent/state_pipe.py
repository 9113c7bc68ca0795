"""Asks bash for its state after each cell, and has another bash replay a state. The kernel sends this file along."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import shlex
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .cells import Pipes, Text
    from .process import Bash
    from .state import State
    from .talk import Talk

DUMP_BYTES = 1_048_576
DUMP_SECONDS = 5.0  # an answer waits so long for the state if bash is slow


class StatePipe:
    """bash writes its state into this pipe. dumped: the number of the cell after which it did so last. awaited: the
    cell after which it is asked to."""

    def __init__(self, bash: Bash, state: State, talk: Talk, pipes: Pipes, secrets: index.Secrets) -> None:
        self.bash, self.state, self.talk, self.pipes, self.secrets = bash, state, talk, pipes, secrets
        self.pipe = pipes.pipe()
        self.dumped, self.awaited, self.until = -1, 0, 0.0
        self.failed: list[int] = []
        with contextlib.suppress(OSError):  # a user may have used up the quota for pipes
            fcntl.fcntl(self.pipe.write, fcntl.F_SETPIPE_SZ, DUMP_BYTES)

    @property
    def known(self) -> bool:
        return self.dumped >= self.awaited

    def begin(self) -> None:
        """The cell is over, so bash writes its state now."""
        self.until = time.monotonic() + DUMP_SECONDS

    def give_up(self) -> None:
        self.until = 0.0

    def lines(self, seq: int, text: str | None = None) -> list[str]:
        """Lines that ask for the state. It comes in pieces, so a record reports its end. text: of the cell before."""
        question = self.state.question(self.pipe.path(), seq, text)
        self.awaited = seq if question else -1
        return [self.talk.ask(question)] if question else []

    def read(self) -> None:
        while data := self.pipe.get(DUMP_BYTES):
            done = self.state.feed(data, functools.partial(index.holds, table=self.secrets))
            self.dumped = self.dumped if done is None else done

    def replay(self, packed: str, deadline: float) -> tuple[list[str], Text]:
        """Have bash run a file with a line for each item. An item that fails is named, and does not stop the others."""
        items = self.state.unpack(packed)
        self.talk.debugged = any(name == "trap DEBUG" for name, _ in items)
        file = self.pipes.text(self.talk.replay(items).encode("latin-1"))
        self.dumped, self.until = -1, deadline
        source = f"\\builtin . {shlex.quote(file.path)}; \\builtin :"
        self.bash.write(source, self.talk.report_over(0), *self.lines(0))
        return [name for name, _ in items], file

    def replayed(self, names: list[str], ended: bool) -> dict[str, list[str]]:
        """The names of the items that failed, and of those that were restored."""
        failures = range(len(names)) if ended or self.dumped < 0 else self.failed
        restored = [name for number, name in enumerate(names) if number not in failures]
        return {"failed": [names[number] for number in failures], "items": restored}
