"""Resident memory: after the start, after the first cell, and at most while 10 MB are printed."""

from __future__ import annotations

import time
from contextlib import ExitStack

from .figures import IPYKERNEL, OURS, Figure
from .kernels import Kernel, started
from .output import LINES, unbounded
from .plan import Plan
from .processes import environment_of, forget_peak, holdings, peak

SETTLE_SECONDS = 2.0  # what a kernel loads after its reply is in its memory by then


def measure(plan: Plan) -> list[Figure]:
    figures = {
        name: Figure(name, "MB", {})
        for name in (
            "memory after the start",
            "memory after the first cell",
            "memory of the environment (a peer's bash)",
            "most memory during 10 MB of output",
        )
    }
    _warm_up(plan)
    for _ in range(plan.rounds(5, 1)):
        for subject in plan.subjects():
            with started(subject) as kernel:
                for figure, value in zip(figures.values(), _life(kernel), strict=False):
                    figure.samples.setdefault(subject.name, []).append(value)
    _, idle, _, most = figures.values()
    least, peaked = idle.median(OURS), most.median(OURS)
    if least and peaked:
        most.judge("under 1.5 times its idle, after the first cell", peaked / least, 1.5, unit="times")
    return list(figures.values())


def _warm_up(plan: Plan) -> None:
    """Compiling modules, which only a first start does, would be in the memory of it."""
    with ExitStack() as stack:
        for kernel in plan.start(stack):
            kernel.run(kernel.subject.code("true", "pass"))


def _life(kernel: Kernel) -> list[float]:
    """One value for each figure; the last of ours and ipykernel's only."""
    time.sleep(SETTLE_SECONDS)
    found = [holdings(kernel.pid).memory]
    kernel.run(kernel.subject.code("true", "pass"))
    time.sleep(SETTLE_SECONDS)
    found += [holdings(kernel.pid).memory, environment_of(kernel.pid).memory]
    if kernel.subject.name in (OURS, IPYKERNEL):
        unbounded(kernel)
        forget_peak(kernel.pid)
        kernel.run(LINES.code(kernel))
        found.append(peak(kernel.pid))
    return found
