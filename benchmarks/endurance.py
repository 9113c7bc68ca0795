"""Many cells in one kernel: whether it grows slower or larger."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from .figures import IPYKERNEL, OURS, Figure
from .kernels import Kernel
from .plan import Plan
from .processes import Holdings, environment_of, holdings

WARM_UP = 5
# Less than this may be an allocator's or a neighbour's doing.
SLOWER, LARGER_MB = 1.1, 1.0


def measure(plan: Plan) -> list[Figure]:
    cells = plan.rounds(500, 100)
    window = min(50, cells // 4)
    with ExitStack() as stack:
        runs = [_Run(kernel) for kernel in plan.start(stack, OURS, IPYKERNEL)]
        for number in range(WARM_UP + cells):
            for run in runs:
                run.cell(counted=number >= WARM_UP)
        for run in runs:
            run.look()
    return _figures({run.name: run for run in runs}, cells, window)


class _Run:
    """A kernel, the times of its cells, and what it and its environment hold before and after."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.name = kernel, kernel.subject.name
        self.milliseconds: list[float] = []
        self.held: list[tuple[Holdings, Holdings]] = []

    def cell(self, counted: bool) -> None:
        if counted and not self.milliseconds:
            self.look()
        ran = self.kernel.run(self.kernel.subject.code("true", "pass"))
        if counted:
            self.milliseconds.append(ran.seconds * 1000)

    def look(self) -> None:
        self.held.append((holdings(self.kernel.pid), environment_of(self.kernel.pid)))


def _figures(runs: dict[str, _Run], cells: int, window: int) -> list[Figure]:
    ends = {
        f"the first {window} of {cells} cells": slice(0, window),
        f"the last {window} of {cells} cells": slice(-window, None),
    }
    times = [Figure(name, "ms", {r.name: r.milliseconds[part] for r in runs.values()}) for name, part in ends.items()]
    first, last = (statistics.median(figure.samples[OURS]) for figure in times)
    times[1].judge("no growth in time", last / first, SLOWER, unit="times the first ones'")
    return [*times, *_grown(runs, cells)]


def _grown(runs: dict[str, _Run], cells: int) -> list[Figure]:
    figures = []
    for at, whose in enumerate(("", " of the environment")):
        for what, unit, most in (("memory", "MB", LARGER_MB), ("threads", "", 0), ("descriptors", "", 0)):
            samples = {run.name: [_growth(run, at, what)] for run in runs.values() if at == 0 or run.name == OURS}
            figure = Figure(f"growth in {what}{whose} over {cells} cells", unit, samples)
            figure.judge(f"no growth in {what}{whose}", figure.median(OURS), most, unit=unit)
            figures.append(figure)
    return figures


def _growth(run: _Run, at: int, what: str) -> float:
    before, after = (getattr(held[at], what) for held in run.held)
    return float(after - before)
