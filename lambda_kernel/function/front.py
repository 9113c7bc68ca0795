"""Which of bash's jobs is in the foreground, and who may ask the user. The kernel sends this file along with its hello.

A process is index.py's Process. Without a terminal nothing outside of bash can see which job that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Programs that draw on a terminal and take single keys from it: a line of input is no use to them.
FULL_SCREEN = re.compile(r"vim?(\.\w+)?|nvim|nano|pico|emacs|less|h?top|mc")


class Front:
    """Of one bash."""

    def __init__(self, bash: int) -> None:
        self.bash = bash
        self.named: int | None = None  # the process group that `fg` has brought to the foreground

    def group(self, now: Iterable[Any]) -> int | None:
        """The process group in the foreground: what `fg` has named, or the job that bash started last."""
        jobs = [p for p in now if p.parent == self.bash and p.state != "T" and p.group != self.bash]
        if any(p.group == self.named for p in jobs):
            return self.named
        return max(jobs, key=lambda p: (p.started, p.pid)).group if jobs else None

    def may_ask(self, process: Any, now: Mapping[int, Any]) -> bool:
        """On a terminal nobody else may read: whether it is bash itself, or below the job in the foreground."""
        while process.parent != self.bash and process.parent in now and process.pid != self.bash:
            process = now[process.parent]
        ours = self.bash in (process.pid, process.group)
        return ours or (process.parent == self.bash and process.group == self.group(now.values()))

    @staticmethod
    def refusal(name: str) -> str:
        """What a program is told that needs a terminal; nothing, for others."""
        return f"bash: {name}: a cell is no terminal, which {name} needs\n" if FULL_SCREEN.fullmatch(name) else ""
