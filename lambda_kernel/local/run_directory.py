"""The engine's directory on the host: one below the temporary directory, removed with the engine.

An engine that was killed cannot remove its own. The lock that it held is free then, and the next engine that starts
removes what stands beside a free lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cgroups import remove_left_over

_PREFIX = "lambda-kernel-local-"
_LOCK = "lock"
_CGROUP = "cgroup"
# Between making a directory and locking it, an engine needs less than this.
_UNLOCKED_GRACE_S = 60


class RunDirectory:
    """A private directory that marks itself as in use for as long as the process lives."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _remove_stale(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = _try_lock(self.path / _LOCK, os.O_CREAT)

    @property
    def cgroup_name(self) -> str:
        """Name a cgroup after the directory, and so after this engine."""
        return self.path.name

    def note_cgroup(self, path: Path) -> None:
        """Write down which cgroup to remove with this directory."""
        (self.path / _CGROUP).write_text(str(path))

    def make_tmp(self, name: str) -> Path:
        """Make what an environment sees as its /tmp."""
        path = self.path / name / "tmp"
        path.mkdir(parents=True)
        path.chmod(0o1777)
        return path

    def remove_tmp(self, name: str) -> None:
        _remove(self.path / name)

    def close(self) -> None:
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _remove_stale(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_uid == os.geteuid():
                _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    lock = _try_lock(path / _LOCK, 0)
    if lock is None:
        if not (path / _LOCK).exists() and time.time() - path.stat().st_mtime > _UNLOCKED_GRACE_S:
            _remove(path)
        return
    try:
        noted = path / _CGROUP
        cgroup = Path(noted.read_text()) if noted.exists() else None
        if cgroup is not None and cgroup.name == path.name:
            remove_left_over(cgroup)
        _remove(path)
    finally:
        os.close(lock)


def _try_lock(path: Path, flags: int) -> int | None:
    """Return a descriptor that holds the lock, or None when another process does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove(path: Path) -> None:
    """Remove a tree, directories without permissions included: a function may leave any."""

    def retry(function: Callable[..., Any], name: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(name).parent.chmod(stat.S_IRWXU)
            if not Path(name).is_symlink():
                Path(name).chmod(stat.S_IRWXU)
            function(name) if function in (os.unlink, os.rmdir) else shutil.rmtree(name, ignore_errors=True)

    shutil.rmtree(path, onerror=retry)
