"""What the kernel knows of its shell in the environment, and how a request names it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..aws.transport import Event
from ..aws.usage import Usage
from ..function import index as wire
from ..function.sent import DIRECTORY, joined, packed
from . import replacement
from .cell import Emit, Notice
from .replies import Answer, Restored, Snapshot

SURE_SECONDS = 60.0  # an idle environment lives for minutes at least, unless the function is deployed again
# The modules of the shell's code. They share one namespace, so that they need no imports of each other.
PARTS = (
    *("own_secrets", "reading", "talk", "jobs", "shell_setup", "state_items", "state", "process", "cells"),
    *("state_pipe", "front", "interrupts", "diagnosis", "shell"),
)
TERMINAL = ("clear", "reset", "tput")  # names of one program, which does what its name says
PROGRAMS = ("display", "ps", *TERMINAL)  # programs that the shell's code brings


def shell_code(chosen: Mapping[str, bool] = MappingProxyType({})) -> str:
    """The code of the shell, which the kernel sends along: it talks to bash, takes and replays its state, and brings
    programs. chosen: which of the function's variables the user protects or not."""
    return f"{_shell_code()}CHOSEN_FIRST = {dict(chosen)!r}\n" if chosen else _shell_code()


@cache
def _shell_code() -> str:
    parts = [(DIRECTORY / f"{name}.py").read_text(encoding="utf-8") for name in PARTS]
    shown, listed, terminal = ((DIRECTORY / name).read_text("utf-8") for name in ("display.py", "ps.sh", "terminal.sh"))
    programs = f"PROGRAMS = {{'display': {shown!r}, 'ps': {listed!r}}} | dict.fromkeys({TERMINAL!r}, {terminal!r})\n"
    return joined([*parts, programs])


@dataclass(frozen=True)
class Ending:
    """How the previous shell ended. cause: None if the user need not hear of it; notified: the user has heard it;
    crashed: the runtime died, so that the next environment is the same one with a new runtime."""

    cause: str | None = None
    notified: bool = False
    crashed: bool = False


class RemoteShell:
    """The shell of one session. Without one, the next request has to be a hello.

    seq, signals, commands: the last numbers that were given to a cell, a signal and a command. environments: all that
    the session has met. shells: this one, and those that ended in the last cell, whose output may be read late.
    machine: as uname(2) names it; tenant: whether the environment belongs to a tenant. snapshot: the state to restore,
    and saved_after: the execution count of the cell after which it was taken, if that is not the last cell. restored:
    what this shell has of an earlier one. chosen: which of the function's variables the user protects (True) or not, by
    name; told: what the shell knows of that.
    """

    def __init__(self, name: str, function: str, epoch: int, uptime: Callable[[], float]) -> None:
        self.name, self.function, self.epoch, self.uptime = name, function, epoch, uptime
        self.seq = self.signals = self.commands = 0
        self.environment: str | None = None
        self.environments: set[str] = set()
        self.shell: str | None = None
        self.shells: set[str] = set()
        self.cwd: str | None = None
        self.machine, self.tenant = "", False
        self.chosen: Mapping[str, bool] = {}
        self.told: Mapping[str, bool] = {}
        self.snapshot: Snapshot | None = None
        self.saved_after: int | None = None
        self.restored: list[str] = []
        self._inits: dict[str, float] = {}  # Init Duration in ms, by environment
        self._used: set[str] = set()  # environments in which a cell has ended
        self.heard = 0.0  # when the session's environment last answered, by uptime
        self._execution_counts: dict[int, int] = {}  # by sequence number, what the user knows the cell by
        self._ending = Ending()
        self._trapped = False  # whether a DEBUG trap is set

    def choice(self) -> dict[str, bool] | None:
        """What the shell has to be told of the user's choice. None: it knows.

        A shell of the next hello learns it from that. One that an unanswered hello has started must not be taken.
        """
        if self.told == self.chosen:
            return None
        if self.shell is None:
            self.epoch += 1
            self.told = dict(self.chosen)
            return None
        return dict(self.chosen)

    @property
    def sure(self) -> bool:
        """Whether the environment has answered so lately that a command is sent to it without asking whether it still
        exists."""
        return self.uptime() - self.heard < SURE_SECONDS

    def hear(self, environment: str, init_ms: float | None = None) -> None:
        """Note that an environment has answered. init_ms: of the cold start that it has had for that."""
        if init_ms is not None:
            self._inits[environment] = init_ms
        if environment == self.environment:
            self.heard = self.uptime()

    def crash(self) -> None:
        """Note that the runtime has died, and the shell with it."""
        self._ending = Ending(self._ending.cause, self._ending.notified, crashed=True)
        self.heard = -math.inf

    def forget(self, ended: str | None = None, clean: bool = False, notified: bool = False) -> None:
        """Give the shell up. The next epoch makes sure that what it ran cannot go on.

        ended: why, if the user must hear of it; notified: the user has heard it. clean: nothing is restored.
        """
        self.epoch += 1
        self.shell = None
        self._ending = Ending(ended, notified, self._ending.crashed)
        if clean or ended == "exit":
            self.snapshot = self.cwd = None

    def abandon_environment(self) -> None:
        """Have no environment, and no state to restore: the next hello may come to any."""
        self.environment = self.snapshot = None

    def event(self, op: str) -> Event:
        return {"protocol": wire.PROTOCOL, "op": op, "session": self.name, "epoch": self.epoch}

    def hello(self, hold: float) -> Event:
        restore = self.snapshot and self.snapshot["packed"]
        return self.event(wire.Op.HELLO) | {"hold": hold, "code": packed(shell_code(self.told)), "restore": restore}

    def here(self) -> Event:
        """The fields that name this shell and no other."""
        return {"environment": self.environment, "shell": self.shell}

    def is_here(self, reply: Answer) -> bool:
        """Whether this shell has answered."""
        return (reply["environment"], reply.get("shell")) == (self.environment, self.shell)

    def facts(self) -> dict[str, str]:
        """Variables for the next cell, on its environment's cold start. Lambda does not tell the function of it."""
        environment = self.environment or ""
        init_ms = self._inits.get(environment)
        cold = init_ms is not None and environment not in self._used
        return {"LAMBDA_COLD_START": str(int(cold)), "LAMBDA_INIT_MS": "" if init_ms is None else f"{init_ms:g}"}

    def next_command(self) -> None:
        self.commands += 1

    def next_signal(self) -> int:
        self.signals += 1
        return self.signals

    def execution_count(self, seq: int) -> int:
        """What the user knows a cell of this shell by. 0: not known."""
        return self._execution_counts.get(seq, 0)

    def annotate(self, usage: Usage) -> None:
        """Note in the usage where its invocations run."""
        usage.environment_id, usage.machine, usage.tenant = self.environment, self.machine, self.tenant

    def meet(self, reply: Answer, emit: Emit, usage: Usage) -> None:
        """Take the shell that has answered a hello as the session's own. Tell the user if it is another one."""
        new = reply["environment"]
        if reply["shell"] == self.shell:
            return
        replaced, tenant = self.environment not in (None, new), reply.get("tenant", False)
        usage.replaced = replaced and not self._ending.crashed
        restored: Restored = reply.get("restored") or {"items": [], "failed": []}
        if why := self._why_new(replaced, new in self.environments, tenant):
            emit(Notice(self._sentence(why, restored), "environment" if replaced else "shell"))
        if reply.get("blind"):
            emit(Notice(replacement.BLIND, "input-ended"))
        self.restored = restored["items"]
        usage.restored |= bool(replacement.count(self.restored))
        self._ending = Ending()
        self.environment, self.shell, self.seq = new, reply["shell"], reply["seq"]
        self.hear(new)
        self.environments.add(new)
        self.shells.add(reply["shell"])
        self._execution_counts, self.saved_after = {}, None
        self.machine, self.tenant = reply.get("machine", ""), tenant

    def _why_new(self, replaced: bool, known: bool, tenant: bool) -> str | None:
        ending = self._ending
        return replacement.why(
            replaced, ending.crashed, known, ending.cause, self.function, own=tenant, notified=ending.notified
        )

    def _sentence(self, why: str, restored: Restored) -> str:
        snapshot = self.snapshot
        if snapshot is None:
            return replacement.sentence(why, restored, [], [])
        return replacement.sentence(why, restored, snapshot["left"], snapshot["jobs"], self.saved_after)

    def notes_trap(self, is_set: bool) -> bool:
        """Whether a DEBUG trap is set that was not set before."""
        new, self._trapped = is_set and not self._trapped, is_set
        return new

    def keep(self, reply: Answer, execution_count: int) -> None:
        """Note how a cell has left the shell."""
        self.seq += 1
        self._used.add(reply["environment"])
        self._execution_counts[self.seq] = execution_count
        self.cwd = reply["cwd"] or self.cwd
        if not reply.get("ended"):
            asked = reply.get("dumped", self.seq)
            self.saved_after = None if asked == self.seq else self.execution_count(asked)
        self.snapshot = reply.get("state_after", self.snapshot)
