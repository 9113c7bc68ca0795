"""Finds the environment of a command again, when another one answers in its place."""

from __future__ import annotations

from ..aws.transport import Event
from .cell import Control
from .connection import HOLD_SECONDS, Connection
from .remote_shell import RemoteShell

BUSY_SECONDS = 10.0  # how long others may answer while an invocation may still keep the right one busy,
AWAY_SECONDS = 1.0  # and when all its invocations have been answered
SEEK_SECONDS = 0.2  # between two tries: Lambda chooses again, however far away the function is
REST_SECONDS = 5.0
HELD_TRIES = 2  # after that time, while the others are kept busy
# A tenant has few environments, and shares them with nobody. So the others are kept busy at each second try. Each of
# these tries starts one more environment if the right one is gone.
BUSY_TRIES, AWAY_TRIES = 8, 4


class Search:
    """For one command. It begins with the first answer from another environment, and ends when the right one
    answers."""

    def __init__(self, remote: RemoteShell, connection: Connection, control: Control) -> None:
        self._remote, self._connection, self._control = remote, connection, control
        self.found()

    def found(self) -> None:
        self._since: float | None = None
        self._answerers: set[str] = set()
        self._tries = 0

    @property
    def begun(self) -> bool:
        return self._tries > 0

    @property
    def rest(self) -> float:
        """How many seconds the right environment gets before the command is sent to it again: extensions may keep it
        busy after each answer (Lambda Developer Guide, "Lambda Extensions API")."""
        return min(SEEK_SECONDS * 2 ** (self._tries - 1), REST_SECONDS) if self._tries else 0.0

    def goes_on(self, answerer: str, busy: bool, attach: Event) -> bool:
        """Wait until the next try. False: there is none. busy: an invocation may still be under way."""
        self._answerers.add(answerer)
        return self._among_its_own(busy, attach) if self._remote.tenant else self._among_others(busy, attach)

    def _among_its_own(self, busy: bool, attach: Event) -> bool:
        """Lambda may choose the environment used last, or another one. One of two tries meets the right one if it is
        idle."""
        self._tries += 1
        if self._tries > (BUSY_TRIES if busy else AWAY_TRIES):
            return False
        if self._tries % 2:
            self._control.wait(HOLD_SECONDS * (self._tries // 2))  # those that were held are free again
            self._hold(attach)
        else:
            self._control.wait(SEEK_SECONDS)
        return True

    def _among_others(self, busy: bool, attach: Event) -> bool:
        now = self._connection.clock()
        self._since = now if self._since is None else self._since
        if now - self._since <= (BUSY_SECONDS if busy else AWAY_SECONDS):
            self._control.wait(SEEK_SECONDS)
            return True
        self._tries += 1
        if self._tries > HELD_TRIES:
            return False
        self._hold(attach)
        return True

    def _hold(self, attach: Event) -> None:
        """Lambda may choose the environment that it used last, again and again, while the right one is idle. If this
        request meets the right one, it is only one more attach."""
        for _ in self._answerers:
            self._connection.hold(attach)
        self._control.wait(HOLD_SECONDS / 4)  # these requests must be there before the next one is
