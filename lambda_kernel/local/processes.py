"""What /proc says about processes: who descends from whom, and how much memory they hold."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MEMORY = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^Pss_(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)
# /proc/PID/task/TID/children needs CONFIG_PROC_CHILDREN; without it the whole table is read.
_HAS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


@dataclass(frozen=True)
class Members:
    """The processes of one environment, as numbered in the /proc at `proc`."""

    list_pids: Callable[[], list[int]]
    proc: str = "/proc"

    def memory(self, pids: Iterable[int]) -> int:
        """Return the bytes of anonymous and shared memory, pages shared by a fork counted in each process."""
        return _sum_kilobytes(self.proc, pids, "status", _MEMORY)

    def proportional_memory(self, pids: Iterable[int], patience_s: float) -> int:
        """Return the bytes with shared pages counted once: exact and slow, so no longer than is given for it."""
        deadline = time.monotonic() + patience_s
        in_time = itertools.takewhile(lambda _: time.monotonic() < deadline, pids)
        return _sum_kilobytes(self.proc, in_time, "smaps_rollup", _PROPORTIONAL)


def read_file(path: str) -> bytes:
    """Return a small /proc file; empty when the process is gone or hides it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def numbered(proc: str = "/proc") -> list[int]:
    """Return every process number that a /proc shows."""
    try:
        return [int(name) for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return []


def state_and_parent(pid: int) -> tuple[str, int] | None:
    """Return the state letter and the parent's number."""
    # The name in parentheses may hold anything, parentheses and spaces included: read from the last one.
    fields = read_file(f"/proc/{pid}/stat").rpartition(b")")[2].split(None, 2)
    return (fields[0].decode(), int(fields[1])) if len(fields) == 3 else None


def descendants(root: int) -> list[int]:
    """Return all processes below `root`, parents before their children."""
    children_of = _children if _HAS_CHILDREN else _family()
    found: list[int] = []
    queue = [root]
    while queue:
        below = children_of(queue.pop(0))
        found += below
        queue += below
    return found


def kill_holders(variable: str, value: str) -> None:
    """Kill every process that was started with this variable; again until none is found."""
    entry = f"{variable}={value}".encode()
    while holders := [pid for pid in numbered() if entry in read_file(f"/proc/{pid}/environ").split(b"\0")]:
        for pid in holders:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for tid in threads for child in read_file(f"/proc/{pid}/task/{tid}/children").split()]


def _family() -> Callable[[int], list[int]]:
    by_parent: dict[int, list[int]] = {}
    for pid in numbered():
        found = state_and_parent(pid)
        if found:
            by_parent.setdefault(found[1], []).append(pid)
    return lambda pid: by_parent.get(pid, [])


def _sum_kilobytes(proc: str, pids: Iterable[int], name: str, pattern: re.Pattern[bytes]) -> int:
    return 1024 * sum(int(kb) for pid in pids for kb in pattern.findall(read_file(f"{proc}/{pid}/{name}")))
