"""Reads /proc: which processes descend from which, and their memory."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MEMORY = re.compile(rb"^RssAnon:\s+(\d+) kB\nRssFile:.*\nRssShmem:\s+(\d+) kB", re.MULTILINE)
_PROGRAM = re.compile(rb"^RssFile:\s+(\d+) kB", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^Pss_Anon:\s+(\d+) kB\nPss_File:.*\nPss_Shmem:\s+(\d+) kB", re.MULTILINE)
# /proc/PID/task/TID/children needs CONFIG_PROC_CHILDREN; without it the whole table is read.
_HAS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


@dataclass(frozen=True)
class Members:
    """The processes of one environment, as numbered in the /proc at `proc`."""

    list_pids: Callable[[], list[int]]
    proc: str = "/proc"

    def memory(self, pids: Iterable[int], filed: int) -> tuple[int, int]:
        """Return the bytes of anonymous and shared memory, and those of programs and libraries.

        Pages shared by a fork count in each process. Processes share libraries, so the one with the most counts alone.

        filed: so much of what is shared may be files, which a process has mapped, of a file system in memory.
        """
        texts = [read_file(f"{self.proc}/{pid}/status") for pid in pids]
        programs = (1024 * int(kilobytes) for text in texts for kilobytes in _PROGRAM.findall(text))
        return _sum_bytes(texts, _MEMORY, filed), max(programs, default=0)

    def proportional_memory(self, pids: Iterable[int], patience_s: float, filed: int) -> int:
        """Return the bytes with shared pages counted once. It is exact but slow, so it has a time limit."""
        deadline = time.monotonic() + patience_s
        in_time = itertools.takewhile(lambda _: time.monotonic() < deadline, pids)
        return _sum_bytes((read_file(f"{self.proc}/{pid}/smaps_rollup") for pid in in_time), _PROPORTIONAL, filed)


def read_file(path: str) -> bytes:
    """Return a small file of /proc. Empty if the process is gone or hides it."""
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


def numbered_inside(proc: str) -> list[int]:
    """Return the process numbers that a sandbox's /proc shows.

    Until the sandbox has a root of its own, the /proc there is this machine's: `self` leads to us in that one only.
    """
    try:
        os.readlink(f"{proc}/self")
    except OSError:
        return numbered(proc)
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
    """Kill every process that was started with this variable, again and again until there is none."""
    entry = f"{variable}={value}".encode()
    while holders := [pid for pid in numbered() if entry in read_file(f"/proc/{pid}/environ").split(b"\0")]:
        send_signal(holders, signal.SIGKILL)


def send_signal(pids: Iterable[int], number: signal.Signals) -> None:
    """Some may have ended by now, or have become another user's."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


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


def _sum_bytes(texts: Iterable[bytes], pattern: re.Pattern[bytes], filed: int) -> int:
    found = [pair for text in texts for pair in pattern.findall(text)]
    anonymous, shared = (1024 * sum(int(pair[at]) for pair in found) for at in (0, 1))
    return anonymous + max(0, shared - filed)
