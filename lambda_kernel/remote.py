"""What the kernel knows of the shell on the far side, and how it names it in a request."""

from __future__ import annotations

import contextlib
import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import news
from .calls import Caller, Pace, directly
from .cell import Emit, Notice
from .errors import KernelError
from .function import index as wire
from .function import state
from .tally import Tally
from .transport import Event, Transport

HOLD_SECONDS = 1.0  # how long an environment is kept busy so that Lambda has to choose another
SLICE_ROUND_TRIPS = 25  # the environment is frozen for one round trip in so many: about 4 % of a long command
SLICE_SECONDS = (0.2, 5.0)
TERMINAL = ("clear", "reset", "tput")  # one program, by the name that it is called by
PROGRAMS = ("display", "ps", *TERMINAL)  # what the shell's code brings


@cache
def shell_code() -> str:
    """What talks to bash, takes and replays its state, and the commands that it brings: sent along, so that it needs no
    deployment."""
    future = "from __future__ import annotations\n"
    directory = Path(state.__file__).parent
    names = ("state.py", "talk.py", "front.py", "display.py", "ps.sh", "terminal.sh")
    *parts, shown, listed, terminal = ((directory / name).read_text(encoding="utf-8") for name in names)
    programs = f"PROGRAMS = {{'display': {shown!r}, 'ps': {listed!r}}} | dict.fromkeys({TERMINAL!r}, {terminal!r})\n"
    return "\n\n".join([future, *(part.replace(future, "") for part in parts), programs])


@dataclass(frozen=True)
class Snapshot:
    """The shell's state after a cell. packed: the function's own form; left: what is not in it; jobs: what ran then."""

    digest: str
    packed: str
    left: list[str]
    jobs: list[str]


class Remote:
    """One shell of one session, or none: then the next request has to be a hello."""

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float],
        name: str | None = None,
        randomness: Callable[[], float] = random.random,
        *,
        caller: Caller = directly,
        epoch: int = 1,
    ) -> None:
        self.transport, self.clock, self.randomness, self.caller = transport, clock, randomness, caller
        self.lock = threading.Lock()  # held by a cell
        self.pace = Pace(clock)
        self.name = name or uuid.uuid4().hex
        self.epoch = epoch
        self.seq = self.signals = 0
        self.labels: dict[int, int] = {}  # by sequence number, what the user knows the cell by
        self.environment: str | None = None
        self.environments: set[str] = set()
        self.shell: str | None = None
        self.shells: set[str] = set()  # all there were: what they printed may be read late
        self.cwd: str | None = None
        self.machine, self.tenant = "", False  # as uname(2) names it; whether the environment is a tenant's
        self.round_trip: float | None = None
        self.reported = True  # whether the last answer came with Lambda's own figures
        self.snapshot: Snapshot | None = None
        self.restored: list[str] = []
        self.kept: int | None = None  # the label of the cell whose state the snapshot is, if it is not the last one's
        self._ended: str | None = None  # why the shell before is over, if the user must hear of it,
        self._told = False  # and whether the user has heard it
        self._crashed = self._trapped = False  # _trapped: a DEBUG trap is set

    @property
    def slice(self) -> float:
        least, most = SLICE_SECONDS
        return min(max(SLICE_ROUND_TRIPS * (self.round_trip or 0), least), most)

    def crash(self) -> None:
        """The runtime is known to have died: the next environment is this one, with a new runtime."""
        self._crashed = True

    def forget(self, ended: str | None = None, clean: bool = False, told: bool = False) -> None:
        """Give the shell up. The next epoch makes sure that what it ran cannot go on. clean: nothing is restored; told:
        the user knows why it is over."""
        self.epoch += 1
        self.shell = None
        self._ended, self._told = ended, told
        if clean or ended == "exit":
            self.snapshot = self.cwd = None

    def event(self, op: str) -> Event:
        return {"protocol": wire.PROTOCOL, "op": op, "session": self.name, "epoch": self.epoch}

    def hello(self, hold: float) -> Event:
        restore = self.snapshot and self.snapshot.packed
        return self.event("hello") | {"hold": hold, "code": shell_code(), "restore": restore}

    def here(self) -> Event:
        """What names this shell and no other."""
        return {"environment": self.environment, "shell": self.shell}

    def hold(self, event: Event) -> None:
        """Keep an environment busy for a moment, so that Lambda chooses another one. Which one is Lambda's choice as
        well: the event must do no harm to any."""
        with contextlib.suppress(KernelError):
            self.transport.invoke(event | {"hold": HOLD_SECONDS})

    def place(self, tally: Tally) -> None:
        """Where its invocations run."""
        tally.environment_id, tally.machine, tally.tenant = self.environment, self.machine, self.tenant

    def meet(self, reply: dict[str, Any], emit: Emit, tally: Tally) -> None:
        """Take a shell as the session's own, and tell the user if it is not the one before."""
        new = reply["environment"]
        if reply["shell"] == self.shell:
            return
        replaced = self.environment not in (None, new)
        tally.replaced = replaced and not self._crashed
        own = reply.get("tenant", False)
        known = new in self.environments
        function = self.transport.function
        why = news.why(replaced, self._crashed, known, self._ended, function, own=own, told=self._told)
        restored = reply.get("restored") or {"items": [], "failed": []}
        if why:
            left = self.snapshot.left if self.snapshot else []
            text = news.sentence(why, restored, left, self._lost_jobs(), self.kept if self.snapshot else None)
            emit(Notice(text, "environment" if replaced else "shell"))
        if reply.get("blind"):
            emit(Notice(news.BLIND, "input-ended"))
        self.restored = restored["items"]
        self._ended, self._told, self._crashed = None, False, False
        self.environment, self.shell, self.seq = new, reply["shell"], reply["seq"]
        self.environments.add(new)
        self.shells.add(reply["shell"])
        self.labels, self.kept = {}, None
        self.machine, self.tenant = reply.get("machine", ""), own

    def notes_trap(self, is_set: bool) -> bool:
        """Whether a DEBUG trap is set that was not set before."""
        new, self._trapped = is_set and not self._trapped, is_set
        return new

    def _lost_jobs(self) -> list[str]:
        return self.snapshot.jobs if self.snapshot else []

    def keep(self, reply: dict[str, Any]) -> None:
        """What a cell left the shell in."""
        self.cwd = reply["cwd"] or self.cwd
        if not reply.get("ended"):
            asked = reply.get("dumped", self.seq)
            self.kept = None if asked == self.seq else self.labels.get(asked, 0)
        if after := reply.get("state_after"):
            self.snapshot = Snapshot(**after)

    def measure(self, seconds: float) -> None:
        """One that was slow by chance does not lengthen the slices for long."""
        most = seconds if self.round_trip is None else 4 * self.round_trip + 0.05
        seconds = min(max(seconds, 0.0), most)
        self.round_trip = seconds if self.round_trip is None else 0.8 * self.round_trip + 0.2 * seconds
