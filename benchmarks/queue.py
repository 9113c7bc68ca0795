"""One press of the interrupt button during "Run all": whether it stops the queue, and from it to the last idle."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from lambda_kernel.session.connection import SLICE_ROUND_TRIPS, SLICE_SECONDS

from .distant import SECONDS
from .figures import IPYKERNEL, OURS, Figure
from .kernels import Subject, started
from .plan import Plan, interleaved, tell

ROUND_TRIPS = (0, 20, 150)  # ms
SECONDS_OF_CELLS = (0.0, 0.1, 0.3, 0.5, 1.0, 2.0)  # seconds of a cell's command
CELLS, QUEUE_SECONDS, LIMIT_SECONDS = 40, 8.0, 60.0  # that many cells, or so long a queue; and how long it may take


@dataclass
class Presses:
    """Of one kernel. stopped: of so many, those that stopped the queue; hung: those after which it did not answer."""

    stack: ExitStack
    subject: Subject
    moments: random.Random
    stopped: int = 0
    hung: int = 0
    all: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.kernel = self.stack.enter_context(started(self.subject))
        for _ in range(10):  # until the round trip is known
            self.kernel.run(self.subject.code("true", "pass"))

    def press(self, seconds: float) -> float:
        """Somewhere in the first two cells."""
        code = self.subject.code(f"sleep {seconds:g}" if seconds else "true", f"__import__('time').sleep({seconds})")
        requests = [self.kernel.begin(code) for _ in range(min(CELLS, int(QUEUE_SECONDS / (seconds or 0.01))))]
        time.sleep((2 * seconds + 0.02) * self.moments.random())
        since = time.perf_counter()
        self.kernel.manager.interrupt_kernel()
        self.all += 1
        try:
            ran = self.kernel.finish_all(requests, LIMIT_SECONDS)
        except TimeoutError:
            self.hung += 1
            self.start()
            return LIMIT_SECONDS
        # Cells that ended while this process was not looking are among the first: when it reads is not when they ended.
        self.stopped += ran[-1].reply["status"] == "aborted"
        return max(one.end for one in ran) - since


def measure(plan: Plan) -> list[Figure]:
    [ours], peers = plan.subjects(OURS), plan.subjects(IPYKERNEL)
    return [_measured(plan, milliseconds, ours, peers) for milliseconds in ROUND_TRIPS]


def _measured(plan: Plan, milliseconds: int, ours: Subject, peers: list[Subject]) -> Figure:
    tell(f"  a round trip of {milliseconds} ms")
    os.environ[SECONDS] = str(milliseconds / 1000)
    with ExitStack() as stack:
        subjects = (replace(ours, module="benchmarks.distant"), *peers)
        presses = {subject.name: Presses(stack, subject, random.Random(1)) for subject in subjects}
        samples: dict[str, list[float]] = {name: [] for name in presses}
        for seconds in SECONDS_OF_CELLS:
            tries = {name: partial(one.press, seconds) for name, one in presses.items()}
            for name, values in interleaved(tries, plan.rounds(17, 2)).items():
                samples[name] += values
    figure = Figure(f'one press during "Run all", round trip {milliseconds} ms', "s", samples)
    mine, way = presses[OURS], milliseconds / 1000
    figure.judge(f"stops the queue each time of {mine.all}", mine.stopped, mine.all, least=True)
    exchange = min(max(SLICE_ROUND_TRIPS * way, SLICE_SECONDS[0]), SLICE_SECONDS[1]) + way
    limit = exchange + way
    figure.judge(f"idle within {limit:.3g} s, an exchange and a round trip", max(samples[OURS]), limit, unit="s")
    for name, one in presses.items():
        plan.notes.append(
            f"{name}, {milliseconds} ms: {one.stopped} of {one.all} presses stopped the queue, {one.hung} hung it"
        )
    return figure
