"""Packs static executables into a Lambda layer. It only reads the files, and runs none of them.

A layer's bin/ is /opt/bin in the environment. That is last in Lambda's PATH, so the runtime's commands come first.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .problems import DeployError

LIMIT_BYTES = 50 * 1024 * 1024  # of an archive in a request (Lambda quotas)
MACHINES = {62: "x86_64", 183: "arm64"}  # e_machine, elf(5)
INTERPRETER = 3  # PT_INTERP, elf(5): only a dynamic executable names its loader
NAME = re.compile(r"[A-Za-z0-9._+\[-]+")
# busybox keeps its applets' names sorted and NUL-terminated, each build with `[` and `[[` first (applet_tables.c).
APPLETS = b"\0[\0[[\0"
APPLET = re.compile(rb"[a-z0-9_.+\[-]{1,32}")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time in a zip file


@dataclass(frozen=True)
class Executable:
    """A file to pack. architecture None: a script, which runs on both; links: its other names."""

    name: str
    data: bytes = field(repr=False)
    architecture: str | None
    links: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} with {len(self.links)} links" if self.links else self.name


@dataclass(frozen=True)
class Archive:
    """A layer's content. The same files have the same bytes and digest."""

    names: str
    data: bytes = field(repr=False)
    digest: str


def read(path: Path) -> Executable:
    """A static executable, or a script. Raises DeployError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DeployError(f"cannot read the tool {path} ({error.strerror}): name a file with --tools") from error
    if not NAME.fullmatch(path.name):
        raise DeployError(f"{path.name!r} is not a valid name for a command: rename the file")
    if data.startswith(b"#!"):
        return Executable(path.name, data, None)
    return Executable(path.name, data, _architecture(path, data), applets(data))


def _architecture(path: Path, data: bytes) -> str:
    if data[:4] != b"\x7fELF" or len(data) < 64:
        raise DeployError(f"{path} is neither a Linux executable nor a script: name one with --tools")
    machine = int.from_bytes(data[18:20], "little")
    # Both of Lambda's architectures have 64 bits and are little-endian.
    if data[4:6] != b"\2\1" or machine not in MACHINES:
        raise DeployError(f"{path} is for another kind of machine: take one for x86_64 or arm64")
    if INTERPRETER in _segments(path, data):
        raise DeployError(f"{path} is linked dynamically, and its libraries are not in Lambda: use a static one")
    return MACHINES[machine]


def _segments(path: Path, data: bytes) -> Iterator[int]:
    """The types of an ELF file's program headers."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if start + size * count > len(data) or size < 4:
        raise DeployError(f"{path} is incomplete or damaged: get it again")
    for at in range(start, start + size * count, size):
        yield int.from_bytes(data[at : at + 4], "little")


def applets(data: bytes) -> tuple[str, ...]:
    """The commands of a busybox, from its own table. Other executables have none.

    `busybox --list` is not used, because this machine often cannot run Lambda's executables.
    """
    if b"BusyBox v" not in data:
        return ()
    found: list[bytes] = []
    at = data.find(APPLETS) + 1
    while at:
        end = data.find(b"\0", at)
        name = data[at:end]
        if not APPLET.fullmatch(name) or (found and name <= found[-1]):
            break
        found.append(name)
        at = end + 1
    return tuple(name.decode() for name in found)


def pack(executables: Sequence[Executable], architectures: Sequence[str]) -> Archive:
    """A layer for functions of these architectures. Raises DeployError."""
    taken: set[str] = set()
    for one in executables:
        others = [name for name in architectures if one.architecture not in (None, name)]
        if others:
            raise DeployError(
                f"{one.name} is for {one.architecture}, and the function is for {others[0]}: "
                f"take another tool, or use --architecture {one.architecture}"
            )
        if one.name in taken:
            raise DeployError(f"two of the tools are named {one.name}: rename one of the files")
        taken.add(one.name)
    data = _zip(executables, taken)
    if len(data) > LIMIT_BYTES:
        raise DeployError(
            f"the tools are {len(data):,} bytes when packed, and a layer can have {LIMIT_BYTES:,}: take fewer"
        )
    return Archive(", ".join(map(str, executables)), data, hashlib.sha256(data).hexdigest())


def _zip(executables: Sequence[Executable], taken: set[str]) -> bytes:
    taken = set(taken)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in executables:
            archive.writestr(_entry(one.name, stat.S_IFREG | 0o755), one.data, zipfile.ZIP_DEFLATED)
        for one in executables:
            for link in one.links:
                if link not in taken:
                    taken.add(link)
                    archive.writestr(_entry(link, stat.S_IFLNK | 0o777), one.name)
    return file.getvalue()


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"bin/{name}", EPOCH)
    entry.create_system = 3  # Unix, for its file modes
    entry.external_attr = mode << 16
    return entry
