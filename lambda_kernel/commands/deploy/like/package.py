"""Puts the shell's file beside another function's code. Nothing of their package is unpacked, run or written anew."""

from __future__ import annotations

import io
import itertools
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ....function.source import COMMENT, function_code
from ..cloud import code_zip
from ..problems import DeployError

MODULE = "lambda_kernel_shell"
# Lambda quotas: 50 MB for a package in a request. It is sent as base64, with the settings beside it.
LIMIT_BYTES = 50 * 1024 * 1024 - 65_536
UNZIPPED_BYTES = 262_144_000  # Lambda quotas, 250 MB
FUTURE = "from __future__ import annotations\n"
# Their code is first in sys.path, and may have a select.py of its own. This file wants Python's.
OWN_LIBRARY_FIRST = """import os, sys
sys.path.sort(key=lambda place: not place.startswith(os.path.dirname(os.__file__)))
"""
NO_BARE_COMMANDS = """
def article(event, context):
 raise PermissionError("this function runs no bare `cmd`, since it has another function's role: use the kernel")
"""
MADE_BY_US = f"# {COMMENT.partition('{}')[0]}".encode()
# What zipfile raises for what it cannot read. RuntimeError: it is encrypted, or needs a newer version.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
# The records at the end of a zip file (PKWARE's APPNOTE 4.3.12 to 4.3.16).
END, END_64, LOCATOR_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
END_BYTES, END_64_BYTES, LOCATOR_BYTES = 22, 56, 20
MANY, FAR = 0xFFFF, 0xFFFFFFFF  # with these in END, END_64 has the values


@dataclass(frozen=True)
class Package:
    """A package with the shell's file in it. module: its name there."""

    data: bytes = field(repr=False)
    module: str = MODULE

    @property
    def handler(self) -> str:
        return f"{self.module}.handler"


def shell_code() -> str:
    """The shell's file: the function's code, but without the article's contract."""
    head, future, rest = function_code().partition(FUTURE)
    if not future:
        raise AssertionError("the function's code has changed")
    return head + future + OWN_LIBRARY_FIRST + rest + NO_BARE_COMMANDS


def beside(theirs: bytes, function: str) -> Package:
    """Their package, and our file in it. function: whose it is, for messages. Raises DeployError."""
    try:
        with zipfile.ZipFile(io.BytesIO(theirs)) as archive:
            entries = archive.infolist()
            if any(_is_ours(archive, entry) for entry in entries):
                raise DeployError(
                    f"{function} is itself a shell of lambda-kernel: use it as it is, or name a function of your own"
                )
    except UNREADABLE as error:
        raise DeployError(f"the package of {function} is not a zip file, so it was not copied ({error})") from error
    paths = [_path(entry.filename, function) for entry in entries]
    code = shell_code().encode()
    _check_size(sum(entry.file_size for entry in entries) + len(code), UNZIPPED_BYTES, "unzipped ", function)
    module = free_name(paths)
    data = with_file(theirs, code_zip(code.decode(), f"{module}.py"), function)
    _check_size(len(data), LIMIT_BYTES, "", function)
    _check(data, f"{module}.py", code, function)
    return Package(data, module)


def _check(package: bytes, name: str, code: bytes, function: str) -> None:
    """Whether our file can be read there: a damaged package may look whole until then."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            if archive.read(name) == code:
                return
    except (*UNREADABLE, KeyError):
        pass
    raise _odd(function)


def free_name(paths: Iterable[str]) -> str:
    """A name that Python would not find elsewhere in the package, such as in a directory or a compiled module."""
    taken = {path.split("/")[0].partition(".")[0] for path in paths}
    names = itertools.chain([MODULE], (f"{MODULE}_{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def _path(name: str, function: str) -> str:
    """Where an entry is unpacked, below /var/task."""
    path = posixpath.normpath(name.replace("\\", "/"))
    if path.startswith(("/", "..")):
        raise DeployError(
            f"the package of {function} has an entry that leads out of it, {name!r}, so it was not copied: build the "
            "package again without it"
        )
    return path


def _is_ours(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    name = posixpath.normpath(entry.filename)
    if name != "index.py" and not (name.startswith(MODULE) and name.endswith(".py")):
        return False
    try:
        with archive.open(entry) as file:
            return file.read(len(MADE_BY_US)) == MADE_BY_US
    except UNREADABLE:
        return False


def _check_size(size: int, limit: int, what: str, function: str) -> None:
    if size > limit:
        raise DeployError(
            f"the {what}package of {function} would have {size:,} bytes with the shell's file, and Lambda takes at "
            f"most {limit:,} in a request: add what `lambda-kernel deploy --like {function} --print code` prints to "
            f"your package as {MODULE}.py, and deploy it your way with the handler {MODULE}.handler"
        )


class Directory(NamedTuple):
    """Where a zip file's directory is, and what its records say. far: of the 64-bit locator, if it has one.

    offset: where the directory begins, by the zip file's own count, which leaves out what stands before it.
    """

    begin: int
    end: int
    entries: int
    offset: int
    far: int | None
    last: int


def with_file(theirs: bytes, ours: bytes, function: str) -> bytes:
    """Add the only entry of our zip file to theirs.

    Their entries stay byte for byte. Python's zipfile would change names that are not marked as UTF-8, and with them
    what is in /var/task.
    """
    found = _directory(theirs, function)
    local, line = _parts(ours, found.offset)
    directory = theirs[found.begin : found.end] + line
    records = _records(theirs, found, len(directory), found.offset + len(local), function)
    return theirs[: found.begin] + local + directory + records


def _directory(theirs: bytes, function: str) -> Directory:
    last = theirs.rindex(END)  # zipfile has found it there
    end, far = last, None
    count, size, offset = struct.unpack_from("<HLL", theirs, last + 10)
    if theirs[max(last - LOCATOR_BYTES, 0) : last].startswith(LOCATOR_64):
        far = last - LOCATOR_BYTES
        end = far - END_64_BYTES
        if theirs[end : end + 4] != END_64:
            raise _odd(function)
        count, size, offset = struct.unpack_from("<QQQ", theirs, end + 32)
    if not 0 <= offset <= end - size:
        raise _odd(function)
    return Directory(end - size, end, count, offset, far, last)


def _records(theirs: bytes, found: Directory, size: int, offset: int, function: str) -> bytes:
    """The records at the end, for a directory of this size at this offset that has one entry more."""
    count, far = found.entries + 1, b""
    if found.far is not None:
        record = theirs[found.end : found.end + 24] + struct.pack("<QQQQ", count, count, size, offset)
        far = record + theirs[found.far : found.far + 8] + struct.pack("<QL", offset + size, 1)
    elif count >= MANY or offset >= FAR:
        raise _odd(function)
    counts = struct.pack("<HHLL", min(count, MANY), min(count, MANY), min(size, FAR), min(offset, FAR))
    return far + theirs[found.last : found.last + 8] + counts + theirs[found.last + 20 :]


def _parts(ours: bytes, offset: int) -> tuple[bytes, bytes]:
    """The file's entry, and its line in the directory, which says that the entry begins at the offset."""
    with zipfile.ZipFile(io.BytesIO(ours)) as archive:
        begin = archive.start_dir
    line = ours[begin:-END_BYTES]
    return ours[:begin], line[:42] + struct.pack("<L", offset) + line[46:]


def _odd(function: str) -> DeployError:
    return DeployError(f"the package of {function} has an unusual form, so it was not copied: build it again with zip")
