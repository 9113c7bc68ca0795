"""A cgroup (version 2) for each environment, where the host lets us make one.

It freezes and kills all processes at once, and holds the memory limit where the memory controller is delegated.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

# Moves the shell that runs it, and so what it becomes, before anything else has been started.
ENTER_AND_EXEC = 'echo 0 > "$0" && exec "$@"'
_PROOF_S = 1.0


def own_cgroup() -> Path | None:
    """Return the directory of this process's version 2 cgroup, also on hosts that mix versions 1 and 2."""
    mounts = re.findall(r"^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 ", _read("/proc/self/mountinfo"), re.MULTILINE)
    ours = re.findall(r"^0::(.*)$", _read("/proc/self/cgroup"), re.MULTILINE)
    if not mounts or not ours:
        return None
    root, mount_point = mounts[0]
    relative = os.path.relpath(ours[0], root) if ours[0].startswith(root) else ours[0].lstrip("/")
    return Path(mount_point, relative)


class Cgroup:
    """One directory below our own cgroup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.procs = path / "cgroup.procs"

    def make(self) -> None:
        self.path.mkdir()

    def pids(self) -> list[int]:
        return [int(pid) for pid in _read(self.procs).split()]

    def holds_memory(self) -> bool:
        """Return whether a cgroup below this one can limit its memory."""
        return "memory" in _read(self.path / "cgroup.subtree_control").split()

    def pass_on_controllers(self) -> None:
        """Give the cgroups below what was given to us; the write fails where it was not."""
        for controller in ("+memory", "+pids"):
            self._write("cgroup.subtree_control", controller)

    def limit(self, memory: int, processes: int) -> None:
        """Let the kernel hold the limits, where the controllers are delegated."""
        for name, value in (
            ("memory.max", memory),
            ("memory.swap.max", 0),
            ("memory.oom.group", 1),
            ("pids.max", processes),
        ):
            if (self.path / name).exists():
                self._write(name, str(value))

    def out_of_memory(self) -> bool:
        """Return whether the kernel killed something here for its memory."""
        return bool(re.search(r"^oom_kill [1-9]", _read(self.path / "memory.events"), re.MULTILINE))

    def kill(self) -> None:
        """Kill every process, frozen or not."""
        if not self._write("cgroup.kill", "1"):
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, 9)

    def remove(self, patience_s: float = 1.0) -> None:
        """Remove the directory once its last process has been reaped."""
        deadline = time.monotonic() + patience_s
        while not self._remove() and time.monotonic() < deadline:
            self.kill()
            time.sleep(0.005)

    def remove_with_children(self) -> None:
        for child in self.path.iterdir():
            if child.is_dir():
                Cgroup(child).remove()
        self.remove()

    def freezes(self) -> bool:
        """Return whether a process can be moved here and frozen; tried with a shell that waits for a line."""
        command = ["/bin/sh", "-c", 'echo 0 > "$0" && read line', str(self.procs)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}) as process:
            try:
                return (
                    _comes(lambda: process.pid in self.pids(), process)
                    and self._write("cgroup.freeze", "1")
                    and _comes(lambda: "frozen 1" in _read(self.path / "cgroup.events"), process)
                )
            finally:
                self._write("cgroup.freeze", "0")
                process.kill()

    def _remove(self) -> bool:
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _write(self, name: str, value: str) -> bool:
        try:
            (self.path / name).write_text(value)
        except OSError:
            return False
        return True


def working_parent(name: str) -> Cgroup | None:
    """Make and return a cgroup that environments can be made below, or None where that does not work."""
    ours = own_cgroup()
    if ours is None:
        return None
    parent, trial = Cgroup(ours / name), Cgroup(ours / name / "trial")
    try:
        parent.make()
        trial.make()
    except OSError:
        parent.remove()
        return None
    parent.pass_on_controllers()
    works = trial.freezes()
    trial.remove()
    if not works:
        parent.remove()
    return parent if works else None


def remove_left_over(path: Path) -> None:
    """Kill and remove what an engine left that was itself killed."""
    cgroup = Cgroup(path)
    if cgroup.procs.exists():
        cgroup.remove_with_children()


def _comes(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _PROOF_S
    while time.monotonic() < deadline:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.001)
    return False


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
