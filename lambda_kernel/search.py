"""Finding the environment of a running command again, when another one answers in its place."""

from __future__ import annotations

import threading

from .cell import Control
from .remote import HOLD_SECONDS, Remote
from .transport import Event

BUSY_SECONDS = 10.0  # how long another environment may answer for one that an invocation may still keep busy,
AWAY_SECONDS = 1.0  # and for one whose invocations have all been answered
SEEK_SECONDS = 0.2  # between two tries to meet it: one more of Lambda's choices, however far the function is
HELD_TRIES = 2  # after that time: while those that have answered are kept busy


class Search:
    """For one command. It begins with the first answer from elsewhere, and ends with an answer of the right one."""

    def __init__(self, session: Remote, control: Control) -> None:
        self._session, self._control = session, control
        self.found()

    def found(self) -> None:
        self._since: float | None = None
        self._answerers: set[str] = set()
        self._tries = 0

    def goes_on(self, answerer: str, busy: bool, attach: Event) -> bool:
        """Wait until the next try; False when there is none. busy: an invocation may still be under way."""
        now = self._session.clock()
        self._since = now if self._since is None else self._since
        self._answerers.add(answerer)
        if now - self._since <= (BUSY_SECONDS if busy else AWAY_SECONDS):
            self._control.wait(SEEK_SECONDS)
            return True
        self._tries += 1
        if self._tries > HELD_TRIES:
            return False
        self._hold(attach)
        return True

    def _hold(self, attach: Event) -> None:
        """Lambda may choose the environment that it used last, time and again, while the right one is idle. To that
        one, should it be met so, this is one more attach."""
        for _ in self._answerers:
            threading.Thread(target=self._session.hold, args=(attach,), daemon=True).start()
        self._control.wait(HOLD_SECONDS / 4)  # these requests must be there before the next one is
