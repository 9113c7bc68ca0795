"""Static executables as a Lambda layer. Pure, but for reading the files; none of them is run.

A layer's bin/ is /opt/bin in the environment, the last directory of Lambda's PATH: what the runtime has stays as it is.
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
EPOCH = (1980, 1, 1, 0, 0, 0)  # the least a zip can hold


@dataclass(frozen=True)
class Executable:
    """A file to pack. architecture None: a script, which runs on either; links: other names that it goes by."""

    name: str
    data: bytes = field(repr=False)
    architecture: str | None
    links: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} with {len(self.links)} links" if self.links else self.name


@dataclass(frozen=True)
class Archive:
    """A layer's content. The same files make the same bytes, and so the same digest."""

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
        raise DeployError(f"{path.name!r} is no name for a command: rename the file, which --tools names")
    if data.startswith(b"#!"):
        return Executable(path.name, data, None)
    return Executable(path.name, data, _architecture(path, data), applets(data))


def _architecture(path: Path, data: bytes) -> str:
    if data[:4] != b"\x7fELF" or len(data) < 64:
        raise DeployError(f"{path} is neither an executable for Linux nor a script: --tools takes no other")
    machine = int.from_bytes(data[18:20], "little")
    # 64 bits, little-endian: what both of Lambda's architectures are.
    if data[4:6] != b"\2\1" or machine not in MACHINES:
        raise DeployError(f"{path} is for a machine that Lambda does not have: take one for x86_64 or arm64")
    if INTERPRETER in _segments(path, data):
        raise DeployError(
            f"{path} is linked dynamically, and its libraries are not in Lambda: --tools needs a static one"
        )
    return MACHINES[machine]


def _segments(path: Path, data: bytes) -> Iterator[int]:
    """The types of an ELF file's program headers."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if start + size * count > len(data) or size < 4:
        raise DeployError(f"{path} is cut or damaged: get it again")
    for at in range(start, start + size * count, size):
        yield int.from_bytes(data[at : at + 4], "little")


def applets(data: bytes) -> tuple[str, ...]:
    """The commands that a busybox is, as its own table says; none for other executables.

    Read, not asked for by `busybox --list`: this machine often cannot run what is meant for Lambda's.
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


def pack(executables: Sequence[Executable], architecture: str) -> Archive:
    """A layer for functions of an architecture. Raises DeployError."""
    taken: set[str] = set()
    for one in executables:
        if one.architecture not in (None, architecture):
            raise DeployError(
                f"{one.name} is for {one.architecture} and the function for {architecture}: "
                f"take another, or --architecture {one.architecture}"
            )
        if one.name in taken:
            raise DeployError(f"two of the tools are named {one.name}: rename one of the files")
        taken.add(one.name)
    data = _zip(executables, taken)
    if len(data) > LIMIT_BYTES:
        raise DeployError(f"the tools are {len(data):,} bytes packed, and a layer holds {LIMIT_BYTES:,}: take fewer")
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
    entry.create_system = 3  # Unix, whose modes these are
    entry.external_attr = mode << 16
    return entry
