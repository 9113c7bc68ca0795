"""A command run in a new function, over the same parts as a kernel's cells."""

from __future__ import annotations

import time

from ..cell import Cell, Happening, Output, ThreadControl
from ..connect import Connector
from ..errors import KernelError
from ..session import Session
from ..tally import Tally
from ..target import Target
from .problems import DeployError

COMMAND = 'echo "bash $BASH_VERSION, $(uname -sm), $(. /etc/os-release && echo "$PRETTY_NAME")"'
TENANT = "lambda-kernel-deploy"  # a fixed one: AWS charges for each new tenant's environment


def try_out(function: str, region: str, profile: str | None, endpoint_url: str | None) -> str:
    """What the command printed, and how long the function took. Raises DeployError."""
    transport = Connector(TENANT)(Target(function, region, profile, endpoint_url))
    printed: list[bytes] = []

    def emit(happening: Happening) -> None:
        if isinstance(happening, Output):
            printed.append(happening.data)

    session, tally = Session(transport, time.monotonic), Tally()
    try:
        result = session.run(Cell(COMMAND), emit, ThreadControl(), tally)
        session.leave()
    except KernelError as error:
        raise DeployError(f"{function} is deployed, but a test command in it failed: {error}") from error
    finally:
        transport.close()
    text = b"".join(printed).decode("utf-8", "replace").strip()
    if result.exit_code:
        raise DeployError(f"{function} is deployed, but a test command in it ended with {result.exit_code}: {text}")
    return f"A test command in {function} says: {text}"
