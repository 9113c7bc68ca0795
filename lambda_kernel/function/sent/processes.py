"""What the environment's processes do, for a moment. Between invocations they are frozen.

The kernel sends this file along with a call, behind system.py, so it needs the standard library only.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .system import TICKS, Row, cleaned, cpus, fields, memory, process, size_mb, uptime, used_mb

SECTOR_BYTES = 512  # in /proc/diskstats, whatever size the device's own have (Linux, admin-guide/iostats)
COMMAND_CHARACTERS = 200
DISK = re.compile(r"(?:[svx]v?d[a-z]+|nvme\d+n\d+|mmcblk\d+)")  # disks, without their partitions
SHOWN = ("pid", "user", "state", "threads", "cpu_percent", "rss_kb", "command")
# What comes first, by the column's name.
ORDERS: dict[str, Callable[[dict[str, Any]], tuple[float, ...]]] = {
    "cpu": lambda row: (-row["cpu_percent"], -row["rss_kb"], row["pid"]),
    "memory": lambda row: (-row["rss_kb"], row["pid"]),
    "threads": lambda row: (-row["threads"], -row["cpu_percent"], row["pid"]),
    "pid": lambda row: (row["pid"],),
}


def disk(proc: str = "/proc") -> list[int] | None:
    """Bytes read and written by all disks so far."""
    lines = [line.split() for line in index.peek(f"{proc}/diskstats").splitlines()]
    whole = [words for words in lines if len(words) > 9 and DISK.fullmatch(words[2])]
    return [SECTOR_BYTES * sum(int(words[at]) for words in whole) for at in (5, 9)] if whole else None


def network(proc: str = "/proc") -> list[int] | None:
    """Bytes received and sent so far, except on the loopback interface."""
    others = [value.split() for name, value in fields(index.peek(f"{proc}/net/dev")).items() if name != "lo"]
    counted = [words for words in others if len(words) > 8 and words[0].isdecimal()]
    return [sum(int(words[at]) for words in counted) for at in (0, 8)] if counted else None


def cpu(proc: str = "/proc") -> list[int] | None:
    """Busy ticks and all ticks of all CPUs."""
    words = index.peek(f"{proc}/stat").partition("\n")[0].split()[1:9]  # user includes guest, which follows (proc(5))
    ticks = [int(word) for word in words]
    return [sum(ticks) - ticks[3] - ticks[4], sum(ticks)] if len(ticks) > 4 else None


def sample(proc: str = "/proc") -> dict[str, Any]:
    """All counters now."""
    pids = [int(name) for name in os.listdir(proc) if name.isdigit()]
    found = [row | {"ns": cpu_ns(row, proc)} for row in (process(pid, proc) for pid in pids) if row]
    return {
        "at": time.monotonic(),
        "processes": found,
        "cpu": cpu(proc),
        "disk": disk(proc),
        "network": network(proc),
    }


def cpu_ns(row: Row, proc: str) -> int | None:
    """CPU time of a process that has one thread: the file is a thread's (Linux, scheduler/sched-stats).

    A tick of 10 ms is 5 % of what is measured for 0.2 s.
    """
    first = index.peek(f"{proc}/{row['pid']}/schedstat").partition(" ")[0] if row["threads"] == 1 else ""
    return int(first) if first.isdecimal() else None


def rate(before: list[int] | None, after: list[int] | None, seconds: float) -> list[float] | None:
    """The increase of counters in a second. A counter that went back was reset."""
    if before is None or after is None:
        return None
    return [max(new - old, 0) / seconds for old, new in zip(before, after, strict=True)]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What happened between two samples. A process that keeps one CPU busy has 100 %."""
    seconds = max(after["at"] - before["at"], 1e-6)
    old = {(row["pid"], row["started"]): row for row in before["processes"]}
    for row in after["processes"]:
        row["cpu_percent"] = round(100 * used_s(old.get((row["pid"], row["started"])), row) / seconds, 1)
    ticks = rate(before["cpu"], after["cpu"], seconds)
    return {
        "seconds": seconds,
        "cpu_percent": round(100 * ticks[0] / ticks[1], 1) if ticks and ticks[1] else None,
        "disk": rate(before["disk"], after["disk"], seconds),
        "network": rate(before["network"], after["network"], seconds),
    }


def used_s(before: Row | None, after: Row) -> float:
    """CPU time between the samples; of a new process, all that it had."""
    if after["ns"] is not None and (before is None or before["ns"] is not None):
        return float(after["ns"] - (before["ns"] if before else 0)) / 1e9
    return float(after["ticks"] - (before["ticks"] if before else 0)) / TICKS


def runtimes(rows: Iterable[Row]) -> set[int]:
    """The processes that Lambda has started to serve the environment: this one, and those above it."""
    parents = {row["pid"]: row["parent"] for row in rows}
    pid, found = os.getpid(), set[int]()
    while pid in parents and pid not in found:
        found.add(pid)
        pid = parents[pid]
    return found


def top(shell: Any, seconds: float, rows: int, order: str = "cpu", proc: str = "/proc") -> dict[str, Any]:
    """What the environment's processes did for so many seconds."""
    before = sample(proc)
    time.sleep(seconds)
    after = sample(proc)
    facts = changes(before, after)
    running = sorted(after["processes"], key=ORDERS[order])
    own = runtimes(running)
    shown = [{name: row[name] for name in SHOWN} | {"runtime": row["pid"] in own} for row in running[:rows]]
    about = {
        "processes": [row | {"command": cut(row["command"])} for row in cleaned(shown, shell.secrets)],
        "count": len(running),
        "threads": sum(row["threads"] for row in running),
        "cpus": cpus(),
        "load": index.peek(f"{proc}/loadavg").split()[:3],
        "uptime_s": uptime(proc),
        "memory_size_mb": size_mb(shell.environ),
        "memory_used_mb": used_mb(),
    }
    return facts | about | memory(proc)


def cut(command: str) -> str:
    return command if len(command) <= COMMAND_CHARACTERS else f"{command[: COMMAND_CHARACTERS - 1]}…"
