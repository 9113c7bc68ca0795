"""Finds files, and reads and writes them in pieces. Each request may be repeated.

The kernel sends this file along with its calls, behind held.py, so it needs the standard library only. `index` is the
function's own module. The kernel runs the same code for the local side of a transfer. Paths are base64 of bytes,
because a name need not be UTF-8.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import functools
import glob
import hashlib
import os
import re
import stat
import typing
from collections.abc import Callable, Iterator

if typing.TYPE_CHECKING:
    from .. import index
    from .held import change, holding
    from .shell import Shell

Answer = dict[str, typing.Any]
Piece = dict[str, typing.Any]

PIECES_BYTES = 3_000_000  # 4 MB as base64; Lambda's limit for a request is 6,291,456 bytes (Lambda quotas)
PAGE_BYTES = 2_000_000
DIRECTORY, FILE, LINK, SPECIAL, NOTHING = "directory", "file", "link", "special", "nothing"
KINDS = {stat.S_IFDIR: DIRECTORY, stat.S_IFREG: FILE, stat.S_IFLNK: LINK}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MANGLED = "checksum"  # a failure that is no error of the system


def pack(path: bytes) -> str:
    return base64.b64encode(path).decode()


def unpack(text: str) -> bytes:
    return base64.b64decode(text)


def packs(text: str, size: int) -> bool:
    """Whether so many bytes are in it, judged without unpacking megabytes."""
    return len(text) == -(-size // 3) * 4 and text[-2:].count("=") == -size % 3


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Mangled(Exception):
    """What was read back differs from what was sent."""


class Failed(Exception):
    """An error about a path."""

    def __init__(self, path: bytes, number: int | None, text: str) -> None:
        super().__init__(path)
        self.path, self.number, self.text = path, number, text


@contextlib.contextmanager
def about(path: bytes) -> Iterator[None]:
    """Errors name the path that the user knows, not the temporary one."""
    try:
        yield
    except Mangled:
        raise Failed(path, None, MANGLED) from None
    except OSError as error:
        raise Failed(path, error.errno, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL byte
        raise Failed(path, errno.EINVAL, str(error)) from error


def answering(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Turn Failed into an answer. An exception would count as an error of the function."""

    @functools.wraps(function)
    def answer(shell: Shell, **arguments: typing.Any) -> Answer:
        try:
            return function(shell, **arguments)
        except Failed as failed:
            shown = index.redact(failed.path, shell.secrets)
            return {"failed": failed.text, "errno": failed.number, "path": pack(shown)}

    return answer


def resolve_path(shell: Shell, path: bytes) -> bytes:
    """The absolute path that the shell would use."""
    if path == b"~" or path.startswith(b"~/"):
        path = os.fsencode(index.shell_environ(shell.environ)["HOME"]) + path[1:]
    here = os.fsencode(index.link(f"/proc/{shell.pid}/cwd"))
    # The directory was removed (proc(5)). Its name must not become that of another file.
    if here.endswith(b" (deleted)") and not path.startswith(b"/") and not os.path.lexists(here):
        raise FileNotFoundError(errno.ENOENT, "the working directory is gone")
    return os.path.join(here, path)


def entry(path: bytes, status: os.stat_result) -> list[typing.Any]:
    """Kind, mode, modification time in ns, size, and where a link points."""
    kind = KINDS.get(stat.S_IFMT(status.st_mode), SPECIAL)
    points = pack(os.readlink(path)) if kind == LINK else ""
    return [kind, stat.S_IMODE(status.st_mode), status.st_mtime_ns, status.st_size, points]


def matches(shell: Shell, pattern: bytes) -> list[bytes]:
    """The paths that a pattern matches. A file with this very name is the only match."""
    path = resolve_path(shell, pattern)
    if os.path.lexists(path):
        return [path]
    own = pattern[1:] if pattern.startswith(b"~/") else pattern
    found = sorted(glob.glob(glob.escape(path.removesuffix(own)) + own))
    if not found:
        raise FileNotFoundError(errno.ENOENT, "nothing matches" if glob.has_magic(pattern) else "no such file")
    return found


def walk(top: bytes, without: bytes, last: list[bytes]) -> Iterator[tuple[list[bytes], list[typing.Any]]]:
    """Names below top, and the entry of each, in order. last: where the previous page ended. Of links, only top is
    followed."""
    todo: list[list[bytes]] = [[]]
    while todo:
        names = todo.pop()
        path = os.path.join(top, *names)
        if names and (path == without or names < last[: len(names)]):
            continue
        with about(path):
            found = entry(path, os.stat(path) if not names and os.path.exists(path) else os.lstat(path))
            yield names, found
            if found[0] == DIRECTORY:
                todo += [[*names, name] for name in sorted(os.listdir(path), reverse=True)]


@answering
def find(shell: Shell, patterns: list[str], after: list[typing.Any] | None) -> Answer:
    """A page of what the patterns match, with everything below it. after: where the previous page ended."""
    last = after and (after[0], unpack(after[1]), [unpack(name) for name in after[2]])
    entries: list[list[typing.Any]] = []
    size = 0
    for number, pattern in enumerate(patterns):
        with about(unpack(pattern)):
            tops = matches(shell, unpack(pattern))
        for top in tops:
            if last and (number, top) < last[:2]:
                continue
            behind = last[2] if last and (number, top) == last[:2] else []
            for names, found in walk(top, os.fsencode(index.PRIVATE), behind):
                if last and (number, top, names) <= last:
                    continue
                entries.append([number, pack(top), [pack(name) for name in names], *found])
                size += 200 + 2 * (sum(len(name) + 4 for name in names) + len(top) + len(found[-1]))
                if size > PAGE_BYTES:
                    return {"entries": entries, "more": True}
    return {"entries": entries, "more": False}


@answering
def read(shell: Shell, pieces: list[tuple[str, int, int]]) -> Answer:
    """As many pieces (path, offset, length) as there is room for. The last one may be incomplete."""
    room = PIECES_BYTES
    done: list[Piece] = []
    for text, at, length in pieces:
        if not room:
            break
        path = unpack(text)
        with about(path):
            piece, size = _read(shell, path, at, min(length, room))
        room -= size
        done.append(piece)
    return {"pieces": done}


def _read(shell: Shell, path: bytes, at: int, length: int) -> tuple[Piece, int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is no longer a regular file")
        data = _read_all(fd, at, length)
        status = os.fstat(fd)  # after reading: a file that is shorter now may have been cut before
        # A credential may begin in the previous piece.
        overlap = min(at, max((secret.shortest for secret in shell.secrets), default=0))
        text = (_read_all(fd, at - overlap, overlap) if overlap else b"") + data
    finally:
        os.close(fd)
    secrets = index.holds(text, shell.secrets)
    piece = {"at": at, "data": pack(data), "bytes": len(data), "sha256": checksum(data), "end": len(data) < length}
    return piece | {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "secrets": secrets}, len(data)


def _read_all(fd: int, at: int, length: int) -> bytes:
    """Short reads are usual in /proc."""
    parts: list[bytes] = []
    while length and (part := os.pread(fd, length, at)):
        parts.append(part)
        at += len(part)
        length -= len(part)
    return b"".join(parts)


@answering
def target(shell: Shell, path: str) -> Answer:
    """What is at a path now. path: without links on the way. mode: the file's, or the one that a new file would get."""
    with about(unpack(path)):
        there = resolve_path(shell, unpack(path)).rstrip(b"/") or b"/"
        there = os.path.join(os.path.realpath(os.path.dirname(there)), os.path.basename(there))
    with about(there):
        try:
            status = os.stat(there)
        except FileNotFoundError:
            umask = re.search(r"^Umask:\s+([0-7]+)$", index.peek(f"/proc/{shell.pid}/status"), re.M)
            mode = 0o666 & ~int(umask[1] if umask else "022", 8)
            return {"path": pack(there), "kind": NOTHING, "mode": mode, "size": 0}
        kind, mode, _, size, _ = entry(there, status)
        if kind == DIRECTORY:
            there = os.path.realpath(there)  # so that users read no `.` in it
    return {"path": pack(there), "kind": kind, "mode": mode, "size": size}


@answering
def make(shell: Shell, entries: list[tuple[str, str, int, int, str]], temp_name: str) -> Answer:
    """Make directories and links. At the end, set the mode and time of directories."""
    for kind, text, mode, mtime_ns, points in entries:
        path = unpack(text)
        with about(path), holding(path) as (at, name):
            if kind == DIRECTORY:
                _make_directory(at, name)
            elif kind == LINK:
                _make_link(at, name, unpack(points), temp_name, mtime_ns)
            else:
                change(at, name, mode, (mtime_ns, mtime_ns))
    return {}


def _make_directory(at: int, name: bytes) -> None:
    """Make a directory that is writable until it is finished."""
    try:
        os.mkdir(name, 0o700, dir_fd=at)
    except FileExistsError:
        mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode):
            raise
        if mode & 0o700 != 0o700:
            change(at, name, stat.S_IMODE(mode) | 0o700)


def _make_link(at: int, name: bytes, points: bytes, temp_name: str, mtime_ns: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temp_name, dir_fd=at)
    os.symlink(points, temp_name, dir_fd=at)
    try:
        if os.utime in os.supports_follow_symlinks:
            os.utime(temp_name, ns=(mtime_ns, mtime_ns), dir_fd=at, follow_symlinks=False)
        os.replace(temp_name, os.fsdecode(name), src_dir_fd=at, dst_dir_fd=at)
    except OSError:
        os.unlink(temp_name, dir_fd=at)
        raise


@answering
def write(shell: Shell, pieces: list[Piece]) -> Answer:
    """Write pieces into temporary files beside the destinations. The last piece of a file brings its mode and time, and
    moves it to its place."""
    for piece in pieces:
        path = unpack(piece["path"])
        with about(path), holding(lands(path, piece["through"])) as (at, name):
            _write(at, name, piece)
    return {}


def lands(path: bytes, through: bool) -> bytes:
    """The path to write to: where a link leads, or in place of the link."""
    return os.path.realpath(path) if through else path


def _write(at: int, name: bytes, piece: Piece) -> None:
    temp_name, flags = piece["temp_name"], os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if piece["at"] else os.O_CREAT)
    if piece["at"] == 0:
        may_be_replaced(name, at)
    try:
        fd = os.open(temp_name, flags, 0o600, dir_fd=at)
    except FileNotFoundError:
        if piece["last"] and _is_there(at, name, piece):  # this piece has come before, but its answer was lost
            return
        raise
    try:
        try:
            _put(fd, piece)
            if piece["last"]:
                _finish(fd, *piece["last"])
                os.replace(temp_name, os.fsdecode(name), src_dir_fd=at, dst_dir_fd=at)
        finally:
            os.close(fd)
    except (OSError, Mangled):
        with contextlib.suppress(OSError):
            os.unlink(temp_name, dir_fd=at)
        raise


def may_be_replaced(path: bytes, at: int | None = None) -> bool:
    """Whether something is there. at: the directory that the path is in. Raises OSError if it cannot be replaced."""
    try:
        mode = os.stat(path, dir_fd=at, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISLNK(mode):
        return True
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if not os.access(path, os.W_OK, dir_fd=at):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return True


def _is_there(at: int, name: bytes, piece: Piece) -> bool:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=at)
    except OSError:
        return False
    try:
        data = unpack(piece["data"])
        return os.fstat(fd).st_size == piece["at"] + len(data) and _read_all(fd, piece["at"], len(data)) == data
    finally:
        os.close(fd)


def _put(fd: int, piece: Piece) -> None:
    if piece["at"] == 0 and not piece["last"]:
        _reserve(fd, piece["size"])
    end = _write_and_check(fd, piece, piece["at"])
    if piece["last"]:
        os.ftruncate(fd, end)


def _reserve(fd: int, size: int) -> None:
    """Reserve room, so that a lack of it is known at once. Not every file system can do that."""
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise


def _write_and_check(fd: int, piece: Piece, at: int) -> int:
    """Write a piece, and return where it ends. Raises Mangled if what was written reads differently."""
    data = unpack(piece["data"])
    written = 0
    while written < len(data):
        written += os.pwrite(fd, data[written:], at + written)
    if checksum(_read_all(fd, at, len(data))) != piece["sha256"]:
        raise Mangled
    return at + len(data)


def _finish(fd: int, mode: int, mtime_ns: int | None) -> None:
    os.fchmod(fd, mode)
    if mtime_ns is not None:
        os.utime(fd, ns=(mtime_ns, mtime_ns))


@answering
def append(shell: Shell, path: str, start: int, piece: Piece) -> Answer:
    """Append a piece to a file that had `start` bytes at first. If it fails, all pieces are removed again."""
    there = unpack(path)
    with about(there):
        fd = os.open(there, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _write_and_check(fd, piece, start + piece["at"])
        except (OSError, Mangled):
            os.ftruncate(fd, start)
            raise
        finally:
            os.close(fd)
    return {}


@answering
def drop(shell: Shell, path: str, through: bool, temp_name: str) -> Answer:
    """Remove the temporary file of a transfer."""
    with contextlib.suppress(OSError), holding(lands(unpack(path), through)) as (at, _):
        os.unlink(temp_name, dir_fd=at)
    return {}
