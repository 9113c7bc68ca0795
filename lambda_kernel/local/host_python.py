"""This machine's Python inside an image that has none, or one that is too old.

It is started by this machine's own loader with this machine's own libraries, which lie beside it. So it does not matter
which C library the image has, and what the Python starts (bash, and so all that a cell runs) is the image's alone.
"""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .runtime_files import RuntimeFiles

_PT_INTERP = 3
_ELF_64_LITTLE = b"\x7fELF\x02\x01"
_PROOF_S = 10
_LIBRARY = re.compile(r"=>\s+(/\S+) \(0x")


@dataclass(frozen=True)
class HostPython:
    """libraries: the directories in which this machine has them."""

    loader: Path
    home: Path
    program: str
    libraries: tuple[Path, ...]

    def binds(self) -> list[tuple[str, str]]:
        """Return what is bound where, below a directory of the image."""
        numbered = [(str(path), f"lib{number}") for number, path in enumerate(self.libraries)]
        return [(str(self.loader.resolve()), "loader"), (str(self.home), "python"), *numbered]

    def make_mount_points(self, directory: Path) -> None:
        for source, name in self.binds():
            if Path(source).is_dir():
                (directory / name).mkdir(parents=True)
            else:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).touch()

    def command(self, directory: str) -> list[str]:
        """--argv0 (glibc 2.33) tells Python where it lies, and so where its modules do."""
        python = f"{directory}/python/bin/{self.program}"
        # Its own first: a system may have a libpython of another release.
        places = ["python/lib", *(f"lib{number}" for number in range(len(self.libraries)))]
        search = ":".join(f"{directory}/{place}" for place in places)
        return [f"{directory}/loader", "--argv0", python, "--library-path", search, python]


def find_host_python(files: RuntimeFiles) -> HostPython | None:
    """None: the interpreter has no loader, or does not lie where Python has it."""
    try:
        loader = _interpreter(files.python)
        binaries = [files.python, *files.python_home.glob("lib/python*/lib-dynload/_ssl.*.so")]
        found = {library.parent for binary in binaries for library in _libraries(loader, binary)}
    except (OSError, subprocess.SubprocessError, struct.error, ValueError):
        return None
    if not files.python.is_relative_to(files.python_home):
        return None
    outside = sorted(path for path in found if not path.is_relative_to(files.python_home))
    return HostPython(loader, files.python_home, files.python.name, tuple(outside))


def _interpreter(program: Path) -> Path:
    """Read the loader's path from a program's headers: elf(5)."""
    with program.open("rb") as file:
        header = file.read(64)
        if not header.startswith(_ELF_64_LITTLE):
            raise ValueError("no program of 64 bits")
        [table] = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        for number in range(count):
            file.seek(table + number * size)
            kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", file.read(size))
            if kind == _PT_INTERP:
                file.seek(at)
                return Path(file.read(length).rstrip(b"\0").decode())
    raise ValueError("linked statically")


def _libraries(loader: Path, binary: Path) -> list[Path]:
    """Ask the loader what it would load: ld.so(8)."""
    command = [str(loader), "--list", str(binary)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PROOF_S, check=False, env={})
    return [Path(path) for path in _LIBRARY.findall(done.stdout)]
