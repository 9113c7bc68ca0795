"""Ends the shells of sessions."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable

from .workspace import AnySession

AT_ONCE = 10  # a new account takes no more


def leave_all(sessions: Iterable[AnySession]) -> None:
    """A few at a time."""
    left = deque(sessions)

    def leave() -> None:
        with contextlib.suppress(IndexError):
            while True:
                left.popleft().leave()

    threads = [threading.Thread(target=leave, name="leave", daemon=True) for _ in range(min(len(left), AT_ONCE))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
