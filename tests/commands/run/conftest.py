"""Scripts on a session with the function in this process, whose output goes into files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.commands.run.control import ScriptControl
from lambda_kernel.commands.run.script import Script
from lambda_kernel.commands.run.streams import Streams
from lambda_kernel.session.cell import InputRequest
from lambda_kernel.workspace.workspace import Workspace
from tests.support.in_process_session import InProcess
from tests.support.silent_connector import SilentConnector

Faults = Callable[[Event, Callable[[], Reply]], Reply]


@dataclass(frozen=True)
class Ended:
    """What a script came to."""

    status: int
    out: bytes
    err: str

    @property
    def report(self) -> str:
        return self.err.splitlines()[-1]

    @property
    def said(self) -> list[str]:
        """What lambda-kernel said before its report."""
        lines = [line for line in self.err.splitlines() if line.startswith("lambda-kernel: ")]
        return [line.removeprefix("lambda-kernel: ") for line in lines[:-1]]


class ScriptRunner(SilentConnector):
    """typed: what the standard input gives, piece by piece."""

    def __init__(self, directory: Path) -> None:
        self.remote, self.typed, self.directory = InProcess(), list[str](), directory
        self.control = ScriptControl(self.read)
        self.workspace = Workspace(LOCAL, self)

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        return self.remote.transport

    def read(self, question: InputRequest) -> str:
        return self.typed.pop(0) if self.typed else ""

    def run(self, text: str, faults: Faults | None = None, **options: object) -> Ended:
        self.remote.transport.faults = faults
        paths = [self.directory / name for name in ("out", "err")]
        files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in paths]
        try:
            status = self.script(text, Streams(*files), **options).run()
        finally:
            for file in files:
                os.close(file)
        out, err = (path.read_bytes() for path in paths)
        return Ended(status, out, err.decode(errors="surrogateescape"))

    def script(self, text: str, streams: Streams, **options: object) -> Script:
        return Script(text, self.workspace, self.control, streams, **options)  # type: ignore[arg-type]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[ScriptRunner]:
    made = ScriptRunner(tmp_path)
    yield made
    made.remote.close()
