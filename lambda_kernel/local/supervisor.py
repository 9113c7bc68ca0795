"""Stands between the engine and an environment that has no pid namespace: nothing below it outlives it.

It is a subreaper, so a process that leaves its session or loses its parent stays below it. Its standard input is a
pipe from the engine: when that closes (the engine is done, or dead), it kills all and ends. It runs outside of the
environment's cgroup, so that it is never frozen.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import TypedDict

from .processes import descendants, send_signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Job(TypedDict):
    """What to run. It is sent as JSON on a descriptor, because command lines are public."""

    command: list[str]
    environment: dict[str, str]
    directory: str


def main() -> None:
    """Run the job given on descriptor argv[1] and end as it ends."""
    with open(int(sys.argv[1]), "rb") as source:
        job: Job = json.load(source)
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A fork of the engine's process may hold the pipe open after the engine's death.
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    # Both only wake the wait below: SIGTERM comes once for each thread that the engine's process dies of.
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    status = _wait(_start(job), woken)
    _kill_all()
    os._exit(status)


def _start(job: Job) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(job["directory"])
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            # Python ignores it, and what is ignored stays so: pasta takes that for an error.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execve(job["command"][0], job["command"], job["environment"])
        finally:
            # Whatever failed, this copy of the supervisor must not go on.
            os._exit(127)
    return pid


def _wait(child: int, woken: int) -> int:
    """Wait for the end of the child or of the engine, whichever comes first."""
    while True:
        readable, _, _ = select.select([0, woken], [], [])
        signals = os.read(woken, 4096) if woken in readable else b""
        if 0 in readable or signal.SIGTERM in signals:
            return 128 + signal.SIGKILL
        ended, _ = _reap()
        if child in ended:
            code = os.waitstatus_to_exitcode(ended[child])
            return code if code >= 0 else 128 - code


def _reap() -> tuple[dict[int, int], bool]:
    """Collect the exit statuses of ended children. Returns whether any child is left."""
    ended: dict[int, int] = {}
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = found[1]
    except ChildProcessError:
        return ended, False
    return ended, True


def _kill_all() -> None:
    """Stop all, so that none forks, then kill; again until nothing is left, stopped processes included.

    One look at /proc may miss a process whose parent just died. The kernel does not: who has no child has no
    descendant either.
    """
    while _reap()[1]:
        stopped: set[int] = set()
        while new := set(descendants(os.getpid())) - stopped:
            send_signal(new, signal.SIGSTOP)
            stopped |= new
        send_signal(stopped, signal.SIGKILL)
        time.sleep(0.001)
