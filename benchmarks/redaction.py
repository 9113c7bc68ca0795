"""What it costs to keep credentials out of output: the function's part alone, and whole cells with and without it."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from contextlib import ExitStack

from lambda_kernel.function import index
from lambda_kernel.session.remote_shell import shell_code

from .figures import OURS, Figure
from .kernels import Kernel
from .output import AT_ONCE, LINES, Work
from .plan import Plan, interleaved, scaled

SIZE = 10_000_000
ON, OFF = "on", "off"
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    # As long as a role's, with the row of slashes that they have.
    "AWS_SESSION_TOKEN": f"IQoJb3JpZ2luX2VjEJv//////////{base64.b64encode(os.urandom(800)).decode()}",
}
BASE64 = Work("10 MB of Base64", SIZE, f"head -c {SIZE * 3 // 4} /dev/urandom | base64", "")
BOUNDS = {"all of it shown": "%limit none", "bounded as usual": "%limit 1M 10000"}


def inputs() -> dict[str, bytes]:
    """Harmless ones, and such as are hard: credentials' characters alone, a value's own characters, and credentials."""
    token = ENVIRON["AWS_SESSION_TOKEN"].encode() + b"\n"
    return {
        "lines": (b"x" * 99 + b"\n") * (SIZE // 100),
        "short lines": b"y\n" * (SIZE // 2),
        "binary": os.urandom(SIZE),
        "Base64": base64.encodebytes(os.urandom(SIZE * 3 // 4))[:SIZE],
        "colours": (b"\x1b[01;34mdirectory\x1b[0m  \x1b[01;32mfile.sh\x1b[0m 1234\n" * (SIZE // 40))[:SIZE],
        "slashes": b"/" * SIZE,
        "nothing but tokens": token * (SIZE // len(token)),
    }


def measure(plan: Plan) -> list[Figure]:
    figures = [_alone(name, data, plan) for name, data in inputs().items()]
    with ExitStack() as stack:
        for kernel in plan.start(stack, OURS):
            kernel.run("true")
            for about, bound in BOUNDS.items():
                kernel.run(bound)
                figures += [_whole(work, about, kernel, plan.rounds(15, 5)) for work in (LINES, AT_ONCE, BASE64)]
    return figures


def _alone(name: str, data: bytes, plan: Plan) -> Figure:
    """In thread time, so that other work on the machine counts less."""
    values = index.secrets(ENVIRON)
    table = values + index.load(shell_code())["looks"](values)

    def once() -> float:
        redactor = index.Redactor(table)
        began = time.thread_time()
        for at in range(0, len(data), index.READ_BYTES):
            redactor.feed(data[at : at + index.READ_BYTES])
        return time.thread_time() - began

    samples = interleaved({OURS: once}, plan.rounds(5, 1))
    return Figure(f"redacting 10 MB: {name}", "ms", scaled(samples, 1e3))


def _whole(work: Work, about: str, kernel: Kernel, rounds: int) -> Figure:
    """Our figure is with redaction; the target holds it against the one without."""
    tries = {mode: _try(work, kernel, mode) for mode in (ON, OFF)}
    samples = interleaved(tries, rounds)
    figure = Figure(f"{work.name}, {about}", "s", {OURS: samples[ON], OFF: samples[OFF]})
    figure.judge("at most 1.05 times that without redaction", figure.ratio(OURS, OFF), 1.05, unit="times")
    return figure


def _try(work: Work, kernel: Kernel, mode: str) -> Callable[[], float]:
    def once() -> float:
        kernel.run(f"%redact {mode}")
        return kernel.run(work.shell).seconds

    return once
