"""The first cell of a new kernel: what the user waits for after the start, an environment's cold start included.

At once: the cell is sent with the kernel_info_reply. As clients do: a third of a second later, which is what
jupyter_client's wait_for_ready takes, and so nbclient, papermill and the console. That pause is in no figure but one:
from the start to the cell's end, as such a client's user sees it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .figures import CALYSTO, IPYKERNEL, OURS, Figure
from .kernels import Subject, started
from .plan import Plan, scaled

PAUSE_SECONDS = 0.3
SHELL, PYTHON = "echo first", "print('first')"
OUTPUT = "ready to the first cell's output, as clients do"
WHOLE = "start to the first cell's end, as clients do"
AT_ONCE = "ready to the first cell's output, at once"
WHOLE_AT_ONCE = "start to the first cell's end, at once"


def measure(plan: Plan) -> list[Figure]:
    subjects = plan.subjects(OURS, IPYKERNEL, CALYSTO)
    samples: dict[str, dict[str, list[float]]] = {name: {} for name in (OUTPUT, WHOLE, AT_ONCE, WHOLE_AT_ONCE)}
    cells = {pause: {subject.name: _cell(subject, pause) for subject in subjects} for pause in (PAUSE_SECONDS, 0.0)}
    for cell in cells[0.0].values():  # once for the disk and for compiled modules
        cell()
    for _ in range(plan.rounds(15, 3)):
        for pause, names in ((PAUSE_SECONDS, (OUTPUT, WHOLE)), (0.0, (AT_ONCE, WHOLE_AT_ONCE))):
            for who, cell in cells[pause].items():
                for name, seconds in zip(names, cell(), strict=True):
                    samples[name].setdefault(who, []).append(seconds)
    figures = [Figure(name, "ms", scaled(found, 1000)) for name, found in samples.items()]
    output, whole, *_ = figures
    output.judge("at most 250 ms", output.median(OURS), 250, unit="ms")
    whole.judge("at most 1.2 times ipykernel's", whole.ratio(OURS, IPYKERNEL), 1.2, unit="times")
    return figures


def _cell(subject: Subject, pause: float) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        """From the request to the first output, and from the start of the process to the cell's end."""
        with started(subject, wait=False) as kernel:
            time.sleep(max(kernel.ready + pause - time.perf_counter(), 0))
            ran = kernel.run(subject.code(SHELL, PYTHON))
            return ran.first - kernel.sent, ran.end - kernel.begun

    return run
