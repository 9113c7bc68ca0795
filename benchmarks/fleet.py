"""Fleets beside a plain boto3 thread pool that makes as many invocations of a Lambda that takes 100 ms."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .figures import OURS, POOL, Figure
from .kernels import ROOT, Kernel
from .plan import Plan, interleaved
from .processes import Holdings, forget_peak, holdings, peak, process_cpu_seconds

FACTOR, LOOP_FACTOR, MOST_MB, MOST_CPU_MS = 1.3, 1.1, 150.0, 3.0
IDLE_SECONDS = 3.0  # after that no thread of a run is left
ITEMS = "%%fleet 200 --map -\ntrue\n--\n" + "\n".join(f"item {number}" for number in range(1_000))


@dataclass(frozen=True)
class Case:
    """What is typed, and how many threads of the pool make as many invocations."""

    name: str
    code: str
    threads: int
    invocations: int
    before: str = ""  # typed before it, and not counted


FLEETS = (
    Case("%%fleet 50 of `true`", "%%fleet 50\ntrue", 50, 50),
    Case("%%fleet 200 of `true`", "%%fleet 200\ntrue", 200, 200),
    Case("1,000 items, 200 at once", ITEMS, 200, 1_000),
    Case("%%fleet 200 of `true`, with new shells", "%%fleet 200\ntrue", 200, 400, before="%fleet --end"),
)


def measure(plan: Plan) -> list[Figure]:
    with lambda_of_its_own() as port, settings(port), contextlib.ExitStack() as stack:
        [kernel] = plan.start(stack, OURS)
        pool = stack.enter_context(thread_pool())
        kernel.run("%%fleet 200\ntrue")
        time.sleep(IDLE_SECONDS)
        before = holdings(kernel.pid)
        forget_peak(kernel.pid)
        figures = [compared(case, kernel, pool, plan.rounds(7, 3)) for case in FLEETS]
        for figure in figures:
            figure.judge(f"within {FACTOR:g} times a {POOL}", figure.ratio(OURS, POOL), FACTOR, unit="times")
        begun = process_cpu_seconds(kernel.pid)
        kernel.run(ITEMS)
        milliseconds = (process_cpu_seconds(kernel.pid) - begun) * 1000 / 1_000
        most = peak(kernel.pid)
        time.sleep(IDLE_SECONDS)
        after = holdings(kernel.pid)
        # After that, since the notebook's own session keeps a thread and a connection.
        figures.append(repeated(plan.rounds(500, 100), kernel, pool, plan.rounds(3, 1)))
    return [*figures, *resources(milliseconds, most, before, after)]


def resources(milliseconds: float, most: float, before: Holdings, after: Holdings) -> list[Figure]:
    """What the kernel took: CPU time for an item, memory at most; before and after: all that it held."""
    cpu = Figure("CPU time of the kernel for an item", "ms", {OURS: [milliseconds]})
    cpu.judge(f"at most {MOST_CPU_MS:g} ms", milliseconds, MOST_CPU_MS, unit="ms")
    memory = Figure("most memory of the kernel", "MB", {OURS: [most]})
    memory.judge(f"at most {MOST_MB:g} MB", most, MOST_MB, unit="MB")
    memory.judge("no threads left", after.threads - before.threads, 0)
    memory.judge("no descriptors left", after.descriptors - before.descriptors, 0)
    return [cpu, memory]


def compared(case: Case, kernel: Kernel, pool: Callable[[int, int], float], rounds: int) -> Figure:
    def ours() -> float:
        if case.before:
            kernel.run(case.before)
        ran = kernel.run(case.code)
        if ran.reply["status"] != "ok":
            raise RuntimeError(f"{case.name}: {ran.reply}")
        return ran.table - (ran.end - ran.seconds)  # the plot comes after it, and takes a second

    samples = interleaved({OURS: ours, POOL: lambda: pool(case.threads, case.invocations)}, rounds)
    return Figure(case.name, "s", samples)


def repeated(times: int, kernel: Kernel, pool: Callable[[int, int], float], rounds: int) -> Figure:
    """One thread of the pool is a loop."""
    figure = compared(Case(f"%%repeat {times} of `true`", f"%%repeat {times}\ntrue", 1, times), kernel, pool, rounds)
    figure.judge(f"within {LOOP_FACTOR:g} times a loop", figure.ratio(OURS, POOL), LOOP_FACTOR, unit="times")
    return figure


@contextlib.contextmanager
def lambda_of_its_own() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.fake_lambda"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextlib.contextmanager
def thread_pool() -> Iterator[Callable[[int, int], float]]:
    command = [sys.executable, "-m", "benchmarks.thread_pool"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        words, seconds = process.stdin, process.stdout
        assert words is not None
        assert seconds is not None

        def run(threads: int, count: int) -> float:
            words.write(f"{threads} {count}\n")
            words.flush()
            return float(seconds.readline())

        try:
            run(200, 200)
            yield run
        finally:
            words.close()


@contextlib.contextmanager
def settings(port: int) -> Iterator[None]:
    """Of the kernel and the pool alike."""
    ours = {
        "LAMBDA_KERNEL_FUNCTION": "shell",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    }
    before = os.environ.copy()
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
