"""`lambda-kernel run -c true` beside `aws lambda invoke`: a process for one command, on an environment that is warm."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

from .endpoint import LAMBDA_KERNEL, Loop, environ_for, local_engine
from .figures import AWS, OURS, Figure
from .kernels import ROOT
from .plan import Plan, interleaved, scaled

COMMAND = "true"
WHERE = ("--region", "{region}", "--endpoint-url", "{endpoint_url}")
RUN = (*LAMBDA_KERNEL, "run", "--on", "{function}", *WHERE, "-c", COMMAND)
TO = ("--function-name", "{function}", "--payload", "fileb:///dev/stdin", "/dev/null")
INVOKE = ("aws", "lambda", "invoke", *WHERE, *TO)


def measure(plan: Plan) -> list[Figure]:
    with local_engine() as at:
        tries = {OURS: _process(RUN, at)}
        if Loop.installed():
            tries[AWS] = _process(INVOKE, at)
        interleaved(tries, 2)  # once for the environment, and once for the disk and for compiled modules
        samples = interleaved(tries, plan.rounds(20, 7))
    figure = Figure("one command without a kernel, as a process", "ms", scaled(samples, 1000))
    figure.judge("at most 0.6 of `aws lambda invoke`", figure.ratio(OURS, AWS), 0.6, unit="times")
    return [figure]


def _process(command: tuple[str, ...], at: dict[str, str]) -> Callable[[], float]:
    words = [word.format(**at) for word in command]
    event = json.dumps({"cmd": COMMAND}).encode()

    def run() -> float:
        begin = time.perf_counter()
        subprocess.run(words, input=event, capture_output=True, env=environ_for(at), cwd=ROOT, check=True)
        return time.perf_counter() - begin

    return run
