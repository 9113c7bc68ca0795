"""What a kernel keeps between cells: settings, the target, and one session for each target that was used."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .article import READ_SECONDS, ArticleSession
from .calls import Caller, directly
from .cell import Bound, Cell, Control, Emit, Happening, Notice, Result, ThreadControl
from .costs import Costs
from .errors import Abandoned, CommandLost, Interrupted, KernelError, UsageError
from .history import History
from .session import Session
from .tally import Tally
from .target import Target
from .transport import READ_TIMEOUT, Transport

PING_SECONDS = 300.0  # an idle environment was seen to live 10 minutes (2019, 2023); half of it is safe
ReportMode = Literal["off", "line", "full"]


class Connect(Protocol):
    """Makes a target's transport, which waits so many seconds for an answer. Its notices are sentences on how the local
    engine runs; its warnings, those of them that a user must see."""

    def __call__(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport: ...

    def notices(self) -> tuple[str, ...]: ...

    def warnings(self) -> tuple[str, ...]: ...


class AnySession(Protocol):
    """What runs a target's cells: a Session, or an ArticleSession."""

    transport: Transport

    def run(self, cell: Cell, emit: Emit, control: Control, tally: Tally) -> Result: ...

    def reset(self, emit: Emit, control: Control, tally: Tally, cold: bool = False) -> None: ...

    def leave(self) -> None: ...

    def ping(self, emit: Emit, control: Control, tally: Tally) -> None: ...


SessionMaker = Callable[[Target, Transport, Callable[[], float]], Session]


def new_session(target: Target, transport: Transport, clock: Callable[[], float]) -> Session:
    return Session(transport, clock)


@dataclass
class Settings:
    """What the magics set. seconds: the longest that a cell may take; bound None: all output is shown."""

    report: ReportMode = "line"
    seconds: float | None = None
    bound: Bound | None = field(default_factory=Bound)
    redact: bool = True
    merge: bool = False  # stderr into stdout
    eager: bool = False  # whether completion may start a shell
    fail: bool = True  # whether an exit code that is not 0 is an error of the cell


class Workspace:
    """Sessions stay while the kernel lives: going to another target and back finds the same shell."""

    def __init__(
        self,
        target: Target,
        connect: Connect,
        problem: UsageError | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        sessions: SessionMaker = new_session,
        caller: Caller = directly,
    ) -> None:
        self.target, self.connect, self.clock, self.make, self.caller = target, connect, clock, sessions, caller
        self.problem = problem  # why there is no target; %use mends it
        self.settings = Settings()
        self.sessions: dict[Target, AnySession] = {}
        self.last_error: KernelError | None = None
        self.warned: set[str] = set()
        self.costs = Costs()
        self.history: History | None = None
        self.job_words: set[str] = set()  # of the cells that may have started jobs: what these may be called by
        self.warm_until: float | None = None
        self.news: list[Happening] = []  # what a ping has found, for the next cell
        self._aside: ThreadControl | None = None

    def use(self, target: Target) -> None:
        self.target, self.problem = target, None

    def session(self) -> AnySession:
        """The present target's, made at its first use."""
        if self.problem:
            raise self.problem
        target = self.target
        if target not in self.sessions:
            made = self.make(target, self.connect(target), self.clock)
            self.sessions.setdefault(target, made)  # the first: one that was given up may come late
        return self.sessions[target]

    def enter(self, emit: Emit, control: Control) -> AnySession:
        """The same for a cell, in its time; what there is to know of it the user hears first."""
        limit = self.settings.seconds or math.inf
        known = self.target in self.sessions
        try:
            session = self.session() if known else self.caller(self.session, control, 0.0, limit)
        except Abandoned as error:
            if control.interrupts:
                raise Interrupted("interrupted before there were credentials: nothing was run") from error
            raise CommandLost("nothing was run: there were no credentials within the time limit") from error
        for warning in self.new_warnings():
            emit(Notice(warning, "isolation"))
        while self.news:
            emit(self.news.pop(0))
        return session

    def use_article(self) -> ArticleSession:
        """The present target has turned out to be the 2018 article's function."""
        session = ArticleSession(self.connect(self.target, READ_SECONDS), self.clock)
        self.sessions[self.target] = session
        return session

    def new_warnings(self) -> list[str]:
        """Each of them once."""
        new = [warning for warning in self.connect.warnings() if warning not in self.warned]
        self.warned.update(new)
        return new

    @property
    def warm(self) -> bool:
        """Whether the environment is to be kept."""
        return self.warm_until is not None and self.clock() < self.warm_until

    @contextlib.contextmanager
    def aside(self, session: AnySession) -> Iterator[tuple[ThreadControl, Tally]]:
        """For invocations that no cell asks for: they are counted, and whoever waits for their end can end them."""
        self._aside, tally = ThreadControl(), Tally()
        try:
            yield self._aside, tally
        finally:
            self._aside = None
            self.costs.add(session.transport.function, session.transport.region, tally, cells=0)

    def interrupt_aside(self) -> None:
        control = self._aside
        if control:
            control.interrupt()

    def ping(self) -> None:
        """An invocation that does nothing else. What goes wrong is found again by the next cell."""
        session = self.sessions.get(self.target)
        if session:
            with contextlib.suppress(KernelError), self.aside(session) as (control, tally):
                session.ping(self.news.append, control, tally)
