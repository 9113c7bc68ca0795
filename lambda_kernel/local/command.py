"""`lambda-kernel local`: runs the local emulator in the foreground."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TextIO

from .engine import LocalEngine
from .errors import EngineError
from .settings import Endpoint, Settings

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_foreground(settings: Settings, as_json: bool, out: TextIO) -> int:
    """Serve until a signal comes, and return the exit status."""
    with _signals_noted() as wait:
        engine = LocalEngine(settings)
        try:
            endpoint = engine.start()
        except EngineError as error:
            sys.stderr.write(f"lambda-kernel: {error}\n")
            return 1
        try:
            for notice in engine.notices:
                sys.stderr.write(f"lambda-kernel: {notice}\n")
            out.write(_as_line(endpoint) if as_json else _as_text(endpoint, settings.network))
            out.flush()
            wait()
        finally:
            engine.close()
    return 0


@contextmanager
def _signals_noted() -> Iterator[Callable[[], object]]:
    """Yield what waits for a signal that would end the process.

    The system may hand a signal to the engine's thread. Only Python's wakeup descriptor is written at once then: a
    handler in Python runs in the main thread, which sleeps on (https://docs.python.org/3/library/signal.html).
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    wakeup_before = signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _noted) for number in _ENDING}
    try:
        yield lambda: _read_signal(reads)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        for end in (reads, writes):
            os.close(end)


def _noted(number: int, frame: object) -> None:
    """Do nothing: a signal without a handler in Python is not written to the wakeup descriptor."""


def _read_signal(wakeup: int) -> None:
    while os.read(wakeup, 1)[0] not in _ENDING:
        pass


def _as_line(endpoint: Endpoint) -> str:
    return json.dumps(asdict(endpoint)) + "\n"


def _as_text(endpoint: Endpoint, network: str) -> str:
    of_its_own = "" if network == "host" else f", network `{network}`"
    # By file: the AWS CLI's versions 1 and 2 disagree on what a payload on the command line is.
    return f"""\
Function {endpoint.function} at {endpoint.endpoint_url}{of_its_own} (Ctrl-C ends it). In another terminal:

export AWS_ACCESS_KEY_ID={endpoint.access_key_id} AWS_SECRET_ACCESS_KEY={endpoint.secret_access_key}
echo '{{"cmd": "free"}}' | aws lambda invoke --endpoint-url {endpoint.endpoint_url} --region {endpoint.region} \\
  --function-name {endpoint.function} --log-type Tail --payload fileb:///dev/stdin \\
  --query LogResult --output text /dev/null | base64 -d

In a notebook whose kernel has these two variables:

%use {endpoint.function} --region {endpoint.region} --endpoint-url {endpoint.endpoint_url}
"""
