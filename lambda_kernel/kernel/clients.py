"""Finds out who sends cells: a console, a notebook, or `jupyter run`."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from .interrupts import InterruptKernel

LEAVES = re.compile(r"\s*(?:exit(?:[ \t]+\d+)?|logout|quit)[ \t]*;?[ \t]*(?:#[^\n]*)?\s*\Z")
LOOK = os.O_NOCTTY | os.O_NONBLOCK if os.name == "posix" else 0
JUPYTER_RUN = re.compile(r"(?:^|[/\s\0])(?:jupyter-run|jupyter_client\.runapp)(?:[\s\0]|$)")

JUPYTER_CONSOLE = re.compile(r"(?:^|[/\s\0])jupyter[-_]console(?:[\s\0]|$)")


def leaves(code: str) -> bool:
    """Whether a cell is only `exit` or the like."""
    return bool(LEAVES.match(code))


class Clients:
    """parent: the process that started the kernel."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._consoles: set[str] = set()

    def meet(self, request: dict[str, Any]) -> None:
        """Note a request that only front ends with a prompt send: for history, or at each Enter."""
        self._consoles.add(str(request["header"].get("session")))

    def prompts(self, request: dict[str, Any]) -> bool:
        """Whether a front end with a prompt sent it. Such a front end can be asked to end (`ask_exit`, as in
        IPython)."""
        return str(request.get("header", {}).get("session")) in self._consoles

    @property
    def columns(self) -> int | None:
        """How wide the terminal is in which the console runs that started the kernel. None: not known.

        A console does not say, and may have become wider or narrower since.
        """
        try:
            with open(f"/proc/{self._parent}/fd/1", opener=lambda path, flags: os.open(path, flags | LOOK)) as screen:
                return os.get_terminal_size(screen.fileno()).columns or None
        except OSError:
            return None

    @cached_property
    def jupyter_run(self) -> bool:
        """Whether `jupyter run` started the kernel.

        It claims to support input, and fails when it is asked: its client awaits something that is not a coroutine
        (jupyter_client 8.10, KernelClient._stdin_hook_default).
        """
        return bool(JUPYTER_RUN.search(command_line(self._parent)))

    @cached_property
    def jupyter_console(self) -> bool:
        """Whether `jupyter console` started the kernel. It shows text only; qtconsole, which prompts as well, shows
        pictures."""
        return bool(JUPYTER_CONSOLE.search(command_line(self._parent)))


def command_line(pid: int) -> str:
    """The command line of a process. Empty if it is not known."""
    try:
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        command = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=2).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class ClientsKernel(InterruptKernel):
    """Knows who sends its cells."""

    def __init__(self, **kwargs: Any) -> None:
        self.clients = Clients(os.getppid())
        super().__init__(**kwargs)

    async def history_request(self, stream: Any, ident: Any, parent: Any) -> None:
        self.clients.meet(parent)
        await super().history_request(stream, ident, parent)

    async def is_complete_request(self, stream: Any, ident: Any, parent: Any) -> None:
        self.clients.meet(parent)
        await super().is_complete_request(stream, ident, parent)
