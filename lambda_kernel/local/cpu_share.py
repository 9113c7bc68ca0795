"""How much of the CPU a function gets by its memory, and how many CPUs it sees.

"At 1,769 MB, a function has the equivalent of one vCPU"
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). The rest was measured inside of Lambda: the
numbers of CPUs, and a quota of the scheduler with a period of 20 ms (https://github.com/rwnx/lambda-cpuinfo).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Cpu = Literal["host", "lambda"]
CPUS: tuple[Cpu, ...] = ("host", "lambda")

# Of `host`, wherever durations are shown.
INDEPENDENT = "durations do not depend on memory here"

PERIOD_US = 20_000
_ONE_CPU_MB = 1769
# The most memory with so many CPUs.
_SEEN = ((3_008, 2), (5_307, 3), (7_076, 4), (8_845, 5))
_MOST_SEEN = 6


def quota_us(memory_mb: int) -> int:
    """Return the CPU time of one period."""
    return round(PERIOD_US * memory_mb / _ONE_CPU_MB)


def share_of(cpu: str, memory_mb: int) -> str:
    """Say how much of the CPU a function gets."""
    if cpu == "host":
        return f"all of this machine's CPUs: {INDEPENDENT}"
    return f"{memory_mb / _ONE_CPU_MB:.2f} vCPU, as on Lambda with {memory_mb} MB"


def cpus_seen(memory_mb: int) -> int:
    return next((cpus for most_mb, cpus in _SEEN if memory_mb <= most_mb), _MOST_SEEN)


class Rotation:
    """Hands out the machine's CPUs in turn, so that environments do not all run on the first ones."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = 0

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Whatever this thread starts meanwhile sees so many CPUs."""
        ours = os.sched_getaffinity(0)
        order = sorted(ours)
        os.sched_setaffinity(0, {order[(self._next + step) % len(order)] for step in range(self._count)})
        self._next += self._count
        try:
            yield
        finally:
            os.sched_setaffinity(0, ours)
