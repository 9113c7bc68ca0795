"""From an interrupt of a sleeping command to the end of its cell.

Without calysto_bash: interrupted so, it never answers again (0.2.2 with ipykernel 7.4).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack

from .figures import BASH, IPYKERNEL, OURS, Figure
from .kernels import Kernel
from .plan import Plan, interleaved


def measure(plan: Plan) -> list[Figure]:
    moments = random.Random(1)
    with ExitStack() as stack:
        tries = {
            kernel.subject.name: _interrupted(kernel, moments) for kernel in plan.start(stack, OURS, IPYKERNEL, BASH)
        }
        figure = Figure("interrupt of `sleep 30`", "s", interleaved(tries, plan.rounds(15, 3)))
    figure.judge("back within 0.4 s", figure.median(OURS), 0.4, unit="s")
    figure.judge("back within 0.4 s at its slowest", max(figure.samples[OURS]), 0.4, unit="s")
    return [figure]


def _interrupted(kernel: Kernel, moments: random.Random) -> Callable[[], float]:
    code = kernel.subject.code("sleep 30", "import time; time.sleep(30)")

    def run() -> float:
        request = kernel.begin(code)
        time.sleep(0.6 + 0.4 * moments.random())  # anywhere in an invocation of ours
        since = time.perf_counter()
        kernel.manager.interrupt_kernel()
        return kernel.finish(request, since).seconds

    return run
