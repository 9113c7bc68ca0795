"""`lambda-kernel local`: the engine by itself, in the foreground."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TextIO

from .engine import LocalEngine
from .errors import EngineError
from .settings import Endpoint, Settings

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_foreground(settings: Settings, as_json: bool, out: TextIO) -> int:
    """Serve until a signal ends it; return the exit status."""
    with _signals_noted() as ended:
        engine = LocalEngine(settings)
        try:
            endpoint = engine.start()
        except EngineError as error:
            sys.stderr.write(f"lambda-kernel: {error}\n")
            return 1
        try:
            for notice in engine.notices:
                sys.stderr.write(f"lambda-kernel: {notice}\n")
            out.write(_as_line(endpoint) if as_json else _as_text(endpoint))
            out.flush()
            ended.wait()
        finally:
            engine.close()
    return 0


@contextmanager
def _signals_noted() -> Iterator[threading.Event]:
    """Set the event when a signal comes that would have ended the process."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in _ENDING}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_line(endpoint: Endpoint) -> str:
    return json.dumps(asdict(endpoint)) + "\n"


def _as_text(endpoint: Endpoint) -> str:
    # By file: the AWS CLI's versions 1 and 2 disagree on what a payload on the command line is.
    return f"""\
Function {endpoint.function} at {endpoint.endpoint_url} (Ctrl-C ends it). In another terminal:

export AWS_ACCESS_KEY_ID={endpoint.access_key_id} AWS_SECRET_ACCESS_KEY={endpoint.secret_access_key}
echo '{{"cmd": "free"}}' | aws lambda invoke --endpoint-url {endpoint.endpoint_url} --region {endpoint.region} \\
  --function-name {endpoint.function} --log-type Tail --payload fileb:///dev/stdin \\
  --query LogResult --output text /dev/null | base64 -d

In a notebook whose kernel has these two variables:

%use {endpoint.function} --region {endpoint.region} --endpoint-url {endpoint.endpoint_url}
"""
