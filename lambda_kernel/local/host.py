"""What this machine allows: how environments are isolated, and how they are frozen."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import bwrap
from .cgroups import Cgroup, working_parent
from .errors import EngineError
from .run_directory import RunDirectory
from .runtime_files import GROUP, PASSWD, RuntimeFiles, find_runtime_files
from .sandbox import BwrapLauncher, Launcher, PlainLauncher
from .settings import Settings


@dataclass(frozen=True)
class Host:
    """The questions that are put to the machine, so that a test can answer otherwise."""

    platform: str = sys.platform
    which: Callable[[str], str | None] = shutil.which
    find_bwrap: Callable[[], str | None] = bwrap.find_bwrap
    find_files: Callable[[], RuntimeFiles] = find_runtime_files
    make_cgroup: Callable[[str], Cgroup | None] = working_parent


@dataclass(frozen=True)
class Means:
    """What was found to work."""

    launcher: Launcher
    cgroup: Cgroup | None
    notices: list[str] = field(default_factory=list)


def check_host(host: Host) -> RuntimeFiles:
    """Raise EngineError where nothing can run at all."""
    if host.platform != "linux":
        raise EngineError("the local engine runs on Linux only: use a function on AWS, or a Linux machine or container")
    if host.which("bash") is None:
        raise EngineError("the local engine needs bash on PATH: install bash")
    return host.find_files()


def find_means(settings: Settings, host: Host, files: RuntimeFiles, directory: RunDirectory) -> Means:
    """Try what was asked for, best first."""
    notices: list[str] = []
    code = _directory(settings, directory)
    launcher = _sandboxed(settings, host, files, directory, code)
    if launcher is None:
        runtime, task = directory.path / "runtime", directory.path / "task"
        files.link_into(runtime)
        # A copy: commands start there, and what they write must not hit the function's own directory.
        shutil.copytree(code, task)
        launcher = PlainLauncher(files, task, runtime)
        notices.append(
            f"commands run unisolated as user {_user()}, with this machine's files and its /tmp: "
            "install bubblewrap or `pip install lambda-kernel[sandbox]`"
        )
    # Last, since what is refused before leaves none behind.
    cgroup = _cgroup(settings, host, directory)
    if cgroup is None or not cgroup.holds_memory():
        notices.append(f"the memory limit of {settings.memory_mb} MB is held by polling and so approximate")
    return Means(launcher, cgroup, notices)


def _cgroup(settings: Settings, host: Host, directory: RunDirectory) -> Cgroup | None:
    if settings.freezer == "signals":
        return None
    cgroup = host.make_cgroup(directory.cgroup_name)
    if cgroup is not None:
        directory.note_cgroup(cgroup.path)
    elif settings.freezer == "cgroup":
        raise EngineError("no cgroup can be made and frozen here: choose the freezer `signals`")
    return cgroup


def _directory(settings: Settings, directory: RunDirectory) -> Path:
    """What becomes /var/task: one file is a whole function, too."""
    if settings.code.is_dir():
        return settings.code
    alone = directory.path / "function"
    alone.mkdir()
    copy = Path(shutil.copy2(settings.code, alone))
    if settings.text is not None:
        copy.write_text(settings.text, "utf-8")
    return alone


def _sandboxed(
    settings: Settings, host: Host, files: RuntimeFiles, directory: RunDirectory, code: Path
) -> Launcher | None:
    if settings.isolation == "none":
        return None
    program = host.find_bwrap()
    if program is not None and bwrap.works(program, files):
        (directory.path / "passwd").write_text(PASSWD)
        (directory.path / "group").write_text(GROUP)
        return BwrapLauncher(program, files, code, directory.path)
    if settings.isolation == "bwrap":
        raise EngineError("bubblewrap does not work here: install it, or allow user namespaces")
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
