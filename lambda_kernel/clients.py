"""Who sends cells: a console that can be left, a notebook, or `jupyter run`."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from .beside import BesideKernel

LEAVES = re.compile(r"\s*(?:exit(?:[ \t]+\d+)?|logout|quit)[ \t]*;?[ \t]*(?:#[^\n]*)?\s*\Z")
JUPYTER_RUN = re.compile(r"(?:^|[/\s\0])(?:jupyter-run|jupyter_client\.runapp)(?:[\s\0]|$)")


def leaves(code: str) -> bool:
    """Whether it is what ends a shell, typed alone."""
    return bool(LEAVES.match(code))


class Clients:
    """parent: the process that has started the kernel."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._consoles: set[str] = set()

    def meet(self, request: dict[str, Any]) -> None:
        """A request that those who show a prompt send, for their history and at each Enter."""
        self._consoles.add(str(request["header"].get("session")))

    def prompts(self, request: dict[str, Any]) -> bool:
        """Whether it comes from one of these: all of them can be asked to end (`ask_exit`, as IPython has it)."""
        return str(request.get("header", {}).get("session")) in self._consoles

    @cached_property
    def jupyter_run(self) -> bool:
        """Whether `jupyter run` has started the kernel. It says that it can ask the user, and fails when it is to:
        its client waits for what is no coroutine (jupyter_client 8.10, KernelClient._stdin_hook_default)."""
        return bool(JUPYTER_RUN.search(command_line(self._parent)))


def command_line(pid: int) -> str:
    """Empty where it cannot be known."""
    try:
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        command = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=2).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class ClientsKernel(BesideKernel):
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
