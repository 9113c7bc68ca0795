"""Takes a SIGINT to bash and to its job in the foreground.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .diagnosis import WAIT_CALLS
    from .front import Front

SECONDS = 2.0  # how long bash, when it is interrupted, may still be starting the job that it waits for
# Flags in Linux's sched.h: PF_EXITING and PF_FORKNOEXEC.
EXITING, COPY = 0x4, 0x40


class Interrupts:
    """The last interrupt of one bash. until: it may still have to be forwarded to a job.

    group: the job that got it. unready: processes that got it too early.
    """

    def __init__(self, bash: int, front: Front) -> None:
        self.bash, self.front = bash, front
        self.until = 0.0
        self.group: int | None = None
        self.unready: set[int] = set()

    def begin(self) -> None:
        """A cell begins."""
        self.until = 0.0

    def send(self) -> None:
        os.killpg(self.bash, signal.SIGINT)
        self.until, self.group, self.unready = time.monotonic() + SECONDS, None, set()

    def forward(self, now: Mapping[int, index.Process]) -> None:
        """If bash waits, it has a job in the foreground: `wait` and the shell's own loops are over by now.

        What is ending does not take it. A copy of bash that is about to begin a program loses it to bash's handler, so
        that its program gets it again. If that has ended by then, the next job gets it.
        """
        if self.until < time.monotonic() or not self._waits():
            return
        live = [process for process in now.values() if not flags(process.pid) & EXITING]
        group = self.front.group(live)
        if group is None:
            return
        if group != self.group:
            self.group = group
            self.unready = {process.pid for process in live if process.group == group and is_unready(process)}
            self.front.signal(live, signal.SIGINT)
        for pid in [pid for pid in self.unready if not flags(pid) & COPY]:
            self.unready.remove(pid)
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(pid, signal.SIGINT)
        if not self.unready:
            self.until = 0.0

    def _waits(self) -> bool:
        call = index.peek(f"/proc/{self.bash}/syscall").split()[:1]
        return not call or call[0] in WAIT_CALLS


def is_unready(process: index.Process) -> bool:
    """Whether it is about to begin a program. Other copies of bash, which are subshells, wait or have worked before."""
    return process.state != "S" and bool(flags(process.pid) & COPY) and ticks(process.pid) <= 1


def flags(pid: int) -> int:
    """A process's flags. 0: it has ended."""
    return int(stat(pid)[6])


def ticks(pid: int) -> int:
    """The CPU time of a process, in hundredths of a second."""
    return sum(map(int, stat(pid)[11:13]))


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5)). Zeros if it has ended."""
    return index.peek(f"/proc/{pid}/stat").rpartition(")")[2].split() or ["0"] * 13
