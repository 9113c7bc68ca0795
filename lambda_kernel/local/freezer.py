"""Freezes an environment between invocations, as Lambda does.

"Lambda freezes the execution environment when the runtime and each extension have completed and there are no pending
events." https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .processes import send_signal, state_and_parent

# If the caller comes back at once, the runtime is still awake. People do not notice such a short time.
_DELAY_S = 0.005
# A process may fork while it is being stopped. The next pass finds it; so many passes are enough for any honest one.
_PASSES = 20


class Freezer(Protocol):
    """Stops all processes of an environment and lets them go on."""

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


class CgroupFreezer:
    """The freezer of Linux. The processes do not notice it."""

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
        send_signal(reversed(self._stopped), signal.SIGCONT)
        self._stopped.clear()

    def _stop_new(self) -> bool:
        known = set(self._stopped)
        running = [pid for pid in self._members() if pid not in known and _runs(pid)]
        send_signal(running, signal.SIGSTOP)
        self._stopped += running
        return bool(running)


class Freezing:
    """Decides when a runtime is frozen: a moment after its last work, never twice, and never once it is ending.

    What is frozen in the midst of being killed is not dead before it is thawed (seen with the cgroup freezer of Linux
    6.18, where a namespace's first process had been killed).
    """

    def __init__(self, freezer: Freezer, delay_s: float = _DELAY_S) -> None:
        self._freezer = freezer
        self._delay_s = delay_s
        self._timer: asyncio.TimerHandle | None = None
        self._frozen = self._ending = False

    def begin(self) -> None:
        """Freeze soon, unless that is already planned or done."""
        if not (self._ending or self._frozen or self._timer):
            self._timer = asyncio.get_running_loop().call_later(self._delay_s, self._freeze)

    def end(self) -> None:
        """Thaw, or prevent a freeze."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._frozen:
            self._freezer.thaw()
            self._frozen = False

    def end_for_good(self) -> None:
        self._ending = True
        self.end()

    def _freeze(self) -> None:
        self._timer = None
        self._freezer.freeze()
        self._frozen = True


def _runs(pid: int) -> bool:
    # T and t: the user or a tracer has stopped it, and it is not ours to continue. Z and X: dead.
    found = state_and_parent(pid)
    return found is not None and found[0] not in "TtZX"
