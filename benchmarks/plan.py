"""What every benchmark is given, and the loop that they share."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from .figures import BASH, CALYSTO
from .kernels import SUBJECTS, Kernel, Subject, started

SLOW = (BASH, CALYSTO)  # with much output: 30 to 45 seconds for 10 MB


@dataclass
class Plan:
    """How much is measured of whom; notes: what a reader of the figures must know."""

    quick: bool
    notes: list[str] = field(default_factory=list)

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def subjects(self, *names: str) -> list[Subject]:
        """Those of the named kernels that are installed; all without a name."""
        return [subject for subject in SUBJECTS if subject.installed and (not names or subject.name in names)]

    def start(self, stack: ExitStack, *names: str) -> list[Kernel]:
        return [stack.enter_context(started(subject)) for subject in self.subjects(*names)]


def interleaved(
    tries: Mapping[str, Callable[[], float]], rounds: int, every: Mapping[str, int] | None = None
) -> dict[str, list[float]]:
    """Each try once a round (or once in so many), in a new order each time, so that noise falls on all alike."""
    order, shuffle = list(tries), random.Random(1).shuffle
    samples: dict[str, list[float]] = {who: [] for who in tries}
    for number in range(rounds):
        shuffle(order)
        for who in order:
            if number % (every or {}).get(who, 1) == 0:
                samples[who].append(tries[who]())
    return samples


def scaled(samples: Mapping[str, list[float]], factor: float) -> dict[str, list[float]]:
    return {who: [value * factor for value in values] for who, values in samples.items()}


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
