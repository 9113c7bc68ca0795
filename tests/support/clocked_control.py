"""Controls whose waits take no time: the clock goes on instead, to where the wait would have ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lambda_kernel.session.cell import never
from tests.support.in_process_session import Interrupts

PATIENCE = 10  # seconds of a test that fails


class Clocked(Interrupts):
    """For waits in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        if not until():
            self.now += seconds


class Stuck(Clocked):
    """For a call in another thread: the clock goes on only while that is stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck, self.news = False, threading.Condition()

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        with self.news:
            assert until is never or self.news.wait_for(lambda: until() or self.stuck, PATIENCE)
            super().wait(seconds, until)
            self.news.notify_all()

    def wake(self) -> None:
        with self.news:
            self.news.notify_all()

    def stick(self, until: float) -> None:
        """Called in the other thread: be stuck until something waits at that time."""
        with self.news:
            self.stuck = True
            self.news.notify_all()
            assert self.news.wait_for(lambda: self.now > until, PATIENCE)
            self.stuck = False
