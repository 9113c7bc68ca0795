"""AWS's Runtime Interface Emulator around our function: the binary that images for Lambda are tried out with.

AWS ships it inside the wheel of aws-sam-cli, which need not be installed for it.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lambda_kernel.function import index

HOST = "127.0.0.1"
BINARY = "LAMBDA_KERNEL_TEST_RIE"  # in the environment: the path of the emulator, or of the wheel
NAMES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


def binary(environ: Mapping[str, str], directory: Path) -> Path:
    """The emulator's path. Raises OSError or SubprocessError where it cannot be had."""
    given = environ.get(BINARY, "")
    if given and not given.endswith(".whl"):
        return Path(given)
    return unpack(Path(given) if given else download(environ, directory), directory)


def download(environ: Mapping[str, str], directory: Path) -> Path:
    """In a process of its own, from the index that pip is set to use; only the wheel itself."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--retries", "1", "-d", str(directory)]
    subprocess.run([*pip, "aws-sam-cli"], env=environ, check=True, capture_output=True, text=True, timeout=50)
    return next(directory.glob("aws_sam_cli-*.whl"))


def unpack(wheel: Path, directory: Path) -> Path:
    name = NAMES[platform.machine()]
    path = directory / name
    with zipfile.ZipFile(wheel) as archive:
        path.write_bytes(archive.read(f"samcli/local/rapid/{name}"))
    path.chmod(0o755)
    return path


def free_ports(count: int) -> list[int]:
    """It opens its own ports, and has to be told which: those that are free just now."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [made.getsockname()[1] for made in sockets]
    for made in sockets:
        made.close()
    return ports


@contextmanager
def emulated(program: Path, timeout_s: int) -> Iterator[str]:
    """The URL of an emulator that runs our function, under the name `function`."""
    invoke_port, runtime_port = free_ports(2)
    command = [
        str(program),
        "--runtime-interface-emulator-address",
        f"{HOST}:{invoke_port}",
        "--runtime-api-address",
        f"{HOST}:{runtime_port}",
        *(sys.executable, "-m", "awslambdaric", "index.handler"),
    ]
    told = {"AWS_LAMBDA_FUNCTION_NAME": "function", "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=Path(index.__file__).parent, env={**os.environ, **told}, stdout=log, stderr=log
        )
        try:
            wait_for(invoke_port, process)
            yield f"http://{HOST}:{invoke_port}"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it listens: it has no other way to say that it is there."""
    end = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((HOST, port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"the emulator does not start: {process.poll()}")
