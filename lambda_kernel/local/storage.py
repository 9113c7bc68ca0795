"""The /tmp of an environment: a file system of the function's size, which outlives the runtime.

An ordinary user may mount a file system in a mount namespace of their own only, and it goes with the last process
there (mount_namespaces(7)). So a process that only waits holds one for the engine, and bubblewrap is started inside of
it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .exits import watch_exit
from .quotas import MIB

# Says which process it is, and goes when the engine closes its input or is gone.
_WAIT = "echo $$ && read line"
# Nothing of the caller's directory is left in another mount namespace (setns(2)).
_GO_AND_EXEC = 'cd "$0" && unset PWD OLDPWD && exec "$@"'
_MOUNT_AND_GO = '"$1" -t tmpfs -o "$2" tmpfs "$3" && shift 3 && ' + _GO_AND_EXEC


class Storage(Protocol):
    """One environment's /tmp."""

    path: Path
    # The bytes of memory that it may take.
    most: int

    def command(self, command: list[str], directory: Path) -> list[str]:
        """Return the command that runs this one in a directory, where `path` is the storage."""

    def used(self) -> int:
        """Return the bytes of memory that are in it."""

    async def close(self) -> None: ...


class Directory:
    """A directory of the host, as large as its disk."""

    most = 0

    def __init__(self, path: Path) -> None:
        self.path = path

    def command(self, command: list[str], directory: Path) -> list[str]:
        return command

    def used(self) -> int:
        return 0

    async def close(self) -> None:
        return


@dataclass(frozen=True)
class Tools:
    """The programs that this takes: their paths."""

    bwrap: str
    nsenter: str
    mount: str
    umount: str


class Holder:
    """The process whose mount namespace has the file systems; mounts: what else bubblewrap is to mount there.

    own_users: sandboxes get users that only this machine's root can give them, so the holder has no users of its own:
    who is who may be said from the user namespace above only (user_namespaces(7)).
    """

    def __init__(self, tools: Tools, mounts: Sequence[str], *, own_users: bool) -> None:
        self.tools, self.own_users = tools, own_users
        # As root there, who may mount, and is the same user outside.
        users = [] if own_users else ["--unshare-user", "--uid", "0", "--gid", "0"]
        options = [*users, "--die-with-parent", "--dev-bind", "/", "/", *mounts]
        self._process = subprocess.Popen(
            [tools.bwrap, *options, "--", "/bin/sh", "-c", _WAIT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self.pid = output.readline().decode().strip()

    def entered(self, command: list[str]) -> list[str]:
        space = f"/proc/{self.pid}/ns"
        users = [] if self.own_users else ["--preserve-credentials", f"--user={space}/user"]
        return [self.tools.nsenter, *users, f"--mount={space}/mnt", "--", *command]

    @property
    def closed(self) -> bool:
        return self._process.returncode is not None

    def close(self) -> None:
        """What is mounted stays for those who have it, and goes with them."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class FileSystem:
    """A file system in memory, mounted at `path` where the holder is."""

    def __init__(self, holder: Holder, size_mb: int, path: Path) -> None:
        self.path, self.most = path, size_mb * MIB
        self._holder = holder
        self._options = f"size={size_mb}m,mode=1777,nosuid,nodev"
        self._mounted = False

    def command(self, command: list[str], directory: Path) -> list[str]:
        go = ["/bin/sh", "-c", _GO_AND_EXEC, str(directory), *command]
        if not self._mounted:
            self._mounted = True
            mount = [self._holder.tools.mount, self._options, str(self.path)]
            go = ["/bin/sh", "-c", _MOUNT_AND_GO, str(directory), *mount, *command]
        return self._holder.entered(go)

    def used(self) -> int:
        try:
            space = os.statvfs(f"/proc/{self._holder.pid}/root{self.path}")
        except OSError:
            return 0
        # Before it is mounted, that is the directory's.
        return 0 if space.f_blocks * space.f_frsize != self.most else (space.f_blocks - space.f_bfree) * space.f_frsize

    async def close(self) -> None:
        """Give its memory back."""
        if self._holder.closed:
            return
        ended = asyncio.get_running_loop().create_future()
        command = self._holder.entered([self._holder.tools.umount, str(self.path)])
        watch_exit(_quietly(command), ended.set_result)
        await ended


@dataclass(frozen=True)
class FoundStorage:
    """How environments get a /tmp, and what is to be said about that.

    layered: whether overlays can be mounted, too.
    """

    make: Callable[[Path], Storage] = Directory
    close: Callable[[], None] = lambda: None
    in_memory: bool = False
    layered: bool = False
    notice: str | None = None


def find_storage(
    bwrap: str,
    which: Callable[[str], str | None],
    size_mb: int,
    works: Callable[[Holder, bool], bool],
    mounts: Sequence[str] = (),
    *,
    own_users: bool = False,
) -> FoundStorage:
    """Find out what works here; works: whether a sandbox does where a holder is, with overlays or without."""
    nsenter, mount, umount = map(which, ("nsenter", "mount", "umount"))
    if size_mb > _machine_mb() // 2:
        why = "this would take more than half of this machine's memory: choose a smaller --storage"
    elif nsenter is None or mount is None or umount is None:
        why = "that needs nsenter and mount: install util-linux"
    else:
        with suppress(OSError):
            holder = Holder(Tools(bwrap, nsenter, mount, umount), mounts, own_users=own_users)
            for layered in (True, False) if holder.pid else ():
                if works(holder, layered):
                    return FoundStorage(lambda path: FileSystem(holder, size_mb, path), holder.close, True, layered)
            holder.close()
        why = "that needs user namespaces inside of user namespaces: allow them (sysctl user.max_user_namespaces)"
    return FoundStorage(notice=f"/tmp is as large as this machine's disk instead of {size_mb} MB, because {why}")


def _machine_mb() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB


def start_of_trial(holder: Holder, unused: Path) -> list[str]:
    """Return the command up to bubblewrap that tries a sandbox with a file system, which is mounted for that."""
    bwrap = Path(holder.tools.bwrap)
    return FileSystem(holder, 1, unused).command([f"./{bwrap.name}"], bwrap.parent)


def _quietly(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}
    )
