"""Takes a SIGINT to bash and to its job in the foreground.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .diagnosis import WAIT_CALLS
    from .front import Front
    from .process import sessions, stat

SECONDS = 2.0  # how long bash, when it is interrupted, may still be starting the job that it waits for
# How long a signal waits for what is about to begin, the cell or a program, and for what is ending: a zombie may stay.
BEGIN_SECONDS, END_SECONDS = 1.0, 0.1
# Of stat's fields, 2 is the group, 6 are flags, 11 and 12 the CPU time in ticks of 10 ms. The flags are PF_EXITING and
# PF_FORKNOEXEC in Linux's sched.h.
EXITING, COPY = 0x4, 0x40


class Interrupts:
    """The last interrupt of one bash.

    A process group gets it at a moment when all its processes can take it. What is ending takes no signal. What is
    about to begin a program has a handler of bash, which loses it. A bash that waits for such a process would go on.
    Before the cell has begun, bash would leave out a line of the kernel's, and run the cell.

    begun: whether the cell has begun. pressed: when the user interrupted it. sent: bash's own group has the signal.
    until: it may still have to be forwarded to a job.
    """

    def __init__(
        self, bash: int, front: Front, begun: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.bash, self.front, self.begun, self.clock = bash, front, begun, clock
        self.pressed = self.until = 0.0
        self.sent = True

    @property
    def pending(self) -> bool:
        return self.until > 0

    def begin(self) -> None:
        """A cell begins."""
        self.until, self.sent = 0.0, True

    def send(self) -> None:
        self.pressed = self.clock()
        self.until, self.sent = self.pressed + SECONDS, False
        self._send()

    def forward(self, now: Mapping[int, index.Process]) -> None:
        """If bash waits, it has a job in the foreground: `wait` and the shell's own loops are over by now."""
        if not self.sent:
            self._send()
        elif self.clock() >= self.until:
            self.until = 0.0
        elif self._waits():
            group = self.front.group(now.values())
            if group is not None and self._can_take(group):
                self.front.signal(now.values(), signal.SIGINT)
                self.until = 0.0

    def _send(self) -> None:
        if self._can_take(self.bash):
            os.killpg(self.bash, signal.SIGINT)
            self.sent = True

    def _waits(self) -> bool:
        call = index.peek(f"/proc/{self.bash}/syscall").split()[:1]
        return not call or call[0] in WAIT_CALLS

    def _can_take(self, group: int) -> bool:
        waited = self.clock() - self.pressed
        ours = [pid for pid, session in sessions().items() if session == self.bash]
        members = [fields for fields in map(stat, ours) if fields and int(fields[2]) == group]
        begins = waited < BEGIN_SECONDS and (not self.begun() or any(map(is_beginning, members)))
        ends = waited < END_SECONDS and any(int(fields[6]) & EXITING for fields in members)
        return not begins and not ends


def is_beginning(fields: list[str]) -> bool:
    """Whether a process is about to begin a program. Other copies of bash, which are subshells, wait or have worked."""
    is_copy = int(fields[6]) & (COPY | EXITING) == COPY
    return is_copy and fields[0] != "S" and sum(map(int, fields[11:13])) <= 1
