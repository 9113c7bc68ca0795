"""What a kernel keeps between cells: settings, the target, and a session for each target."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..aws.target import USUAL, Emulator, Target
from ..aws.transport import READ_TIMEOUT, Transport
from ..aws.usage import Usage
from ..errors import Abandoned, CommandLost, Interrupted, KernelError, ShellPerCommand, UsageError
from ..images.progress import Tell, nobody
from ..session.article import ArticleSession, introduction
from ..session.cell import Bound, Cell, CellEvent, Control, Emit, Notice, Result, ThreadControl, Waiting
from ..session.context import Context
from ..session.held import READ_SECONDS
from ..session.remote_shell import RemoteShell
from ..session.session import Session
from ..session.waits import waiting
from ..session.worker import CallPolicy, inline
from .costs import Costs
from .history import History
from .metered import Metered
from .pull_view import PullView

PING_SECONDS = 300.0  # an idle environment was seen to live for 10 minutes (2019, 2023)
ReportMode = Literal["off", "line", "full"]
TASK_ROOT = "/var/task"  # where a function's processes begin (Lambda Developer Guide, "LAMBDA_TASK_ROOT")


class Connect(Protocol):
    """Makes a target's transport, with the time to wait for an answer.

    functions: the names of all where a target is. warning: what a user who names it should know. decisions: what IAM's
    policy simulator says of actions. notices: sentences about how the local emulator runs; warnings: those that a user
    must see.
    """

    def __call__(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport: ...

    def functions(self, target: Target) -> list[str]: ...

    def warning(self, target: Target) -> str: ...

    def decisions(self, target: Target, arn: str, actions: Sequence[str]) -> dict[str, str]: ...

    def notices(self, target: Target) -> tuple[str, ...]: ...

    def warnings(self, target: Target) -> tuple[str, ...]: ...


class AnySession(Protocol):
    """Runs a target's cells. remote: the shell that stays between them; None for the 2018 article's function."""

    transport: Transport

    @property
    def remote(self) -> RemoteShell | None: ...

    def run(self, cell: Cell, context: Context) -> Result: ...

    def reset(self, context: Context, cold: bool = False) -> None: ...

    def leave(self) -> None: ...

    def ping(self, context: Context) -> None: ...

    def call(self, code: str, name: str, usage: Usage, **arguments: Any) -> Any: ...

    def query(self, code: str, name: str, context: Context, **arguments: Any) -> Any: ...


SessionMaker = Callable[[Target, Transport, Callable[[], float]], Session]


def new_session(target: Target, transport: Transport, clock: Callable[[], float]) -> Session:
    """Nobody is between the kernel and its own local emulator."""
    return Session(transport, clock, direct=target.local)


@dataclass
class Settings:
    """What the magics set. seconds: the time limit of a cell; bound None: all output is shown. All sessions share
    protect."""

    report: ReportMode = "line"
    report_parts: dict[str, bool] = field(default_factory=dict)  # of the report: added to the mode's, or taken away
    seconds: float | None = None
    bound: Bound | None = field(default_factory=Bound)
    redact: bool = True
    protect: dict[str, bool] = field(default_factory=dict)  # the function's variables: added, or taken away
    merge: bool = False  # stderr into stdout
    eager: bool | None = None  # whether completion may start a shell; None: where that costs nothing
    fail: bool = True  # whether an exit code other than 0 fails the cell


class Workspace:
    """Sessions stay while the kernel lives: after another target and back, the shell is the same."""

    def __init__(
        self,
        target: Target,
        connect: Connect,
        problem: UsageError | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        sessions: SessionMaker = new_session,
        caller: CallPolicy = inline,
        make_caller: Callable[[], CallPolicy] = lambda: inline,
        emulator: Emulator = USUAL,
    ) -> None:
        """make_caller: makes a CallPolicy for each run that goes on beside others."""
        self.target, self.connector, self.clock, self.make, self.caller = target, connect, clock, sessions, caller
        self.make_caller = make_caller
        self.emulator = emulator  # unless %use says how else it is to run
        self.problem = problem  # why there is no target; %use solves it
        self.settings = Settings()
        self.sessions: dict[Target, AnySession] = {}
        self.last_error: KernelError | None = None
        self.warned: set[str] = set()
        self.costs = Costs()
        self.history: History | None = None
        self.job_words: set[str] = set()  # names that jobs may have, from the cells that may have started them
        self.warm_until: float | None = None
        self.news: list[CellEvent] = []  # what was found out aside, for the next cell
        self.experiment: Any = None  # the last one, an Experiment: magics make and show them
        self.columns: int | None = None  # of the console's terminal
        self.pictures = True  # whether the front end can show them
        self.environment: tuple[str, dict[str, Any]] | None = None  # where %environment last looked, and what it found
        self.on_pull: Tell = nobody  # shows how far the pull of an image is, while a cell waits for it
        self.inits: dict[str, float] = {}  # ms, by environment: cold starts that no cell caused, and none has reported
        self.directories: dict[AnySession, str] = {}  # of their shells, as the reports have told them
        self.one_shot: set[Target] = set()  # functions that were found to have no tenant isolation
        self._aside: ThreadControl | None = None

    def use(self, target: Target) -> None:
        self.target, self.problem = target, None

    def session(self) -> AnySession:
        """The session of the current target, made at its first use."""
        return self.session_of(self._checked_target())

    def _checked_target(self) -> Target:
        if self.problem:
            raise self.problem
        return self.target

    def session_of(self, target: Target) -> AnySession:
        if target not in self.sessions:
            made = self.make(target, self.connect(target), self.clock)
            made.remote.chosen = self.settings.protect
            self.sessions.setdefault(target, made)  # the first one counts: an abandoned call may come late
        return self.sessions[target]

    def connect(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport:
        """A new transport, whose invocations are counted."""
        return Metered(self.connector(target, read_timeout), self.costs)

    def enter(self, emit: Emit, control: Control, target: Target | None = None) -> AnySession:
        """The session for a cell, within the cell's time limit. Warnings come first. target None: the current one."""
        target = target or self._checked_target()
        session = self.sessions[target] if target in self.sessions else self._connected(target, emit, control)
        for warning in self.new_warnings(target):
            emit(Notice(warning, "isolation"))
        while self.news:
            emit(self.news.pop(0))
        return session

    def _connected(self, target: Target, emit: Emit, control: Control) -> AnySession:
        """A new session, once there are credentials, or the local emulator with its image."""
        view = PullView(emit, self.clock)
        self.on_pull = view.show
        what = "Waiting for the local emulator." if target.local else "Waiting for AWS credentials."
        try:
            with waiting(control, emit, self.clock, lambda: "" if view.shown else what) as patient:
                limit = self.settings.seconds or math.inf
                session = self.caller(lambda: self.session_of(target), patient, 0.0, limit)
            view.finish()
        except Abandoned as error:
            if control.interrupts:
                what = "the image, whose pull goes on" if view.shown else "credentials"
                raise Interrupted(f"interrupted while waiting for {what}: nothing was run") from error
            what = "the image was not pulled" if view.shown else "no credentials came"
            raise CommandLost(f"nothing was run: {what} within the time limit") from error
        finally:
            self.on_pull = nobody
        return session

    def run(self, cell: Cell, context: Context) -> Result:
        """Run a command in the current target's session. Raises errors.KernelError."""
        session = self.enter(context.emit, context.control)
        try:
            return session.run(cell, context)
        except ShellPerCommand:  # raised before the cell was sent
            return self.meet_article(context.emit).run(cell, context)

    @property
    def current(self) -> AnySession | None:
        """The current target's session, if there is one."""
        return self.sessions.get(self.target)

    def use_article(self, target: Target | None = None) -> ArticleSession:
        """The target has turned out to be the 2018 article's function. None: the current one."""
        target = target or self.target.whole
        session = ArticleSession(self.connect(target, READ_SECONDS), self.clock, caller=self.caller)
        self.sessions[target] = session
        return session

    def meet_article(self, emit: Emit, target: Target | None = None) -> ArticleSession:
        """As use_article, and tell the user."""
        article = self.use_article(target)
        emit(Notice(introduction(article.transport.function), "article"))
        return article

    def new_warnings(self, target: Target) -> list[str]:
        """Each warning once."""
        new = [warning for warning in self.connector.warnings(target) if warning not in self.warned]
        self.warned.update(new)
        return new

    @property
    def warm(self) -> bool:
        """Whether the environment is to be kept warm."""
        return self.warm_until is not None and self.clock() < self.warm_until

    @property
    def eager(self) -> bool:
        """Whether completion may start a shell. On the local emulator that costs nothing."""
        return self.target.local if self.settings.eager is None else self.settings.eager

    @contextlib.contextmanager
    def aside(self) -> Iterator[Context]:
        """For invocations that no cell causes. They are counted, they can be interrupted, and the next cell shows what
        they have found out."""
        usage = Usage()
        self._aside = ThreadControl()
        try:
            yield Context(self._note, self._aside, usage)
        finally:
            self._aside = None
            if usage.environment_id and usage.totals and usage.totals.init_duration_ms is not None:
                self.inits[usage.environment_id] = usage.totals.init_duration_ms

    def interrupt_aside(self) -> None:
        control = self._aside
        if control:
            control.interrupt()

    def ping(self) -> None:
        """Invoke the function without a command. The next cell reports errors."""
        if session := self.current:
            with contextlib.suppress(KernelError), self.aside() as context:
                session.ping(context)

    def _note(self, cell_event: CellEvent) -> None:
        """Keep it for the next cell, which has not waited for this."""
        if not isinstance(cell_event, Waiting):
            self.news.append(cell_event)
