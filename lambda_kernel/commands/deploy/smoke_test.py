"""Runs a test command in a new function, with the code that runs a kernel's cells."""

from __future__ import annotations

import time

from ...aws.connector import Connector
from ...aws.target import Target
from ...aws.usage import Usage
from ...errors import KernelError
from ...session.cell import Cell, CellEvent, Output, ThreadControl
from ...session.context import Context
from ...session.session import Session
from ...untrusted import visible
from .problems import DeployError

COMMAND = 'echo "bash $BASH_VERSION, $(uname -sm), $(. /etc/os-release && echo "$PRETTY_NAME")"'
CHARACTERS = 2_000
TENANT = "lambda-kernel-deploy"  # a fixed one: AWS charges for each new tenant's environment


def try_out(function: str, region: str, profile: str | None, endpoint_url: str | None) -> str:
    """A sentence with the command's output. Raises DeployError."""
    transport = Connector(TENANT)(Target(function, region, profile, endpoint_url))
    printed: list[bytes] = []

    def emit(cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output):
            printed.append(cell_event.data)

    session, usage = Session(transport, time.monotonic), Usage()
    try:
        result = session.run(Cell(COMMAND), Context(emit, ThreadControl(), usage))
        session.leave()
    except KernelError as error:
        raise DeployError(f"{function} is deployed, but a test command in it failed: {error}") from error
    finally:
        transport.close()
    text = visible(b"".join(printed).decode("utf-8", "replace").strip(), CHARACTERS, "\n")
    if result.exit_code:
        raise DeployError(
            f"{function} is deployed, but a test command in it ended with exit code {result.exit_code}: {text}"
        )
    return f"A test command in {function} printed: {text}"
