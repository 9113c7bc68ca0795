"""Applies layers to a directory: https://github.com/opencontainers/image-spec/blob/main/layer.md.

A layer is not trusted. Every path is walked from a descriptor of the root, one name at a time, and no link is ever
followed by the system: a link in a path is read as text and resolved inside the root, as it will be there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from ..untrusted import visible
from .errors import ImageError, damaged
from .layers import LayerReader, open_tar

_WHITEOUT, _AUFS, _OPAQUE = b".wh.", b".wh..wh.", b".wh..wh..opq"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST, _MOST_LINKS, _LONGEST = 200, 40, 4096
_BLOCK = 256 * 1024
_LATEST = 2**33  # times are seconds, and some file systems hold no more


@dataclass
class Bounds:
    """What an image may unpack to. 10 GB is the most that Lambda takes (its quotas)."""

    bytes: int = 10 * 1024**3
    files: int = 1_000_000


class Tree:
    """A root directory that layers are applied to, lowest first."""

    def __init__(self, root: int, name: str, bounds: Bounds) -> None:
        """root: a descriptor, which stays the caller's."""
        self._root, self._name = root, name
        self._bytes, self._files = bounds.bytes, bounds.files
        # What the layer has made so far: its whiteouts hide what is below it only.
        self._own: set[bytes] = set()
        # The directory of the last member, which most often is the next one's too.
        self._last: tuple[tuple[bytes, ...], int, tuple[bytes, ...]] | None = None

    @property
    def bytes_left(self) -> int:
        return self._bytes

    def apply(self, reader: LayerReader) -> None:
        self._own = set()
        try:
            with open_tar(reader) as tar:
                while (member := tar.next()) is not None:
                    self._add(tar, member)
                    cast(Any, tar).members.clear()  # it would keep them all
        except tarfile.TarError as error:
            raise damaged(self._name) from error
        finally:
            self._forget()

    def ensure(self, path: str, directory: bool) -> None:
        """Make a directory or an empty file unless there is one. In the place of a link, too."""
        *parents, last = [os.fsencode(part) for part in path.split("/") if part]
        with self._parent(parents) as (parent, _):
            there = _mode(parent, last)
            if there is None or not (stat.S_ISDIR(there) if directory else stat.S_ISREG(there)):
                _make_empty(parent, last, directory, there is not None)
        self._forget()

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._files -= 1
        self._bytes -= member.size
        if self._files < 0 or self._bytes < 0:
            raise ImageError(f"{self._name} unpacks to more than images may hold: name another one")
        parts = self._parts(member.name)
        if not parts:
            return
        *parents, last = parts
        if last.startswith(_WHITEOUT):
            self._hide(parents, last)
        elif member.isreg() or member.isdir() or member.issym() or member.islnk():
            with self._parent(parents) as (parent, real):
                self._own.update(b"/".join(real[:depth]) for depth in range(1, len(real) + 1))
                self._own.add(b"/".join((*real, last)))
                self._make(tar, member, parent, last)

    def _make(self, tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, last: bytes) -> None:
        there = _mode(parent, last)
        if there is not None and not (member.isdir() and stat.S_ISDIR(there)):
            self._clear(parent, last, there)
            there = None
        if member.isdir():
            if there is None:
                os.mkdir(last, 0o700, dir_fd=parent)
            descriptor = os.open(last, _DIRECTORY, dir_fd=parent)
            with _closing(descriptor):
                os.fchmod(descriptor, member.mode & 0o1777 | 0o700)
        elif member.issym():
            os.symlink(_bytes(member.linkname), last, dir_fd=parent)
            _set_time(member, last, parent)
        elif member.islnk():
            self._link(member, parent, last)
        else:
            self._write(tar, member, parent, last)

    def _write(self, tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, last: bytes) -> None:
        content = tar.extractfile(member)
        assert content is not None
        descriptor = os.open(last, _NEW, 0o600, dir_fd=parent)
        with _closing(descriptor):
            _copy(content, descriptor)
            # No setuid, nor anybody's but ours; and who may run it as another may run it as its owner.
            os.fchmod(descriptor, member.mode & 0o777 | (0o700 if member.mode & 0o111 else 0o600))
            os.utime(descriptor, (_time(member),) * 2)

    def _link(self, member: tarfile.TarInfo, parent: int, last: bytes) -> None:
        """Make a hard link. What it links to is inside, since it is walked to like everything."""
        *parents, name = self._parts(member.linkname) or [b""]
        try:
            source, _ = self._walk(parents, create=False)
            with _closing(source):
                os.link(name, last, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            raise damaged(self._name) from None
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EISDIR):  # a link to a directory
                raise damaged(self._name) from None
            raise

    def _hide(self, parents: list[bytes], whiteout: bytes) -> None:
        try:
            parent, real = self._walk(parents, create=False)
        except FileNotFoundError:
            return
        with _closing(parent):
            if whiteout == _OPAQUE:
                self._hide_below(parent, real)
            elif not whiteout.startswith(_AUFS):
                name = whiteout.removeprefix(_WHITEOUT)
                if name in (b"", b".", b".."):
                    raise damaged(self._name)
                self._hide_one(parent, real, name)

    def _hide_below(self, directory: int, real: tuple[bytes, ...]) -> None:
        for name in os.listdir(directory):
            self._hide_one(directory, real, os.fsencode(name))

    def _hide_one(self, parent: int, real: tuple[bytes, ...], name: bytes) -> None:
        """Remove what lower layers have there, and keep what this layer has made."""
        there = _mode(parent, name)
        if there is None:
            return
        if b"/".join((*real, name)) not in self._own:
            self._clear(parent, name, there)
        elif stat.S_ISDIR(there):
            directory = os.open(name, _DIRECTORY, dir_fd=parent)
            with _closing(directory):
                self._hide_below(directory, (*real, name))

    def _clear(self, parent: int, name: bytes, mode: int) -> None:
        if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
            self._forget()
        _remove(parent, name)

    def _parts(self, path: str) -> list[bytes]:
        parts = [part for part in _bytes(path).split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise ImageError(
                f"{self._name} holds the path {visible(path, 200)!r}, which leads out of it: do not use this image"
            )
        return parts

    @contextlib.contextmanager
    def _parent(self, parents: list[bytes]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """Give a descriptor of a member's directory, and the path of this directory without links."""
        key = tuple(parents)
        if self._last is None or self._last[0] != key:
            self._forget()
            descriptor, real = self._walk(parents, create=True)
            self._last = key, descriptor, real
        kept = os.dup(self._last[1])
        with _closing(kept):
            yield kept, self._last[2]

    def _forget(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            os.close(last[1])

    def _walk(self, parts: list[bytes], create: bool) -> tuple[int, tuple[bytes, ...]]:
        """Open a directory below the root. The caller closes it."""
        here, real, links = os.dup(self._root), list[bytes](), 0
        todo = parts[::-1]
        try:
            while todo:
                name = todo.pop()
                if name == b"..":
                    here, real = self._reopen(here, real[:-1])
                    continue
                following = self._step(here, name, create)
                if isinstance(following, int):
                    os.close(here)
                    here = following
                    real.append(name)
                else:
                    links += 1
                    todo += [part for part in following.split(b"/") if part not in (b"", b".")][::-1]
                    if following.startswith(b"/"):
                        here, real = self._reopen(here, [])
                self._bound(links, real)
        except BaseException:
            os.close(here)
            raise
        return here, tuple(real)

    def _bound(self, links: int, real: list[bytes]) -> None:
        if links > _MOST_LINKS or len(real) > _DEEPEST or len(b"/".join(real)) > _LONGEST:
            raise ImageError(f"{self._name} holds a path that is too deep, or a circle of links: name another image")

    def _reopen(self, here: int, real: list[bytes]) -> tuple[int, list[bytes]]:
        """Start again at the root, and go to a path without links."""
        directory = os.dup(self._root)
        for name in real:
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        os.close(here)
        return directory, real

    def _step(self, here: int, name: bytes, create: bool) -> int | bytes:
        """Open a directory, or return the text of the link in its place."""
        there = _mode(here, name)
        if there is not None and stat.S_ISLNK(there):
            return os.readlink(name, dir_fd=here)
        if there is None or not stat.S_ISDIR(there):
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            if there is not None:
                os.unlink(name, dir_fd=here)
            os.mkdir(name, 0o755, dir_fd=here)
        return os.open(name, _DIRECTORY, dir_fd=here)


def _make_empty(parent: int, name: bytes, directory: bool, replace: bool) -> None:
    if replace:
        _remove(parent, name)
    if directory:
        os.mkdir(name, 0o755, dir_fd=parent)
    else:
        os.close(os.open(name, _NEW, 0o644, dir_fd=parent))


def _remove(parent: int, name: bytes) -> None:
    mode = _mode(parent, name)
    if mode is None or not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
        return
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    with _closing(directory):
        for below in os.listdir(directory):
            _remove(directory, os.fsencode(below))
    os.rmdir(name, dir_fd=parent)


def _mode(parent: int, name: bytes) -> int | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _copy(content: IO[bytes], descriptor: int) -> None:
    while data := content.read(_BLOCK):
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _time(member: tarfile.TarInfo) -> float:
    return min(max(member.mtime, 0), _LATEST)


def _set_time(member: tarfile.TarInfo, last: bytes, parent: int) -> None:
    os.utime(last, (_time(member),) * 2, dir_fd=parent, follow_symlinks=False)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
