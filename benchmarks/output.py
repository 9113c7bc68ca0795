"""Much output: in lines, and on a single line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from .figures import IPYKERNEL, OURS, Figure
from .kernels import Kernel
from .plan import SLOW, Plan, interleaved


@dataclass(frozen=True)
class Work:
    """The same output from a shell and from Python."""

    name: str
    characters: int
    shell: str
    python: str

    def code(self, kernel: Kernel) -> str:
        return kernel.subject.code(self.shell, self.python)

    def run(self, kernel: Kernel) -> float:
        ran = kernel.run(self.code(kernel))
        if ran.characters < self.characters:
            raise RuntimeError(f"{kernel.subject.name} showed {ran.characters} of {self.characters} characters")
        return ran.seconds


LINES = Work(
    "10 MB of output, in lines",
    10_000_000,
    f"yes {'x' * 99} | head -n 100000",
    "for _ in range(100_000): print('x' * 99)",
)
ONE_LINE = Work(
    "1 MB on a single line",
    1_000_000,
    "head -c 1000000 /dev/zero | tr '\\0' x",
    "print('x' * 1_000_000, end='')",
)
AT_ONCE = Work(
    "10 MB on a single line",
    10_000_000,
    "head -c 10000000 /dev/zero | tr '\\0' x",
    "print('x' * 10_000_000, end='')",
)


def measure(plan: Plan) -> list[Figure]:
    with ExitStack() as stack:
        kernels = plan.start(stack, OURS, IPYKERNEL)
        for kernel in kernels:
            unbounded(kernel)
        figures = [_measure(work, kernels, plan.rounds(15, 3)) for work in (LINES, ONE_LINE, AT_ONCE)]
        if not plan.quick:
            for kernel in plan.start(stack, *SLOW):
                figures[0].samples[kernel.subject.name] = [_once(LINES, kernel, plan)]
    lines, single, _ = figures
    lines.judge("at most 1.5 times ipykernel's", lines.ratio(OURS, IPYKERNEL), 1.5, unit="times")
    single.judge("under 0.2 s", single.median(OURS), 0.2, unit="s")
    return figures


def unbounded(kernel: Kernel) -> None:
    """Ready to print, without our bound on what is shown."""
    if kernel.subject.name == OURS:
        kernel.run("%limit none")
    kernel.run(kernel.subject.code("true", "pass"))


def _measure(work: Work, kernels: list[Kernel], rounds: int) -> Figure:
    tries: dict[str, Callable[[], float]] = {kernel.subject.name: _try(work, kernel) for kernel in kernels}
    return Figure(work.name, "s", interleaved(tries, rounds))


def _try(work: Work, kernel: Kernel) -> Callable[[], float]:
    return lambda: work.run(kernel)


def _once(work: Work, kernel: Kernel, plan: Plan) -> float:
    """A slow peer: it may lose some, and that is worth a note, not an end."""
    ran = kernel.run(work.code(kernel))
    if ran.characters < work.characters:
        plan.notes.append(f"{kernel.subject.name} showed {ran.characters:,} of {work.characters:,} characters")
    return ran.seconds
