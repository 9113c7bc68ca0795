"""ministack, a third-party emulator of AWS, as a process of its own: it runs functions as local processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from tests.support.command_line import lambda_kernel

HOST = "127.0.0.1"
REGION = "us-east-1"
# It takes a function's log to be whole after 5 ms without a line, which loses lines where others are at work
# (ministack/core/lambda_runtime.py). It has no setting for that.
PATIENT = """
from ministack.app import app
from ministack.core.lambda_runtime import Worker

Worker._drain_stderr_bounded.__defaults__ = (0.1, 0.1, 5.0)  # seconds: to the first line, after a line, in all
"""


def settings(port: int, home: Path) -> dict[str, str]:
    """Loopback only, no Docker, no listeners beside the one, and every file below home."""
    return {
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "HOME": str(home),
        "TMPDIR": str(home),
        "STATE_DIR": str(home / "state"),
        "S3_DATA_DIR": str(home / "s3"),
    }


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    """Its endpoint's URL. Credentials are whatever the environment says: it takes all."""
    with tempfile.TemporaryDirectory(prefix="ministack-", ignore_cleanup_errors=True) as home:
        with socket.create_server((HOST, 0)) as listener:  # it inherits the port: nobody can take it meanwhile
            process = start(listener, Path(home))
            port = listener.getsockname()[1]
        try:
            wait_for(port, Path(home) / "log")
            yield f"http://{HOST}:{port}"
        finally:
            end(process)


def start(listener: socket.socket, home: Path) -> subprocess.Popen[bytes]:
    fd, port = listener.fileno(), listener.getsockname()[1]
    (home / "patient.py").write_text(PATIENT)
    # No workers: it serves itself, in one process.
    command = [sys.executable, "-m", "hypercorn", "patient:app", "--workers", "0", "--bind", f"fd://{fd}"]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=home,
            env={**os.environ, **settings(port, home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[fd],
            start_new_session=True,
        )


def wait_for(port: int, log: Path) -> None:
    """One request: the port has been listening all along, so that it waits until it is answered."""
    connection = http.client.HTTPConnection(HOST, port, timeout=50)
    try:
        connection.request("GET", "/_ministack/health")
        assert connection.getresponse().status == 200
    except OSError as error:
        raise AssertionError(f"ministack does not start: {log.read_text()[-2000:]}") from error
    finally:
        connection.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """First itself, then the functions' processes, which it leaves behind: all are in its group."""
    process.terminate()
    try:
        process.wait(10)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def client(url: str, service: str) -> Any:
    made: Any = boto3.Session("testing", "testing", region_name=REGION)
    return made.client(service, endpoint_url=url)


def deploy(url: str, *words: str) -> None:
    """Our function, as a user deploys it."""
    ran = lambda_kernel("deploy", "--endpoint-url", url, "--region", REGION, *words)
    assert ran.returncode == 0, ran.stderr


def delete(url: str) -> None:
    ran = lambda_kernel("delete", "--yes", "--endpoint-url", url, "--region", REGION)
    assert ran.returncode == 0, ran.stderr
