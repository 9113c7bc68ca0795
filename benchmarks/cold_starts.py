"""Cold starts of many environments at once, on the local emulator, beside what one takes of a CPU."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from lambda_kernel.local.processes import descendants

from .endpoint import BareTransport, local_engine
from .figures import OURS, Figure
from .plan import Plan, interleaved
from .processes import cpu_seconds

MANY = 20


def measure(plan: Plan) -> list[Figure]:
    starts = {count: Starts(count) for count in (1, MANY)}
    samples = interleaved({str(count): start.measure for count, start in starts.items()}, plan.rounds(7, 3))
    cores = len(os.sched_getaffinity(0))
    wall = Figure(f"{MANY} cold starts at once", "s", {OURS: samples[str(MANY)]})
    alone = Figure("  CPU time of one alone", "s", {OURS: starts[1].cpu})
    fair = MANY * (alone.median(OURS) or 0) / cores
    target = f"at most 1.3 times as long as {cores} cores take for {MANY} times the CPU time of one"
    wall.judge(target, (wall.median(OURS) or 0) / fair, 1.3, unit="times")
    return [wall, alone, Figure("  CPU time of each of them", "s", {OURS: [cpu / MANY for cpu in starts[MANY].cpu]})]


class Starts:
    """So many at once. cpu: the seconds of the emulator and its environments in each round."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.cpu: list[float] = []

    def measure(self) -> float:
        """Return the seconds until all have answered."""
        with local_engine("--concurrency", str(MANY)) as at, ThreadPoolExecutor(self.count) as pool:
            before, begin = _cpu(), time.perf_counter()
            list(pool.map(_answer, [at] * self.count))
            wall = time.perf_counter() - begin
            self.cpu.append(_cpu() - before)
        return wall


def _answer(at: dict[str, str]) -> None:
    """All ask before the first has its answer, so that each gets an environment of its own."""
    with closing(BareTransport(at)) as transport:
        transport.invoke({"cmd": "true"})


def _cpu() -> float:
    return cpu_seconds(*descendants(os.getpid()))
