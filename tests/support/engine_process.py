"""`lambda-kernel local` as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def local_engine(*options: str) -> Iterator[dict[str, str]]:
    """What its line of JSON says; it must end cleanly."""
    command = [sys.executable, "-m", "lambda_kernel.cli", "local", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            status = process.wait(20)
        assert status == 0


def environ_for(engine: dict[str, str]) -> dict[str, str]:
    """The variables by which an AWS client finds it."""
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": engine["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": engine["secret_access_key"],
        "AWS_DEFAULT_REGION": engine["region"],
        "AWS_ENDPOINT_URL_LAMBDA": engine["endpoint_url"],
    }
