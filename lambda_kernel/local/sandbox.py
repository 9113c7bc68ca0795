"""Starts an environment's processes, learns when they have ended, and ends them.

Two ways: bubblewrap, with a process namespace that dies as a whole; and a plain supervisor where bubblewrap does not
work. Either is started from the engine's own thread, since bubblewrap's --die-with-parent fires when the thread that
started it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import bwrap
from .exits import watch_exit
from .freezer import CgroupFreezer, Freezer, SignalFreezer
from .groups import Groups
from .inner_socket import InnerSocket, ListenInside, nobody_listens
from .network import POLL_S, READY_S, Nat, Reach, first_process, has_loopback, leads_out
from .processes import Members, descendants, kill_holders, numbered_inside
from .runtime_files import WITHOUT_SITE, RuntimeFiles
from .storage import FoundStorage, Storage
from .supervisor import Job
from .users import Users
from .variables import Places


class Runtime(Protocol):
    """The running processes of one environment."""

    members: Members
    freezer: Freezer
    groups: Groups
    # Resolves to the runtime's exit status, 128 + N for signal N, once none of the processes is left.
    ended: asyncio.Future[int]

    def let_go(self) -> None:
        """Start the runtime in a sandbox that was held."""

    def kill(self) -> None: ...

    def remove(self) -> None: ...


@dataclass(frozen=True)
class Start:
    """What one start needs."""

    variables: Mapping[str, str]
    storage: Storage
    log: int
    groups: Groups


class Launcher(Protocol):
    """One way of isolating. holds: whether it can make a sandbox before the runtime is to start in it."""

    name: str
    places: Places
    listen_inside: ListenInside
    storage: FoundStorage
    holds: bool

    def launch(self, start: Start, hold: bool = False) -> Runtime: ...


class Root(Protocol):
    """What becomes the sandbox's root directory: this machine's files, or an image. with_root: see users.py."""

    places: Places
    with_root: bool

    def fixed_options(self) -> list[str]: ...

    def environment_options(self, tmp: Path, variables: Mapping[str, str]) -> list[str]: ...

    def command(self) -> list[str]: ...


class BwrapLauncher:
    """Runs the runtime in a sandbox. python: this machine's, for what runs beside the sandbox."""

    name = "bwrap"

    def __init__(self, program: str, root: Root, python: Path, reach: Reach, storage: FoundStorage) -> None:
        self._program, self._root, self._python = Path(program), root, python
        self.places, self.storage = root.places, storage
        self._own_network, self._nat, self._with_root = reach.own, reach.nat, root.with_root
        self._options = [*bwrap.namespace_options(self._own_network, self._with_root), *root.fixed_options()]
        self.listen_inside: ListenInside = nobody_listens
        self.holds = reach.nat is None  # which holds the sandbox until its network leads out

    def launch(self, start: Start, hold: bool = False) -> Runtime:
        own = self._root.environment_options(start.storage.path, start.variables)
        # By descriptor: the command line of a process is public, and these hold the function's variables.
        options = _in_memory("\0".join([*self._options, *own]).encode())
        info, info_end = os.pipe2(os.O_CLOEXEC)
        inner = InnerSocket() if self._own_network else None
        waits = hold or self._nat is not None
        # bubblewrap reads from it when the sandbox is made, and just before it starts what runs inside.
        block, go = os.pipe2(os.O_CLOEXEC) if waits else (-1, -1)
        users = Users() if self._with_root else None
        if users is not None:
            users.own(start.log)
        command = self._command(start, options, info_end, block, users=users, inner=inner)
        inherited = [
            options,
            info_end,
            *([block] if waits else []),
            *([users.hold] if users else []),
            *([inner.theirs.fileno()] if inner else []),
        ]
        try:
            process = _spawn(command, start.log, tuple(inherited), subprocess.DEVNULL, self._program.parent)
        except BaseException:
            for descriptor in {info, go} - {-1}:
                os.close(descriptor)
            if users is not None:
                users.close()
            raise
        finally:
            if users is not None:
                users.started()
            for descriptor in {options, info_end, block} - {-1}:
                os.close(descriptor)
        if inner is not None:
            inner.wait(self.listen_inside)
        way_out = WayOut(self._nat, str(self._python), go) if self._nat else None
        held = None if self._nat or not hold else go
        return _BwrapRuntime(process, info, start.groups, Outside(users, inner, way_out, held))

    def _command(
        self, start: Start, options: int, info: int, block: int, *, users: Users | None, inner: InnerSocket | None
    ) -> list[str]:
        """Return the command that makes the sandbox. It inherits the descriptors; block: -1 if it does not wait."""
        # By its name alone: `ps` inside shows this to whoever saves what it prints.
        command = [f"./{self._program.name}", "--args", str(options), "--info-fd", str(info)]
        command += ["--block-fd", str(block)] if block >= 0 else []
        command += users.options if users else []
        command += ["--", *self._root.command()]
        command += [str(inner.theirs.fileno())] if inner else []
        command = start.storage.command(command, self._program.parent)
        return start.groups.entered(command, bare=True)  # /proc/1/environ shows it


class WayOut:
    """The program that connects one environment's network with ours; the sandbox waits until it does."""

    def __init__(self, nat: Nat, python: str, go: int) -> None:
        self._nat, self._python, self._go = nat, python, go
        self._helper: subprocess.Popen[bytes] | None = None
        self._closed = False

    def open(self, pid: int, failed: Callable[[], None]) -> None:
        """Let the sandbox go on once its network leads out, or have it ended."""
        deadline = time.monotonic() + READY_S
        self._when(lambda: has_loopback(pid), lambda: self._start(pid, failed, deadline), failed, deadline)

    def _start(self, pid: int, failed: Callable[[], None], deadline: float) -> None:
        job: Job = {"command": self._nat.command(pid), "environment": {}, "directory": "/"}
        quiet = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._helper = _spawn_supervised(self._python, job, quiet)
        finally:
            os.close(quiet)
        self._when(lambda: leads_out(pid), lambda: os.write(self._go, b"1"), failed, deadline)

    def close(self, then: Callable[[], None]) -> None:
        """Close it, and go on once the program has ended."""
        self._closed = True
        os.close(self._go)
        helper, self._helper = self._helper, None
        if helper is None or helper.stdin is None:
            then()
        else:
            helper.stdin.close()
            watch_exit(helper, lambda _: then())

    def _when(
        self, condition: Callable[[], bool], then: Callable[[], object], failed: Callable[[], None], deadline: float
    ) -> None:
        if self._closed:
            return
        if condition():
            then()
        elif time.monotonic() > deadline or (self._helper is not None and self._helper.poll() is not None):
            failed()
        else:
            asyncio.get_running_loop().call_later(POLL_S, self._when, condition, then, failed, deadline)


@dataclass(frozen=True)
class Outside:
    """What one sandbox has on this side, where it needs it."""

    users: Users | None
    inner: InnerSocket | None
    way_out: WayOut | None
    held: int | None  # write a byte to it, and the runtime starts


class PlainLauncher:
    """Runs the runtime as the user that runs the engine, below a supervisor."""

    name = "none"
    storage = FoundStorage()
    holds = False

    def __init__(self, files: RuntimeFiles, code: Path, runtime_directory: Path) -> None:
        self._files = files
        self.places = Places(task=str(code.resolve()), runtime=str(runtime_directory))
        self.listen_inside: ListenInside = nobody_listens

    def launch(self, start: Start, hold: bool = False) -> Runtime:
        command = [str(self._files.python), WITHOUT_SITE, f"{self.places.runtime}/bootstrap.py", "plain"]
        command = start.groups.entered(command)
        job: Job = {"command": command, "environment": dict(start.variables), "directory": self.places.task}
        process = _spawn_supervised(str(self._files.python), job, start.log)
        return _PlainRuntime(process, start.groups, start.variables["AWS_LAMBDA_RUNTIME_API"])


class _Processes:
    """What both ways have in common."""

    def __init__(self, process: subprocess.Popen[bytes], groups: Groups) -> None:
        self.process = process
        self.groups, self.cgroup = groups, groups.unified
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        watch_exit(process, self._exited)

    def let_go(self) -> None:
        return

    def remove(self) -> None:
        self.groups.remove()

    def _exited(self, status: int) -> None:
        if not self.ended.done():
            self.ended.set_result(status if status >= 0 else 128 - status)


class _BwrapRuntime(_Processes):
    def __init__(
        self,
        process: subprocess.Popen[bytes],
        info: int,
        groups: Groups,
        outside: Outside,
    ) -> None:
        super().__init__(process, groups)
        self._users, self._inner, self._way_out = outside.users, outside.inner, outside.way_out
        self._held = outside.held
        self._first: int | None = None
        self._first_handle: int | None = None
        self._info = info
        self._told = b""
        asyncio.get_running_loop().add_reader(info, self._learn_first)
        self.members = Members(list)
        self.freezer: Freezer = (
            CgroupFreezer(self.cgroup.path)
            if self.cgroup
            else SignalFreezer(lambda: descendants(self._first or process.pid))
        )

    def let_go(self) -> None:
        if self._held is not None:
            with contextlib.suppress(BrokenPipeError):  # it has just ended, which its end will tell
                os.write(self._held, b"1")
            self._close_held()

    def _close_held(self) -> None:
        """Only after it has ended or been let go: the end of the file would let it go as well."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def kill(self) -> None:
        """Kill the namespace's first process: the kernel then kills the rest, and only then reports its end."""
        if self._first_handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first_handle, signal.SIGKILL)
        else:
            self.process.kill()

    def remove(self) -> None:
        super().remove()
        if self._inner is not None:
            self._inner.close()

    def _learn_first(self) -> None:
        # It comes in pieces; bubblewrap dies when nobody reads it to its end.
        data = os.read(self._info, 4096)
        self._told += data
        if data:
            return
        asyncio.get_running_loop().remove_reader(self._info)
        os.close(self._info)
        self._first = first_process(self._told)
        if self._users is not None:
            self._users.let_in(self._first)
        if self._first is None or self.ended.done():
            return
        with contextlib.suppress(OSError):
            self._first_handle = os.pidfd_open(self._first)
        # The sandbox's own /proc lists the sandbox's processes only.
        proc = f"/proc/{self._first}/root/proc"
        self.members = Members(lambda: numbered_inside(proc), proc)
        if self._way_out is not None:
            self._way_out.open(self._first, self.kill)

    def _exited(self, status: int) -> None:
        """Wait for the first process too, which ends after all others: bubblewrap itself ends with the runtime."""
        if self._first_handle is None:
            self._finish(status)
        else:
            asyncio.get_running_loop().add_reader(self._first_handle, self._all_gone, self._first_handle, status)

    def _all_gone(self, handle: int, status: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        self._first_handle = None
        self._finish(status)

    def _finish(self, status: int) -> None:
        self._close_held()
        way_out, self._way_out = self._way_out, None
        if way_out is None:
            super()._exited(status)
        else:
            way_out.close(lambda: super(_BwrapRuntime, self)._exited(status))


class _PlainRuntime(_Processes):
    def __init__(self, process: subprocess.Popen[bytes], groups: Groups, secret: str) -> None:
        super().__init__(process, groups)
        cgroup = groups.unified
        self._secret = secret
        below = (lambda: descendants(process.pid)) if cgroup is None else cgroup.pids
        self.members = Members(below)
        self.freezer: Freezer = CgroupFreezer(cgroup.path) if cgroup else SignalFreezer(below)

    def kill(self) -> None:
        """Let the supervisor kill all that is below it; it goes on if the function stopped it."""
        if self.cgroup is not None:
            self.cgroup.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.send_signal(signal.SIGCONT)

    def _exited(self, status: int) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        if status < 0:
            # The function killed its supervisor: what is left still carries the address that only it was given.
            kill_holders("AWS_LAMBDA_RUNTIME_API", self._secret)
        super()._exited(status)


def _spawn(
    command: list[str], log: int, inherited: tuple[int, ...], stdin: int, directory: Path = Path("/")
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=stdin, stdout=log, stderr=log, pass_fds=inherited, env={}, cwd=directory, start_new_session=True
    )


def _spawn_supervised(python: str, job: Job, output: int) -> subprocess.Popen[bytes]:
    """Run it below a supervisor, which ends it when its standard input is closed, by us or by our death."""
    descriptor = _in_memory(json.dumps(job).encode())
    package = Path(__file__).parent
    # As a package of its own, so that nothing outside of this directory is loaded.
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); "
    code += f"from {package.name}.supervisor import main; main()"
    try:
        return _spawn([python, "-I", "-S", "-c", code, str(descriptor)], output, (descriptor,), subprocess.PIPE)
    finally:
        os.close(descriptor)


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("lambda-kernel")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
