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
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import bwrap
from .cgroups import ENTER_AND_EXEC, Cgroup
from .freezer import CgroupFreezer, Freezer, SignalFreezer
from .processes import Members, descendants, kill_holders, numbered
from .runtime_files import RuntimeFiles
from .variables import Places

_EXIT_POLL_S = 0.02
_FIRST_PROCESS = re.compile(rb'"child-pid": (\d+)')


class Runtime(Protocol):
    """The running processes of one environment."""

    members: Members
    freezer: Freezer
    # Resolves to the runtime's exit status, 128 + N for signal N, once none of the processes is left.
    ended: asyncio.Future[int]

    def kill(self) -> None: ...

    def out_of_memory(self) -> bool: ...

    def remove(self) -> None: ...


@dataclass(frozen=True)
class Start:
    """What one start needs."""

    variables: Mapping[str, str]
    tmp: Path
    log: int
    cgroup: Cgroup | None


class Launcher(Protocol):
    """One way of isolating."""

    name: str
    places: Places

    def launch(self, start: Start) -> Runtime: ...


class BwrapLauncher:
    """Runs the runtime in a sandbox."""

    name = "bwrap"
    places = Places()

    def __init__(self, program: str, files: RuntimeFiles, code: Path, accounts: Path) -> None:
        self._program, self._files, self._code, self._accounts = Path(program), files, code.resolve(), accounts
        self._options = [*bwrap.namespace_options(), *bwrap.root_options(files)]

    def launch(self, start: Start) -> Runtime:
        own = bwrap.environment_options(self._files, self._code, start.tmp, self._accounts, start.variables)
        # By descriptor: the command line of a process is public, and these hold the function's variables.
        options = _in_memory("\0".join([*self._options, *own]).encode())
        info, info_end = os.pipe2(os.O_CLOEXEC)
        # By its name alone: `ps` inside shows this to whoever saves what it prints.
        command = [f"./{self._program.name}", "--args", str(options), "--info-fd", str(info_end), "--"]
        command += [bwrap.sandboxed_python(self._files), "/var/runtime/bootstrap.py", "sandboxed"]
        if start.cgroup is not None:
            command = ["/bin/sh", "-c", ENTER_AND_EXEC, str(start.cgroup.procs), *command]
        try:
            process = _spawn(command, start.log, (options, info_end), subprocess.DEVNULL, self._program.parent)
        except BaseException:
            os.close(info)
            raise
        finally:
            os.close(options)
            os.close(info_end)
        return _BwrapRuntime(process, info, start.cgroup)


class PlainLauncher:
    """Runs the runtime as the user that runs the engine, below a supervisor."""

    name = "none"

    def __init__(self, files: RuntimeFiles, code: Path, runtime_directory: Path) -> None:
        self._files = files
        self.places = Places(task=str(code.resolve()), runtime=str(runtime_directory))

    def launch(self, start: Start) -> Runtime:
        command = [str(self._files.python), f"{self.places.runtime}/bootstrap.py", "plain"]
        if start.cgroup is not None:
            command = ["/bin/sh", "-c", ENTER_AND_EXEC, str(start.cgroup.procs), *command]
        job = {"command": command, "environment": dict(start.variables), "directory": self.places.task}
        descriptor = _in_memory(json.dumps(job).encode())
        package = Path(__file__).parent
        # As a package of its own, so that nothing outside of this directory is loaded.
        code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); "
        code += f"from {package.name}.supervisor import main; main()"
        try:
            process = _spawn(
                [str(self._files.python), "-I", "-S", "-c", code, str(descriptor)],
                start.log,
                (descriptor,),
                subprocess.PIPE,
            )
        finally:
            os.close(descriptor)
        return _PlainRuntime(process, start.cgroup, start.variables["AWS_LAMBDA_RUNTIME_API"])


class _Processes:
    """What both ways have in common."""

    def __init__(self, process: subprocess.Popen[bytes], cgroup: Cgroup | None) -> None:
        self.process = process
        self.cgroup = cgroup
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        _watch_exit(process, self._exited)

    def out_of_memory(self) -> bool:
        return self.cgroup is not None and self.cgroup.out_of_memory()

    def remove(self) -> None:
        """Remove the cgroup; one that is still busy goes with the engine."""
        if self.cgroup is not None:
            self.cgroup.remove(patience_s=0)

    def _exited(self, status: int) -> None:
        if not self.ended.done():
            self.ended.set_result(status if status >= 0 else 128 - status)


class _BwrapRuntime(_Processes):
    def __init__(self, process: subprocess.Popen[bytes], info: int, cgroup: Cgroup | None) -> None:
        super().__init__(process, cgroup)
        self._first: int | None = None
        self._first_handle: int | None = None
        self._info = info
        self._told = b""
        asyncio.get_running_loop().add_reader(info, self._learn_first)
        self.members = Members(list)
        self.freezer: Freezer = (
            CgroupFreezer(cgroup.path) if cgroup else SignalFreezer(lambda: descendants(self._first or process.pid))
        )

    def kill(self) -> None:
        """Kill the namespace's first process: the kernel then kills the rest, and only then reports its end."""
        if self._first_handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first_handle, signal.SIGKILL)
        else:
            self.process.kill()

    def _learn_first(self) -> None:
        # It comes in pieces; bubblewrap dies when nobody reads it to its end.
        data = os.read(self._info, 4096)
        self._told += data
        if data:
            return
        asyncio.get_running_loop().remove_reader(self._info)
        os.close(self._info)
        found = _FIRST_PROCESS.search(self._told)
        if found is None or self.ended.done():
            return
        self._first = int(found[1])
        with contextlib.suppress(OSError):
            self._first_handle = os.pidfd_open(self._first)
        # The sandbox's own /proc lists the sandbox's processes only.
        proc = f"/proc/{self._first}/root/proc"
        self.members = Members(lambda: numbered(proc), proc)

    def _exited(self, status: int) -> None:
        """Wait for the first process too, which ends after all others: bubblewrap itself ends with the runtime."""
        if self._first_handle is None:
            super()._exited(status)
        else:
            asyncio.get_running_loop().add_reader(self._first_handle, self._all_gone, self._first_handle, status)

    def _all_gone(self, handle: int, status: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        self._first_handle = None
        super()._exited(status)


class _PlainRuntime(_Processes):
    def __init__(self, process: subprocess.Popen[bytes], cgroup: Cgroup | None, secret: str) -> None:
        super().__init__(process, cgroup)
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


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("lambda-kernel")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _watch_exit(process: subprocess.Popen[bytes], then: Callable[[int], None]) -> None:
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
        loop.call_later(_EXIT_POLL_S, _poll_exit, loop, process, then)
    else:
        then(status)
