"""Directories of ours over those of the host, so that the table of mounts does not list the host's files one by one.

An overlay is one mount, whatever it hides or replaces. An ordinary user may mount one since Linux 5.11, with a
character device 0/0 for each name that is hidden (https://docs.kernel.org/filesystems/overlayfs.html).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from .runtime_files import RuntimeFiles, write_accounts

_ETC = Path("/etc")
_SITE = "site"


class Layers:
    """Those of one engine, in its directory."""

    def __init__(self, directory: Path, files: RuntimeFiles, resolver: Path | None, hide: bool) -> None:
        self._etc, self._runtime, self._site = directory / "etc", directory / "runtime", directory / _SITE
        self._directory, self._packages, self._task = directory, files.packages, directory / "task"
        for made in (self._etc, self._runtime, self._task):
            made.mkdir(parents=True)
            made.chmod(0o755)  # what is on top gives the mode
        # One for all: a link costs less than a device.
        self._hidden = directory / "hidden"
        os.mknod(self._hidden, stat.S_IFCHR)
        self._fill_etc(resolver, hide)
        self._home = _home(files)
        if self._home is not None:
            self._fill_runtime(self._home)

    def etc_options(self) -> list[str]:
        return _overlay(_ETC, self._etc)

    def runtime_options(self) -> list[str] | None:
        """Return None where the packages lie in several directories."""
        return None if self._home is None else _overlay(self._site, self._runtime, "/var/runtime")

    def task_options(self, code: Path) -> list[str] | None:
        """Make it a file system of its own, as on Lambda, if its directory has a name that tells nothing."""
        ours = code.is_relative_to(self._directory.parent.resolve())
        return _overlay(code, self._task, "/var/task") if ours else None

    def _fill_etc(self, resolver: Path | None, hide: bool) -> None:
        write_accounts(self._etc)
        for path in unreadable(_ETC) if hide else ():
            hidden = self._etc / path.relative_to(_ETC)
            for parent in reversed(hidden.relative_to(self._etc).parents[:-1]):
                _like(_ETC / parent, self._etc / parent)
            os.link(self._hidden, hidden)
        known = _ETC / "resolv.conf"
        if resolver is not None or (known.is_symlink() and known.exists()):
            # It may point into /run, which is empty inside.
            shutil.copyfile(resolver or known, self._etc / known.name)
            (self._etc / known.name).chmod(0o644)

    def _fill_runtime(self, home: Path) -> None:
        for name in os.listdir(home):
            if name not in self._packages:
                os.link(self._hidden, f"{self._runtime}/{name}")
        for name, path in self._packages.items():
            if path.parent != home:
                shutil.copyfile(path, self._runtime / name)
                (self._runtime / name).chmod(0o644)


def site_options(directory: Path, files: RuntimeFiles) -> list[str]:
    """Give the directory of the packages a name that tells nothing: the table of mounts shows it."""
    home, site = _home(files), directory / _SITE
    site.mkdir(parents=True)
    return [] if home is None else ["--ro-bind", str(home), str(site)]


def make_layers(directory: Path, files: RuntimeFiles, resolver: Path | None, with_root: bool) -> Layers | None:
    """Return None where such devices cannot be made: before Linux 5.8 that took a privilege.

    with_root: root is another user than the function's in there, so that nothing has to be hidden from it.
    """
    try:
        return Layers(directory, files, resolver, hide=os.geteuid() == 0 and not with_root)
    except PermissionError:
        return None


def unreadable(directory: Path) -> Iterator[Path]:
    """Find what only root may read: the sandbox's user is root to the host when root runs it."""
    for parent, names, files in os.walk(directory):
        for name in list(names):
            path = Path(parent, name)
            if not path.is_symlink() and not path.stat().st_mode & stat.S_IXOTH:
                names.remove(name)
                yield path
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink() and not path.stat().st_mode & stat.S_IROTH:
                yield path


def _home(files: RuntimeFiles) -> Path | None:
    """Return the one directory that has all packages."""
    homes = {path.parent for path in files.packages.values() if not path.is_relative_to(Path(__file__).parent)}
    return homes.pop() if len(homes) == 1 else None


def _overlay(below: Path, above: Path, place: str | None = None) -> list[str]:
    return ["--overlay-src", str(below), "--overlay-src", str(above), "--ro-overlay", place or str(below)]


def _like(directory: Path, made: Path) -> None:
    made.mkdir(exist_ok=True)
    made.chmod(stat.S_IMODE(directory.stat().st_mode))
