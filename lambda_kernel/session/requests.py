"""The requests of the session protocol. Each may be sent again and again."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from .. import errors
from ..aws.client_errors import raise_unmet
from ..aws.transport import Event
from ..function.index import Op
from .cell import Cell
from .remote_shell import RemoteShell


@dataclass(frozen=True)
class Request:
    """begins: its command may have been started even if no answer comes. paced: it waits for the rate limit. first: it
    may be the first request to this function, which may not be ours."""

    remote: RemoteShell
    op: ClassVar[str]
    begins: ClassVar[bool] = False
    paced: ClassVar[bool] = False
    first: ClassVar[bool] = False

    def event(self) -> Event:
        return self.remote.event(self.op) | self.remote.here()

    def abandoned(self, error: errors.Abandoned) -> errors.KernelError | None:
        """The error if the user stops waiting for the answer. None: a command is lost."""
        return None

    def failed(self, error: errors.FunctionFailed) -> errors.KernelError | None:
        """The error if the runtime has died. None: a command is lost."""
        return None


@dataclass(frozen=True)
class Hello(Request):
    """hold: for how many seconds the environment is kept busy, so that Lambda gives other requests to another one."""

    op = Op.HELLO
    first = True
    hold: float = 0

    def event(self) -> Event:
        return self.remote.hello(self.hold)

    def abandoned(self, error: errors.Abandoned) -> errors.KernelError:
        self.remote.forget()
        return errors.CommandLost(f"{error}: nothing was run.")

    def failed(self, error: errors.FunctionFailed) -> NoReturn:
        raise_unmet(error, self.remote.function)


@dataclass(frozen=True)
class Attach(Request):
    """Signals, input, and a question for what is new.

    had: the bytes of output that are here. wait: seconds. measure: whether the function has to measure its memory.
    input: what the user typed, and the offset of its first byte; empty: the end of the input. asks: whether nothing has
    been run yet.
    """

    op = Op.ATTACH
    had: int
    wait: float
    measure: bool
    signals: tuple[tuple[int, str], ...] = ()
    input: tuple[int, bytes] | None = None
    asks: bool = False

    def event(self) -> Event:
        remote = self.remote
        event = super().event() | {"seq": remote.seq + 1, "had": self.had, "command": remote.commands}
        have = remote.snapshot and remote.snapshot["digest"]
        event |= {"wait": self.wait, "have": have, "measure": self.measure}
        if self.signals:
            event["signals"] = [*self.signals]
        if self.input is not None:
            at, line = self.input
            event["input"] = (at, base64.b64encode(line).decode(), not line)
        return event

    def abandoned(self, error: errors.Abandoned) -> errors.KernelError | None:
        return errors.CommandLost(f"{error}: nothing was run.") if self.asks else None

    def failed(self, error: errors.FunctionFailed) -> errors.KernelError | None:
        return errors.Unanswered(str(error)) if self.asks else None


@dataclass(frozen=True, kw_only=True)
class Run(Attach):
    """Starts a cell."""

    op = Op.RUN
    begins = True
    cell: Cell

    def event(self) -> Event:
        cell = self.cell
        return super().event() | {
            "code": cell.code,
            "bound": cell.bound and cell.bound.parts(),
            "facts": {**self.remote.facts(), **cell.variables},
            "redact": cell.redact,
            "stdin": cell.stdin,
            "merge": cell.merge,
        }


@dataclass(frozen=True)
class Call(Request):
    """Calls a function of that code in the environment."""

    op = Op.CALL
    paced = True
    code: str
    name: str
    arguments: dict[str, Any]

    def event(self) -> Event:
        return super().event() | {"code": self.code, "name": self.name, "arguments": self.arguments}

    def abandoned(self, error: errors.Abandoned) -> errors.KernelError:
        return errors.Interrupted(f"{error}: no command was running")
