"""A trivial cell: what a kernel adds to a command that does nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing

from lambda_kernel.aws.usage import Usage
from lambda_kernel.session.cell import Cell, ThreadControl
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session

from .endpoint import BareTransport, Loop, local_engine
from .figures import ARTICLE, BASH, IPYKERNEL, OURS, POST, Figure
from .kernels import Kernel
from .plan import Plan, interleaved, scaled

WARM_UP = 3
SHELL, PYTHON = "true", "pass"


def measure(plan: Plan) -> list[Figure]:
    with ExitStack() as stack:
        kernels = plan.start(stack)
        at = stack.enter_context(local_engine())
        durations = _Durations(stack.enter_context(closing(BareTransport(at))))
        tries: dict[str, Callable[[], float]] = {POST: durations.no_op, "session": durations.command}
        tries |= {kernel.subject.name: _cell(kernel, durations) for kernel in kernels}
        if Loop.installed():
            loop = Loop(at)
            tries[ARTICLE] = lambda: loop.run(SHELL)
        interleaved(tries, WARM_UP)
        durations.forget()
        rounds = plan.rounds(200, 30)
        samples = interleaved(tries, rounds, every={ARTICLE: 10})
    del samples["session"]
    return [_cells(scaled(samples, 1000)), durations.figure()]


def _cell(kernel: Kernel, durations: _Durations) -> Callable[[], float]:
    code = kernel.subject.code(SHELL, PYTHON)

    def run() -> float:
        ran = kernel.run(code)
        if kernel.subject.name == OURS:
            durations.cells.append(ran.figures["duration_ms"])
        return ran.seconds

    return run


def _cells(samples: dict[str, list[float]]) -> Figure:
    figure = Figure("trivial cell", "ms", samples)
    ours, theirs, post = figure.median(OURS), figure.median(IPYKERNEL), figure.median(POST)
    assert ours is not None
    if theirs is not None and post is not None:
        figure.judge("at most 5 ms more than ipykernel", ours - theirs, 5, unit="ms")
        figure.judge("at most 3 ms more than a bare POST and ipykernel", ours - theirs - post, 3, unit="ms")
    figure.judge("10 times faster than bash_kernel", figure.ratio(BASH, OURS), 10, unit="times", least=True)
    figure.judge("50 times faster than the article's loop", figure.ratio(ARTICLE, OURS), 50, unit="times", least=True)
    return figure


class _Durations:
    """What Lambda's report calls Duration: of a function that does nothing, and of `true`, in the same environment."""

    def __init__(self, transport: BareTransport) -> None:
        self.transport = transport
        self.session = Session(transport, time.monotonic)
        self.forget()

    def forget(self) -> None:
        self.no_ops: list[float] = []
        self.commands: list[float] = []
        self.cells: list[float] = []

    def no_op(self) -> float:
        seconds, report = self.transport.post()
        self.no_ops.append(report.duration_ms)
        return seconds

    def command(self) -> float:
        usage, begin = Usage(), time.perf_counter()
        self.session.run(Cell(SHELL), Context(lambda _: None, ThreadControl(), usage))
        assert usage.totals is not None
        self.commands.append(usage.totals.duration_ms)
        return time.perf_counter() - begin

    def figure(self) -> Figure:
        samples = {OURS: self.commands, POST: self.no_ops, "in a cell": self.cells}
        figure = Figure("Duration of `true`, and of nothing (bare POST)", "ms", samples)
        true, nothing = figure.median(OURS), figure.median(POST)
        assert true is not None
        assert nothing is not None
        figure.judge("a trivial command costs under 1 ms inside", true - nothing, 1, unit="ms")
        return figure
