"""Files: found, read and written in pieces, of which each may be asked for again.

The kernel sends this file along with its calls, so it needs the standard library only; `index` is the function's own
module. It runs the same code for the local side of a transfer. Paths are bytes, as base64: a name may be no UTF-8.
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
    from . import index

Answer = dict[str, typing.Any]
Piece = dict[str, typing.Any]

PIECES_BYTES = 3_000_000  # base64 makes 4 MB of it; Lambda's limits are 6,291,456 bytes for a request (Lambda quotas)
PAGE_BYTES = 2_000_000
DIRECTORY, FILE, LINK, SPECIAL, NOTHING = "directory", "file", "link", "special", "nothing"
KINDS = {stat.S_IFDIR: DIRECTORY, stat.S_IFREG: FILE, stat.S_IFLNK: LINK}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MANGLED = "checksum"  # what failed, where it is no error of the system's


def pack(path: bytes) -> str:
    return base64.b64encode(path).decode()


def unpack(text: str) -> bytes:
    return base64.b64decode(text)


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Mangled(Exception):
    """What was read back is not what was sent."""


class Failed(Exception):
    """Something went wrong with this path."""

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


def told(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """A failure is an answer: an exception would count as the function's own."""

    @functools.wraps(function)
    def answer(shell: index.Shell, **arguments: typing.Any) -> Answer:
        try:
            return function(shell, **arguments)
        except Failed as failed:
            shown = index.redact(failed.path, shell.secrets)
            return {"failed": failed.text, "errno": failed.number, "path": pack(shown)}

    return answer


def place(shell: index.Shell, path: bytes) -> bytes:
    """A path as the shell would take it, absolute."""
    if path == b"~" or path.startswith(b"~/"):
        path = os.fsencode(index.shell_environ(shell.environ)["HOME"]) + path[1:]
    here = os.fsencode(index.link(f"/proc/{shell.pid}/cwd"))
    # Linux says so of one that was removed (proc(5)): its name must not become another file's.
    if here.endswith(b" (deleted)") and not path.startswith(b"/") and not os.path.lexists(here):
        raise FileNotFoundError(errno.ENOENT, "the working directory is gone")
    return os.path.join(here, path)


def entry(path: bytes, status: os.stat_result) -> list[typing.Any]:
    """kind, mode, modification time in ns, size, where a link points to."""
    kind = KINDS.get(stat.S_IFMT(status.st_mode), SPECIAL)
    points = pack(os.readlink(path)) if kind == LINK else ""
    return [kind, stat.S_IMODE(status.st_mode), status.st_mtime_ns, status.st_size, points]


def matches(shell: index.Shell, pattern: bytes) -> list[bytes]:
    """What a name stands for: itself, if there is such a file."""
    path = place(shell, pattern)
    if os.path.lexists(path):
        return [path]
    own = pattern[1:] if pattern.startswith(b"~/") else pattern
    found = sorted(glob.glob(glob.escape(path.removesuffix(own)) + own))
    if not found:
        raise FileNotFoundError(errno.ENOENT, "nothing matches" if glob.has_magic(pattern) else "no such file")
    return found


def walk(top: bytes, without: bytes, last: list[bytes]) -> Iterator[tuple[list[bytes], list[typing.Any]]]:
    """The path's components below top, and the entry, in order; from about the last that is known on. Only top is
    followed, where it is a link."""
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


@told
def find(shell: index.Shell, patterns: list[str], after: list[typing.Any] | None) -> Answer:
    """A page of what the patterns match, with all that is below. after: where the page before ended."""
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
                size += 200 + 2 * (sum(map(len, names)) + len(top) + len(found[-1]))
                if size > PAGE_BYTES:
                    return {"entries": entries, "more": True}
    return {"entries": entries, "more": False}


@told
def read(shell: index.Shell, pieces: list[tuple[str, int, int]]) -> Answer:
    """As many of the pieces (path, offset, length) as there is room for, the last of them perhaps in part."""
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


def _read(shell: index.Shell, path: bytes, at: int, length: int) -> tuple[Piece, int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file any more")
        data = _read_all(fd, at, length)
        status = os.fstat(fd)  # as it is after that: what is shorter now may have been cut before
        # A credential may lie across two pieces.
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


@told
def target(shell: index.Shell, path: str) -> Answer:
    """What is there now. mode: of the file, or what the shell would give a new one."""
    with about(unpack(path)):
        there = place(shell, unpack(path))
    with about(there):
        try:
            status = os.stat(there)
        except FileNotFoundError:
            umask = re.search(r"^Umask:\s+([0-7]+)$", index.peek(f"/proc/{shell.pid}/status"), re.M)
            mode = 0o666 & ~int(umask[1] if umask else "022", 8)
            return {"path": pack(there), "kind": NOTHING, "mode": mode, "size": 0}
        kind, mode, _, size, _ = entry(there, status)
        if kind == DIRECTORY:
            there = os.path.realpath(there)  # `.` is no part of a name that users read
    return {"path": pack(there), "kind": kind, "mode": mode, "size": size}


@told
def make(shell: index.Shell, entries: list[tuple[str, str, int, int, str]], mark: str) -> Answer:
    """Directories and links, and at the end what directories are to be like."""
    for kind, text, mode, mtime_ns, points in entries:
        path = unpack(text)
        with about(path):
            if kind == DIRECTORY:
                _make_directory(path)
            elif kind == LINK:
                _make_link(path, unpack(points), mark, mtime_ns)
            else:
                os.chmod(path, mode)
                os.utime(path, ns=(mtime_ns, mtime_ns))
    return {}


def _make_directory(path: bytes) -> None:
    """One that can be written to, until it is finished."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            raise
        if mode & 0o700 != 0o700:
            os.chmod(path, stat.S_IMODE(mode) | 0o700)


def _make_link(path: bytes, points: bytes, mark: str, mtime_ns: int) -> None:
    temporary = os.path.join(os.path.dirname(path), mark.encode())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(points, temporary)
    try:
        if os.utime in os.supports_follow_symlinks:
            os.utime(temporary, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


@told
def write(shell: index.Shell, pieces: list[Piece]) -> Answer:
    """Pieces of files, into temporary ones beside them. The last piece of a file brings what it is to be like, and puts
    it in its place."""
    for piece in pieces:
        path = unpack(piece["path"])
        with about(path):
            _write(lands(path, piece["through"]), piece)
    return {}


def lands(path: bytes, through: bool) -> bytes:
    """Where a file is written: behind a link, or in its place."""
    return os.path.realpath(path) if through else path


def _write(path: bytes, piece: Piece) -> None:
    temporary = os.path.join(os.path.dirname(path), piece["mark"].encode())
    if piece["at"] == 0:
        may_be_replaced(path)
    try:
        fd = os.open(temporary, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if piece["at"] else os.O_CREAT), 0o600)
    except FileNotFoundError:
        if piece["last"] and _is_there(path, piece):  # this piece came before, and its answer was lost
            return
        raise
    try:
        try:
            _put(fd, piece)
            if piece["last"]:
                _finish(fd, *piece["last"])
                os.replace(temporary, path)
        finally:
            os.close(fd)
    except (OSError, Mangled):
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def may_be_replaced(path: bytes) -> bool:
    """Whether anything is there. Raises OSError when it has to stay."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISLNK(mode):
        return True
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return True


def _is_there(path: bytes, piece: Piece) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
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
    """What does not fit is known before it is sent. Not every file system can do it."""
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise


def _write_and_check(fd: int, piece: Piece, at: int) -> int:
    """Where it ends. Raises Mangled when what was written reads otherwise."""
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


@told
def append(shell: index.Shell, path: str, start: int, piece: Piece) -> Answer:
    """A piece behind what a file held at first, which was start bytes; all of them are taken back when one fails."""
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


@told
def drop(shell: index.Shell, path: str, through: bool, mark: str) -> Answer:
    """Remove what a transfer has left of this file."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(os.path.dirname(lands(unpack(path), through)), mark.encode()))
    return {}
