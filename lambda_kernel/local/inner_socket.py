"""The socket on which the Runtime API listens in a sandbox that has a network of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

# Serves what listens in another network; what it returns ends that.
ListenInside = Callable[[socket.socket], Callable[[], None]]


def nobody_listens(listening: socket.socket) -> Callable[[], None]:
    return listening.close


class InnerSocket:
    """Receives the socket that listens in the sandbox: once, and nothing else."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._stop: Callable[[], None] = lambda: None

    def wait(self, listen_inside: ListenInside) -> None:
        """The sandbox's end has been handed over."""
        self.theirs.close()
        asyncio.get_running_loop().add_reader(self._ours, self._hear, listen_inside)

    def close(self) -> None:
        if self._ours.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._ours)
            self._ours.close()
        self._stop()
        self._stop = lambda: None

    def _hear(self, listen_inside: ListenInside) -> None:
        descriptors: list[int] = []
        with contextlib.suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(self._ours, 1, 1)
        # Once: whatever runs inside later may find the other end.
        self.close()
        if descriptors:
            listening = socket.socket(fileno=descriptors[0])
            listening.setblocking(False)
            self._stop = listen_inside(listening)
