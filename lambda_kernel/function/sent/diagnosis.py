"""Finds out what processes do while they are silent: who waits for input, and whether bash still runs its lines.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .shell import Shell

# System calls in /proc/PID/syscall, by Linux's tables for Lambda's two architectures: read; pselect6, with which bash
# 5.2 waits for a line on descriptor 0 alone; wait4 and waitid.
ARM = os.uname().machine == "aarch64"
READ_CALL, SELECT_CALL = ("63", "72") if ARM else ("0", "270")
WAIT_CALLS = ("260", "95") if ARM else ("61", "247")


def reads_from(pid: int, pipe: str) -> bool:
    """Whether a process waits for input from this pipe, on any descriptor: /dev/stdin opens another one than 0."""
    call, first, *_ = [*index.peek(f"/proc/{pid}/syscall").split(), "", ""]
    if call != READ_CALL and (call, first) != (SELECT_CALL, "0x1"):
        return False
    return index.link(f"/proc/{pid}/fd/{int(first, 16) if call == READ_CALL else 0}") == pipe


class Diagnosis:
    """The diagnosis of one shell. asked_again: bash was asked twice whether the cell is over."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.bash, self.front = shell, shell.bash, shell.front
        self.asked_again = False

    def begin(self) -> None:
        """A cell begins."""
        self.asked_again = False

    def look(self) -> None:
        """Look at the processes, since nothing came for a while."""
        shell, bash = self.shell, self.bash
        shell.read_own()  # a trace may fill this pipe
        now = {process.pid: process for process in bash.processes()}
        if bash.pid not in now:  # it has ended, or too many files are open to know
            return
        waits = not bash.unwritten and self._waits_for_line(now) and not index.waiting(bash.commands)
        if shell.cell.done:
            if waits and not shell.control.waiting():  # an interrupt has hit the dump, so it will not come
                shell.state_pipe.give_up()
            return
        if now[bash.pid].state == "T":
            os.kill(bash.pid, signal.SIGCONT)
        if shell.blind and shell.begun:  # bash has opened the FIFO by now, which needs a writer
            shell.cell.input.close_write()
        self.front.look_for_readers(shell, now)
        shell.cell.feed()
        shell.interrupts.forward(now)
        if waits:
            self._ask_again()

    def _waits_for_line(self, now: Mapping[int, index.Process]) -> bool:
        if self.shell.blind:  # bash sleeps, and has no child
            return now[self.bash.pid].state == "S" and all(p.parent != self.bash.pid for p in now.values())
        return reads_from(self.bash.pid, self.bash.input_link)

    def _ask_again(self) -> None:
        """bash waits for a line, but has not reported that this cell is over.

        A SIGINT may have hit the line that reports it, so ask again. If there is no answer to that either, a trap or a
        function of the user keeps bash from running the kernel's lines.
        """
        if self.shell.control.waiting():
            return
        self.shell.read_own()
        if self.asked_again:
            self.shell.kill("unresponsive")
        else:
            self.asked_again = True
            self.bash.write(self.shell.talk.report_over(self.shell.cell.seq))
