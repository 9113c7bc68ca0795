"""Freezing an environment between invocations, as Lambda does.

"Lambda freezes the execution environment when the runtime and each extension have completed and there are no pending
events." https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .processes import state_and_parent

# A process that forks while it is being stopped is met in the next pass; this many passes outrun any honest one.
_PASSES = 20


class Freezer(Protocol):
    """Stops all processes of an environment and lets them go on."""

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


class CgroupFreezer:
    """The kernel's own freezer: the processes see nothing of it."""

    def __init__(self, cgroup: Path) -> None:
        self._file = str(cgroup / "cgroup.freeze")

    def freeze(self) -> None:
        self._write(b"1")

    def thaw(self) -> None:
        self._write(b"0")

    def _write(self, value: bytes) -> None:
        # The cgroup is gone when the environment has just ended.
        with contextlib.suppress(OSError):
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, value)
            finally:
                os.close(descriptor)


class SignalFreezer:
    """SIGSTOP and SIGCONT, where no cgroup is ours.

    Parents stop first and go on last: the other way round, bash would see a stopped child and leave its job.
    """

    def __init__(self, members: Callable[[], list[int]]) -> None:
        self._members = members
        self._stopped: list[int] = []

    def freeze(self) -> None:
        for _ in range(_PASSES):
            if not self._stop_new():
                return

    def thaw(self) -> None:
        for pid in reversed(self._stopped):
            _send(pid, signal.SIGCONT)
        self._stopped.clear()

    def _stop_new(self) -> bool:
        known = set(self._stopped)
        running = [pid for pid in self._members() if pid not in known and _runs(pid)]
        for pid in running:
            _send(pid, signal.SIGSTOP)
        self._stopped += running
        return bool(running)


def _runs(pid: int) -> bool:
    # T and t: stopped by the user or by a tracer before us; going on is not ours to decide. Z, X: dead.
    found = state_and_parent(pid)
    return found is not None and found[0] not in "TtZX"


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
