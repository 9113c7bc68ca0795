"""Clocks, limits and delays: how long something is waited for, and when it is tried again."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

A_SECOND = 10


def uptime() -> float:
    """A clock that goes on while this machine sleeps.

    time.monotonic() stops then, on Linux and on macOS. macOS has this clock under the name that Linux gives the other
    one (clock_gettime(3) of both).
    """
    if sys.platform == "win32":
        return time.monotonic()
    return time.clock_gettime(time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC)


def backoff(randomness: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before each retry. They grow to 10. The jitter spreads out many clients."""
    delay = 0.1
    while True:
        yield delay * (0.5 + randomness() / 2)
        delay = min(delay * 2, 10.0)


class RateLimiter:
    """Lambda takes ten requests a second for one environment, and throttles more (Lambda Developer Guide, "Lambda
    function scaling"). A request that is no command waits until there is room for it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=A_SECOND)

    def count(self) -> None:
        """A request is sent now."""
        self._times.append(self._clock())

    def delay(self) -> float:
        """Seconds until there is room for one more request."""
        return self._times[0] + 1 - self._clock() if len(self._times) == A_SECOND else 0.0


@dataclass(frozen=True)
class Silence:
    """A time without answers. since: its beginning; interrupts: how many there were by then; delays: between tries."""

    since: float
    interrupts: int
    delays: Iterator[float]


class Limit:
    """A cell's time limit. passed: it is over, and somebody has seen that."""

    def __init__(self, clock: Callable[[], float], seconds: float | None) -> None:
        self.clock, self.passed = clock, False
        self.end = None if seconds is None else clock() + seconds

    def late(self) -> float | None:
        """Seconds since the limit was reached. None: it is not reached yet."""
        if self.end is None or self.clock() < self.end:
            return None
        self.passed = True
        return self.clock() - self.end

    def left(self) -> float:
        """Seconds until the limit. Infinite after it has passed: then nothing more is due."""
        return math.inf if self.end is None or self.passed else max(self.end - self.clock(), 0.0)

    def cut(self) -> None:
        """End it now."""
        self.end = self.clock()
