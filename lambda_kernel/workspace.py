"""What a kernel keeps between cells: settings, the target, and one session for each target that was used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .cell import Bound
from .errors import KernelError, UsageError
from .session import Session
from .target import Target
from .transport import Transport

ReportMode = Literal["off", "line", "full"]


class Connect(Protocol):
    """Makes a target's transport. Its notices are sentences on how the local engine runs; its warnings, those of them
    that a user must see."""

    def __call__(self, target: Target) -> Transport: ...

    def notices(self) -> tuple[str, ...]: ...

    def warnings(self) -> tuple[str, ...]: ...


@dataclass
class Settings:
    """What the magics set. seconds: the longest that a cell may take; bound None: all output is shown."""

    report: ReportMode = "line"
    seconds: float | None = None
    bound: Bound | None = field(default_factory=Bound)
    redact: bool = True
    fail: bool = True  # whether an exit code that is not 0 is an error of the cell


class Workspace:
    """Sessions stay while the kernel lives: going to another target and back finds the same shell."""

    def __init__(
        self,
        target: Target,
        connect: Connect,
        problem: UsageError | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target, self.connect, self.clock = target, connect, clock
        self.problem = problem  # why there is no target; %use mends it
        self.settings = Settings()
        self.sessions: dict[Target, Session] = {}
        self.last_error: KernelError | None = None
        self.warned: set[str] = set()

    def use(self, target: Target) -> None:
        self.target, self.problem = target, None

    def session(self) -> Session:
        """The present target's, made at its first use."""
        if self.problem:
            raise self.problem
        if self.target not in self.sessions:
            self.sessions[self.target] = Session(self.connect(self.target), self.clock)
        return self.sessions[self.target]

    def new_warnings(self) -> list[str]:
        """Each of them once."""
        new = [warning for warning in self.connect.warnings() if warning not in self.warned]
        self.warned.update(new)
        return new
