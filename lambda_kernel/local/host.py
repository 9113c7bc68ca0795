"""Finds out what this machine allows: how environments are isolated and frozen."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import bwrap
from .cgroups import Cgroup
from .errors import EngineError
from .groups import Groups, working_older, working_unified
from .isolation import Sandboxes
from .run_directory import RunDirectory
from .runtime_files import RuntimeFiles, find_runtime_files
from .sandbox import Launcher, PlainLauncher
from .settings import Settings


@dataclass(frozen=True)
class Host:
    """Questions to the machine. A test can give other answers."""

    platform: str = sys.platform
    which: Callable[[str], str | None] = shutil.which
    find_bwrap: Callable[[], str | None] = bwrap.find_bwrap
    find_files: Callable[[], RuntimeFiles] = find_runtime_files
    make_cgroup: Callable[[str, bool], Cgroup | None] = working_unified
    make_older_cgroup: Callable[[str, str], Cgroup | None] = working_older


@dataclass(frozen=True)
class Capabilities:
    """What was found to work."""

    launcher: Launcher
    groups: Groups
    notices: list[str] = field(default_factory=list)


def check_host(host: Host) -> RuntimeFiles:
    """Raise EngineError if nothing can run on this machine."""
    if host.platform != "linux":
        raise EngineError(
            "the local emulator runs on Linux only: use a function on AWS, or the emulator in a container "
            "(docs/how-to/macos-and-windows.md)"
        )
    if host.which("bash") is None:
        raise EngineError("the local emulator needs bash on PATH: install bash")
    return host.find_files()


def find_capabilities(settings: Settings, host: Host, files: RuntimeFiles, directory: RunDirectory) -> Capabilities:
    """Try what the settings allow, the best first."""
    notices: list[str] = []
    code = _directory(settings, directory)
    sandboxes = Sandboxes(settings, files, directory, program=host.find_bwrap(), which=host.which)
    launcher: Launcher | None = sandboxes.find(code)
    if launcher is None:
        runtime, task = directory.path / "runtime", directory.path / "task"
        files.link_into(runtime)
        # A copy, because commands start there, and must not write to the function's own directory.
        shutil.copytree(code, task)
        launcher = PlainLauncher(files, task, runtime)
        notices.append(
            f"commands run without isolation as user {_user()}, with this machine's files and /tmp: "
            + _isolated_by(settings, host)
        )
    elif launcher.storage.notice is not None:
        notices.append(launcher.storage.notice)
    # Last, so that a refusal before leaves no cgroup behind.
    try:
        groups = _groups(settings, host, directory, launcher.storage.in_memory)
    except EngineError:
        launcher.storage.close()
        raise
    if launcher.storage.in_memory or not groups.holds_memory():
        notices.append(f"the memory limit of {settings.memory_mb} MB is enforced by polling, so it is approximate")
    return Capabilities(launcher, groups, notices)


def _groups(settings: Settings, host: Host, directory: RunDirectory, in_memory: bool) -> Groups:
    name, throttled = directory.cgroup_name, settings.cpu == "lambda"
    unified = None if settings.freezer == "signals" else host.make_cgroup(name, throttled)
    if unified is None and settings.freezer == "cgroup":
        raise EngineError("this machine allows no cgroup that can be frozen: choose the freezer `signals`")
    # What is written to a /tmp in memory would count, so that only the monitor can hold the memory limit.
    wanted = [*(() if in_memory else ("memory",)), *(("cpu",) if throttled else ())]
    older = {controller: host.make_older_cgroup(controller, name) for controller in wanted}
    groups = Groups(unified, {controller: group for controller, group in older.items() if group is not None})
    directory.note_cgroups(group.path for group in groups)
    if throttled and not groups.throttles():
        groups.remove_with_children()
        raise EngineError(
            "--cpu lambda needs a cgroup that limits CPU time, and none is delegated to you: start Jupyter with "
            "`systemd-run --user --scope -p Delegate=yes jupyter lab`, or choose --cpu host"
        )
    return groups


def _directory(settings: Settings, directory: RunDirectory) -> Path:
    """The directory that becomes /var/task. A function may be one file."""
    if settings.code.is_dir():
        return settings.code
    alone = directory.path / "function"
    alone.mkdir()
    alone.chmod(0o755)
    copy = Path(shutil.copy2(settings.code, alone))
    copy.chmod(0o644)
    if settings.text is not None:
        copy.write_text(settings.text, "utf-8")
    return alone


def _isolated_by(settings: Settings, host: Host) -> str:
    """What to do about missing isolation."""
    if settings.isolation == "none":
        return "leave `--isolation none` out where nothing else isolates them, such as a container"
    if host.find_bwrap() is None:
        return "install bubblewrap or `pip install lambda-kernel[sandbox]`"
    return "bubblewrap does not work here, so allow user namespaces (in a container: docs/how-to/macos-and-windows.md)"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
