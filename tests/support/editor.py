"""An editor beside a session with the real function: Tab, and Shift-Tab, without a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.editing.completion import Completer
from lambda_kernel.editing.inspection import Inspector
from lambda_kernel.editing.shell_query import ShellQuery
from lambda_kernel.session.worker import Worker
from lambda_kernel.workspace.workspace import Workspace
from tests.support.in_process_session import InProcess
from tests.support.silent_connector import SilentConnector

TARGET = Target("shell")


class Connect(SilentConnector):
    """Connects every target with one environment."""

    def __init__(self, remote: InProcess) -> None:
        self.remote = remote

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        return self.remote.transport


class Editor:
    """An environment, and an editor beside it. clock: the seconds that the workspace reads."""

    def __init__(
        self, faults: Callable[[Event, Callable[[], Reply]], Reply] | None = None, seconds: float = 10
    ) -> None:
        self.remote, self.clock, self.busy = InProcess(faults), 0.0, False
        self.workspace = Workspace(TARGET, Connect(self.remote), clock=lambda: self.clock)
        self.workspace.sessions[TARGET] = self.remote.session
        self.shell_query = ShellQuery(self.workspace, Worker(), lambda: self.busy, seconds)

    def run(self, code: str) -> None:
        self.remote.run(code)
        self.shell_query.touch()

    def reply(self, code: str, cursor: int | None = None) -> dict[str, Any]:
        return asyncio.run(Completer(self.shell_query).complete(code, cursor))

    def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """The texts that the cell may become."""
        reply = self.reply(code, cursor)
        start, end = reply["cursor_start"], reply["cursor_end"]
        return [code[:start] + match + code[end:] for match in reply["matches"]]

    def calls(self) -> int:
        return sum(event["op"] == "call" for event in self.remote.transport.events)

    def inspect(self, code: str, cursor: int | None = None, more: bool = False) -> dict[str, Any]:
        return asyncio.run(Inspector(self.shell_query).inspect(code, cursor, more))

    def text(self, code: str, cursor: int | None = None, more: bool = False) -> str:
        return str(self.inspect(code, cursor, more)["data"].get("text/plain", ""))
