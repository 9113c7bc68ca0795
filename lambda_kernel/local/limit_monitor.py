"""Enforces an environment's limits of memory and processes, by polling.

Only the kernel can hold such limits exactly, and it lets few users delegate that. So a limit may be overstepped for
as long as the interval between two looks.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from enum import Enum

from .processes import Members
from .quotas import MIB, PROCESSES

_INTERVAL_S = 0.05


class Excess(Enum):
    """Which limit was exceeded."""

    MEMORY = "memory"
    PROCESSES = "processes"


class LimitMonitor:
    """Polls while an invocation runs, and keeps the maximum of memory, as in Lambda's report."""

    def __init__(
        self,
        memory_mb: int,
        members: Callable[[], Members | None],
        on_excess: Callable[[Excess], None],
        out_of_memory: Callable[[], bool],
        filed: Callable[[], int],
    ) -> None:
        """out_of_memory: whether Linux has killed one of them; filed: the bytes of memory that are files."""
        self._memory_mb = memory_mb
        self._members = members
        self._on_excess = on_excess
        self._out_of_memory, self._filed = out_of_memory, filed
        self._timer: asyncio.TimerHandle | None = None
        self._peak = 0
        self._measure_next = 0.0
        self._count = 0
        self._growing = False

    @property
    def peak_mb(self) -> int:
        return min(math.ceil(self._peak / MIB), self._memory_mb)

    def fill(self) -> None:
        """All memory was used: Linux may have killed a process between two looks."""
        self._peak = self._memory_mb * MIB

    def begin(self, after_s: float = _INTERVAL_S) -> None:
        self._timer = asyncio.get_running_loop().call_later(after_s, self._tick)

    def end(self) -> None:
        """Poll once more, for a very short invocation."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        members = self._members()
        if members is not None:
            self._measure(members, members.list_pids())

    def _tick(self) -> None:
        members = self._members()
        excess = self._look(members) if members is not None else None
        if excess is not None:
            self._on_excess(excess)
        self.begin(_INTERVAL_S / 10 if self._growing else _INTERVAL_S)

    def _look(self, members: Members) -> Excess | None:
        pids = members.list_pids()
        before, self._count = self._count, len(pids)
        # A fork bomb makes hundreds of processes in an interval, and soon this thread gets no time.
        self._growing = self._count > 2 * before + 64
        if self._count > PROCESSES:
            return Excess.PROCESSES
        # All go then, as on Lambda. Version 2 of cgroups sees to that by itself.
        if self._out_of_memory():
            return Excess.MEMORY
        began = time.monotonic()
        if self._growing or began < self._measure_next:
            return None
        used = self._measure(members, pids)
        # Hundreds of processes take long to measure: the engine's thread has other work, and to count them again.
        self._measure_next = time.monotonic() + 4 * (time.monotonic() - began)
        return Excess.MEMORY if used > self._memory_mb * MIB else None

    def _measure(self, members: Members, pids: list[int]) -> int:
        """Return what counts against the limit. The report adds the pages of programs, which Linux may drop.

        Lambda adds them too: it reports 36 MB of a Python runtime that has 9 MB of its own.
        """
        filed = self._filed()
        used, programs = members.memory(pids, filed)
        if used > self._memory_mb * MIB:
            # Forks share pages until they write to them: count those once before killing anybody.
            used = members.proportional_memory(pids, _INTERVAL_S, filed) or used
        self._peak = max(self._peak, used + programs)
        return used
