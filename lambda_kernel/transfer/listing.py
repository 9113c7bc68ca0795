"""Lists what was asked for at the source, and nothing else.

Until 2019, scp trusted the other side's names and wrote files that nobody had asked for (CVE-2019-6111).
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import errors
from ..function.sent import files as file_ops
from .local_side import Answer, Side, packed, plain, shown

MOST = 200_000
NAME_BYTES = 255  # of a file (limits.h, NAME_MAX)
NAMELESS = {b"", b".", b".."}
Key = tuple[int, bytes, list[bytes]]


@dataclass
class Entry:
    """A file, directory or link at the source: one that was named, or something below it.

    at: how much of it has been sent; through: whether a link at the destination is followed.
    """

    top: bytes
    names: list[bytes]
    kind: str
    mode: int
    mtime_ns: int
    size: int
    points: str
    to: bytes = b""
    temp_name: str = ""
    at: int = 0
    through: bool = False
    secrets: set[str] = field(default_factory=set)

    @property
    def path(self) -> bytes:
        return os.path.join(self.top, *self.names)

    @property
    def name(self) -> bytes:
        last = os.path.basename(self.top.rstrip(b"/"))
        return b"" if last in NAMELESS else last

    def ask(self, most: int) -> tuple[str, int, int]:
        return file_ops.pack(self.path), self.at, self.length(most)

    def length(self, most: int) -> int:
        """Of the next piece. Files of /proc have no size, so they are read to their end."""
        return min(self.size - self.at, most) if self.size else most

    @property
    def leads_out(self) -> bool:
        """Whether it is a link to something outside of what was named."""
        points = file_ops.unpack(self.points)
        goes = os.path.normpath(os.path.join(*self.names[:-1], points) if self.names else points)
        return self.kind == file_ops.LINK and (goes.startswith(b"/") or goes.split(b"/", 1)[0] == b"..")

    def weight(self, most: int) -> int:
        return min(self.size - self.at, most) + 4 * len(self.path) + 4 * len(self.to) + 500


def listing(
    source: Side, names: Sequence[str], temp_name: str, go_on: Callable[[], None], *, most: int = MOST
) -> list[Entry]:
    """All entries, each directory before its content.

    go_on: called before each page; may raise; most: how many entries the remote side may name. Raises
    errors.KernelError.
    """
    patterns = [plain(name) for name in names]
    found: dict[tuple[bytes, ...], Entry] = {}  # two patterns may match the same
    after: list[Any] | None = None
    last: Key = (-1, b"", [])
    seen: set[int] = set()
    more = True
    while more:
        go_on()
        page = source.do("find", patterns=[packed(name) for name in names], after=after)
        for row in page["entries"]:
            entry = entry_of(row)
            check(source, patterns, row[0], entry)
            check_parent(entry, found)
            last = forward(last, (row[0], entry.top, entry.names))
            seen.add(row[0])
            entry.temp_name = f"{temp_name}-{len(found)}"
            found.setdefault((entry.top, *entry.names), entry)
        after, more = following(page)
        if len(found) > most and not source.ours:
            raise errors.TransferFailed(f"there are more than {most:,} files: pack them into an archive (tar) first")
    if len(seen) < len(patterns):
        raise errors.TransferFailed("the answer lacks files that you asked for: nothing was copied")
    return list(found.values())


def following(page: Answer) -> tuple[list[Any] | None, bool]:
    if page["more"] and not page["entries"]:
        raise errors.TransferFailed("the list of files does not end: nothing was copied")
    return (page["entries"][-1][:3], True) if page["more"] else (None, False)


def forward(last: Key, key: Key) -> Key:
    """Check the order of the list, so that it has an end."""
    if key <= last:
        raise errors.TransferFailed(f"{shown(key[1])} is listed twice or out of order: nothing was copied")
    return key


def entry_of(row: Sequence[Any]) -> Entry:
    _, top, names, *rest = row
    entry = Entry(file_ops.unpack(top), [file_ops.unpack(name) for name in names], *rest)
    if any(name in NAMELESS or b"/" in name or len(name) > NAME_BYTES for name in entry.names):
        raise errors.TransferFailed(f"{shown(entry.path)} cannot be the name of a file below {shown(entry.top)}")
    # Special bits belong to the owner there. cp drops them as well, if it cannot keep the owner.
    entry.mode &= 0o777
    return entry


def check(source: Side, patterns: list[bytes], number: int, entry: Entry) -> None:
    if not source.ours and not (number < len(patterns) and matches(patterns[number], entry.top)):
        raise errors.TransferFailed(f"{shown(entry.top)} was not asked for: nothing was copied")
    if entry.kind == file_ops.SPECIAL:
        raise errors.TransferFailed(
            f"{source.name(entry.path)} {source.where} is not a file, directory or link: nothing was copied"
        )


def check_parent(entry: Entry, found: Mapping[tuple[bytes, ...], Entry]) -> None:
    """Check that an entry is in a directory that is copied as well, and not behind a link."""
    parent = found.get((entry.top, *entry.names[:-1]))
    if entry.names and (parent is None or parent.kind != file_ops.DIRECTORY):
        raise errors.TransferFailed(
            f"{shown(entry.path)} is listed in something that is not a directory: nothing was copied"
        )


def matches(pattern: bytes, top: bytes) -> bool:
    """Whether a path fits a pattern: its last names match those of the pattern, one by one.

    Only the shell knows the directory that a relative pattern begins in.
    """
    wanted, found = parts(pattern), parts(top)
    if pattern.startswith(b"/"):
        return len(found) == len(wanted) and all(map(fits, found, wanted))
    wanted = wanted[1:] if wanted[:1] == [b"~"] else wanted
    return len(found) >= len(wanted) and all(map(fits, found[len(found) - len(wanted) :], wanted))


def parts(path: bytes) -> list[bytes]:
    return [name for name in path.split(b"/") if name]


def fits(name: bytes, wanted: bytes) -> bool:
    """As Python's glob does it. A name also matches itself."""
    if name == wanted:
        return True
    if len(name) > NAME_BYTES or not glob.has_magic(wanted):
        return False
    hidden = name.startswith(b".") and not wanted.startswith(b".")
    return not hidden and fnmatch.fnmatchcase(name, wanted)
