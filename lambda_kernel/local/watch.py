"""Holds an environment to its memory and to its number of processes, by looking.

Only the kernel can hold such limits exactly, and it lets few users delegate that. So a limit may be overstepped for
as long as the interval between two looks.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from enum import Enum

from .limits import MIB, PROCESSES
from .processes import Members

_INTERVAL_S = 0.05


class Excess(Enum):
    """Which limit was overstepped."""

    MEMORY = "memory"
    PROCESSES = "processes"


class Watch:
    """Looks while an invocation runs, and remembers the most memory that was ever seen, as Lambda reports it."""

    def __init__(
        self, memory_mb: int, members: Callable[[], Members | None], on_excess: Callable[[Excess], None]
    ) -> None:
        self._memory_mb = memory_mb
        self._members = members
        self._on_excess = on_excess
        self._timer: asyncio.TimerHandle | None = None
        self._peak = 0

    @property
    def peak_mb(self) -> int:
        return min(math.ceil(self._peak / MIB), self._memory_mb)

    def begin(self, after_s: float = _INTERVAL_S) -> None:
        self._timer = asyncio.get_running_loop().call_later(after_s, self._tick)

    def end(self) -> None:
        """Look once more, for an invocation that was too short to be seen."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._look()

    def _tick(self) -> None:
        began = time.perf_counter()
        excess = self._look()
        if excess is not None:
            self._on_excess(excess)
        # Hundreds of processes take long to look at: the engine's thread has other work too.
        self.begin(max(_INTERVAL_S, 4 * (time.perf_counter() - began)))

    def _look(self) -> Excess | None:
        members = self._members()
        if members is None:
            return None
        pids = members.list_pids()
        if len(pids) > PROCESSES:
            return Excess.PROCESSES
        limit = self._memory_mb * MIB
        used = members.memory(pids)
        if used > limit:
            # Forks share pages until they write to them: count those once before killing anybody.
            used = members.proportional_memory(pids) or used
        self._peak = max(self._peak, used)
        return Excess.MEMORY if used > limit else None
