"""A cgroup for each environment, if the host lets us make one.

One of version 2 freezes and kills all processes at once, and holds the limits whose controllers are delegated.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .processes import send_signal

# Moves the shell that runs it, and so what it becomes, into each that is named before `--`.
ENTER_AND_EXEC = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit; shift; done; shift; exec "$@"'
_PROOF_S = 1.0
# What an engine's own cgroup ends in. It is locked for as long as its engine lives: a number of a process may be
# another's by now, and a name tells nothing. The lock is seen from other mount and process namespaces, too.
SUFFIX = ".engine"
# Of version 2, those that hold limits.
CONTROLLERS = ("memory", "pids", "cpu")


def own_cgroup() -> Path | None:
    """Return the directory of this process's version 2 cgroup, also on hosts that mix versions 1 and 2."""
    mounts = re.findall(r"^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 ", _read("/proc/self/mountinfo"), re.MULTILINE)
    ours = re.findall(r"^0::(.*)$", _read("/proc/self/cgroup"), re.MULTILINE)
    if not mounts or not ours:
        return None
    root, mount_point = mounts[0]
    return _below(mount_point, root, ours[0])


def older_cgroup(controller: str) -> Path | None:
    """Return the directory of this process's version 1 cgroup that has a controller."""
    mounts = re.findall(r"^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup \S+ (\S+)$", _read("/proc/self/mountinfo"), re.MULTILINE)
    ours = re.findall(r"^\d+:([^:]+):(.*)$", _read("/proc/self/cgroup"), re.MULTILINE)
    for root, mount_point, options in mounts:
        for controllers, path in ours:
            if controller in options.split(",") and controller in controllers.split(","):
                return _below(mount_point, root, path)
    return None


def _below(mount_point: str, root: str, path: str) -> Path:
    return Path(mount_point, os.path.relpath(path, root) if path.startswith(root) else path.lstrip("/"))


class Cgroup:
    """One directory below our own cgroup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.procs = path / "cgroup.procs"
        self._lock: int | None = None

    def make(self) -> None:
        self.path.mkdir()

    def make_and_hold(self) -> None:
        """Make it and lock it. Try again if somebody removed it before it was locked."""
        while self._lock is None:
            with contextlib.suppress(FileExistsError):
                self.make()
            self.hold(wait=True)

    def hold(self, wait: bool = False) -> bool:
        """Lock it for this process. False: another process holds the lock, or it is gone."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                self._lock, descriptor = descriptor, -1
        except OSError:
            return False
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return self._lock is not None

    def let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def pids(self) -> list[int]:
        return [int(pid) for pid in _read(self.procs).split()]

    def passes_on(self, controller: str) -> bool:
        """Return whether a cgroup below this one has a controller."""
        return controller in _read(self.path / "cgroup.subtree_control").split()

    def pass_on(self, *controllers: str) -> None:
        """Delegate our controllers to the cgroups below. The write fails if we have none."""
        for controller in controllers:
            self.write("cgroup.subtree_control", f"+{controller}")

    def limit(self, memory: int, processes: int) -> None:
        """Let Linux enforce the limits, if the controllers are delegated."""
        for name, value in (
            ("memory.max", memory),
            ("memory.swap.max", 0),
            ("memory.oom.group", 1),
            ("pids.max", processes),
        ):
            if (self.path / name).exists():
                self.write(name, str(value))

    def out_of_memory(self) -> bool:
        """Return whether Linux killed a process here because of its memory."""
        events = _read(self.path / "memory.events") or _read(self.path / "memory.oom_control")
        return bool(re.search(r"^oom_kill [1-9]", events, re.MULTILINE))

    def kill(self) -> None:
        """Kill every process, frozen or not."""
        if not self.write("cgroup.kill", "1"):
            send_signal(self.pids(), signal.SIGKILL)
        self.write("cgroup.freeze", "0")

    def remove(self, patience_s: float = 1.0) -> None:
        """Remove the directory once its last process has been reaped."""
        deadline = time.monotonic() + patience_s
        while not self._remove() and time.monotonic() < deadline:
            self.kill()
            time.sleep(0.005)

    def remove_with_children(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for child in self.path.iterdir():
                if child.is_dir():
                    Cgroup(child).remove()
        self.remove()
        self.let_go()

    def admits(self) -> bool:
        """Return whether a process can be moved here."""
        return self._tries(lambda process: True)

    def freezes(self) -> bool:
        """Return whether a process can be moved here and frozen."""
        return self._tries(
            lambda process: (
                self.write("cgroup.freeze", "1")
                and _comes(lambda: "frozen 1" in _read(self.path / "cgroup.events"), process)
            )
        )

    def _tries(self, condition: Callable[[subprocess.Popen[bytes]], bool]) -> bool:
        """Try it with a shell that waits for a line."""
        command = ["/bin/sh", "-c", 'echo 0 > "$0" && read line', str(self.procs)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}) as process:
            try:
                return _comes(lambda: process.pid in self.pids(), process) and condition(process)
            finally:
                self.write("cgroup.freeze", "0")
                process.kill()

    def _remove(self) -> bool:
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def write(self, name: str, value: str) -> bool:
        try:
            (self.path / name).write_text(value)
        except OSError:
            return False
        return True


def working_parent(ours: Path | None, name: str, works: Callable[[Cgroup], bool]) -> Cgroup | None:
    """Make a cgroup for the cgroups of environments. None: it does not work here."""
    if ours is None:
        return None
    remove_left_over(ours)
    parent, trial = Cgroup(ours / name), Cgroup(ours / name / "trial")
    try:
        parent.make_and_hold()
        trial.make()
    except OSError:
        parent.remove_with_children()
        return None
    parent.pass_on(*CONTROLLERS)
    worked = works(trial)
    trial.remove()
    if not worked:
        parent.remove_with_children()
    return parent if worked else None


def remove_left_over(directory: Path) -> None:
    """Kill and remove what engines that were killed left in this cgroup."""
    for path in directory.glob(f"*{SUFFIX}"):
        cgroup = Cgroup(path)
        with contextlib.suppress(OSError):
            if path.stat().st_uid == os.geteuid() and cgroup.procs.exists() and cgroup.hold():
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
