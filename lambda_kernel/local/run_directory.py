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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .cgroups import SUFFIX, remove_left_over

_PREFIX = "lambda-kernel-local-"
_LOCK = "lock"
_CGROUP = "cgroup"
# Between making a directory and locking it, an engine needs less than this.
_UNLOCKED_GRACE_S = 60


class RunDirectory:
    """A private directory, marked as in use as long as the process lives."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _remove_stale(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock: int | None = _make_lock(self.path)

    @property
    def cgroup_name(self) -> str:
        """Name a cgroup after the directory, and so after this engine."""
        return self.path.name + SUFFIX

    def note_cgroups(self, paths: Iterable[Path]) -> None:
        """Write the cgroups' paths down, so that an engine in another cgroup can find them."""
        (self.path / _CGROUP).write_text("\n".join(str(path.parent) for path in paths))

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
    lock = _try_lock(path / _LOCK)
    if lock is None:
        if not (path / _LOCK).exists() and time.time() - path.stat().st_mtime > _UNLOCKED_GRACE_S:
            _remove(path)
        return
    try:
        noted = path / _CGROUP
        if noted.exists():
            for directory in noted.read_text().splitlines():
                remove_left_over(Path(directory))
        _remove(path)
    finally:
        os.close(lock)


def _make_lock(directory: Path) -> int:
    """Lock a new file before it gets its name: with the name and without the lock, another engine would remove us."""
    unnamed = directory / f"{_LOCK}.new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.rename(directory / _LOCK)
    return descriptor


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None when another process does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove(path: Path) -> None:
    """Remove a tree, including directories without permissions."""

    def retry(function: Callable[..., Any], name: str, _: object) -> None:
        with contextlib.suppress(OSError):
            for closed in (Path(name).parent, Path(name)):
                # The tree's own directories only: what is above the tree is not ours to change.
                if closed.is_relative_to(path) and not closed.is_symlink():
                    closed.chmod(stat.S_IRWXU)
            function(name) if function in (os.unlink, os.rmdir) else shutil.rmtree(name, ignore_errors=True)

    shutil.rmtree(path, onerror=retry)
