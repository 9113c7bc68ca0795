"""Finds bash's job in the foreground, and the programs that may ask the user for input.

Without a terminal nothing outside of bash can see which job is in the foreground. The kernel sends this file along with
its hello, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .diagnosis import reads_from
    from .process import ARGUMENTS
    from .shell import Shell

# Programs that draw on a terminal and read single keys from it. A line of input is of no use to them.
FULL_SCREEN = re.compile(r"vim?(\.\w+)?|nvim|nano|pico|emacs|less|h?top|mc")


class Front:
    """The foreground of one bash."""

    def __init__(self, bash: int) -> None:
        self.bash = bash
        self.named: int | None = None  # the process group that `fg` has brought to the foreground

    def group(self, now: Iterable[index.Process]) -> int | None:
        """The process group in the foreground: the one that `fg` named, or the job that bash started last."""
        jobs = [p for p in now if p.parent == self.bash and p.state != "T" and p.group != self.bash]
        if any(p.group == self.named for p in jobs):
            return self.named
        return max(jobs, key=lambda p: (p.started, p.pid)).group if jobs else None

    def signal(self, now: Iterable[index.Process], number: int) -> None:
        """Send a signal to the job in the foreground, if there is one."""
        group = self.group(now)
        if group is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.killpg(group, number)

    def look_for_readers(self, shell: Shell, now: Mapping[int, index.Process]) -> None:
        """Find processes that wait for the cell's input. Ask the user, or tell them that there is no terminal."""
        pipe = index.link(f"/proc/self/fd/{shell.cell.input.read}")
        readers = [p for p in now.values() if reads_from(p.pid, pipe)]
        if readers:
            shell.read_control()  # it may hold the prompt
        for process in readers:
            if process.pid == self.bash and self._has_lost_input(shell):
                shell.kill("descriptors")
                return
            if not self.may_ask(process, now):
                continue
            if refusal := self.refusal(index.peek(f"/proc/{process.pid}/comm").strip()):
                shell.cell.flush()  # so that the message is not shown within a word
                shell.cell.log.put(index.ERR, refusal.encode())
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)
            else:
                shell.cell.wanted()

    def _has_lost_input(self, shell: Shell) -> bool:
        """Whether a user has closed all descriptors, even the one that bash reads its lines from. Another bash, which a
        cell may exec, never had that one."""
        words = index.peek(f"/proc/{self.bash}/cmdline").split("\0")[1:-1]
        opened = links(self.bash) if words == ARGUMENTS else set()
        return bool(opened) and shell.bash.input_link not in opened

    def may_ask(self, process: index.Process, now: Mapping[int, index.Process]) -> bool:
        """Whether a process may read from a terminal: bash itself may, and what is below the job in the foreground."""
        while process.parent != self.bash and process.parent in now and process.pid != self.bash:
            process = now[process.parent]
        ours = self.bash in (process.pid, process.group)
        return ours or (process.parent == self.bash and process.group == self.group(now.values()))

    @staticmethod
    def refusal(name: str) -> str:
        """The message for a program that needs a terminal. Empty for other programs."""
        return f"bash: {name}: a cell is no terminal, which {name} needs\n" if FULL_SCREEN.fullmatch(name) else ""


def links(pid: int) -> set[str]:
    """What a process's descriptors are open on. Empty if that is not known."""
    with contextlib.suppress(OSError):
        return {index.link(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
    return set()
