"""Learns of a process's end in the running loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable

_POLL_S = 0.02


def watch_exit(process: subprocess.Popen[bytes], then: Callable[[int], None]) -> None:
    """Call `then` with the exit status, from the running loop."""
    loop = asyncio.get_running_loop()
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        _poll_exit(loop, process, then)
        return

    def exited() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        then(process.wait())

    loop.add_reader(handle, exited)


def _poll_exit(loop: asyncio.AbstractEventLoop, process: subprocess.Popen[bytes], then: Callable[[int], None]) -> None:
    """Do without process descriptors: kernels before 5.3 have none."""
    status = process.poll()
    if status is None:
        loop.call_later(_POLL_S, _poll_exit, loop, process, then)
    else:
        then(status)
