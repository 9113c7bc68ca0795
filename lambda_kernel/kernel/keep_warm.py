"""Invokes the function while the user is away, so that Lambda keeps the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..session.worker import Worker
from ..workspace.workspace import PING_SECONDS, Workspace


class KeepWarm:
    """Pings if no cell has run for some seconds. busy: whether one runs now."""

    def __init__(
        self, workspace: Workspace, worker: Worker, busy: Callable[[], bool], seconds: float = PING_SECONDS
    ) -> None:
        self._workspace, self._worker, self._busy, self._seconds = workspace, worker, busy, seconds
        self._next: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """An invocation has just ended."""
        if self._next:
            self._next.cancel()
            self._next = None
        if self._workspace.warm:
            self._next = asyncio.get_running_loop().call_later(self._seconds, self._ping)

    def _ping(self) -> None:
        if self._workspace.warm and not self._busy():  # a cell calls touch() at its end
            done = self._worker.submit(self._workspace.ping, asyncio.get_running_loop())
            done.add_done_callback(lambda _: self.touch())
