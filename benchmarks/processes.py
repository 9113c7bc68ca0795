"""What /proc says of a process: memory in MB of 10^6 bytes, threads, descriptors."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from lambda_kernel.local.processes import descendants


@dataclass(frozen=True)
class Holdings:
    """What a set of processes holds."""

    memory: float
    threads: int
    descriptors: int


def holdings(*pids: int) -> Holdings:
    memory = sum(_status(pid, "VmRSS") for pid in pids) * 1024 / 1e6
    return Holdings(memory, sum(_status(pid, "Threads") for pid in pids), sum(_descriptors(pid) for pid in pids))


def environment_of(pid: int) -> Holdings:
    """What a kernel's children hold: an execution environment, or a peer's bash."""
    return holdings(*descendants(pid))


def forget_peak(pid: int) -> None:
    """Begin to watch for the most memory from now on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> float:
    return _status(pid, "VmHWM") * 1024 / 1e6


def cpu_seconds(*pids: int) -> float:
    """What their threads have had of a CPU (https://docs.kernel.org/scheduler/sched-stats.html)."""
    texts = (_read(str(path)) for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(text.split()[0]) for text in texts if text) / 1e9


def process_cpu_seconds(pid: int) -> float:
    """The same of a whole process, with the threads that have ended (proc(5), stat)."""
    user, system = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def kill_all(pids: list[int]) -> None:
    """End what a kernel has left behind."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _status(pid: int, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) if found else 0


def _descriptors(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def _read(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text()
    return ""
