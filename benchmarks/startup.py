"""From starting the process to its kernel_info_reply."""

from __future__ import annotations

from collections.abc import Callable

from .figures import IPYKERNEL, OURS, Figure
from .kernels import Subject, started
from .plan import Plan, interleaved, scaled


def measure(plan: Plan) -> list[Figure]:
    tries = {subject.name: _start(subject) for subject in plan.subjects()}
    interleaved(tries, 1)  # once for the disk and for compiled modules
    figure = Figure("start to kernel_info_reply", "ms", scaled(interleaved(tries, plan.rounds(15, 3)), 1000))
    figure.judge("at most 1.1 times ipykernel's", figure.ratio(OURS, IPYKERNEL), 1.1, unit="times")
    return [figure]


def _start(subject: Subject) -> Callable[[], float]:
    def start() -> float:
        with started(subject) as kernel:
            return kernel.start_seconds

    return start
