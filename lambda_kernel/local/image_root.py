"""A container image as an environment's root directory.

The image is bound read-only, as a whole where it has all mount points, else its directories one by one. Our function
and what runs it lie in a directory of their own, so that the image's /var/task and /var/runtime stay visible.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from . import bwrap
from .errors import ApiError, EngineError
from .host_python import HostPython, find_host_python
from .image_files import find_program, is_directory, resolved, root_options, text_of
from .runtime_files import BOOTSTRAP, GROUP, PASSWD, RuntimeFiles
from .settings import RootImage
from .variables import Places

OURS = "/var/lambda-kernel"
_HOST = f"{OURS}/host"
_PASSWD, _GROUP, _HOSTS, _RESOLVER = "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf"
# What an image is asked to have; directories end in a slash.
MOUNT_POINTS = ("/dev/", "/proc/", "/tmp/", f"{OURS}/", _PASSWD, _GROUP, _HOSTS, _RESOLVER)
_LAMBDA_PYTHON = "/var/lang/bin"
_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"
_OLDEST_PYTHON = (3, 10)  # of our function
_PROOF = "import sys, socket, json, zlib; print(*sys.version_info[:2])"
_REASON_CHARACTERS = 200
# Not for other Pythons than ours, and not needed to run.
_LEFT_OUT = shutil.ignore_patterns("*.so", "tests")
_RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py")
# Runs bubblewrap with these words. None: it could not be started, or did not end.
Run = Callable[[list[str]], "subprocess.CompletedProcess[bytes] | None"]


class ImageRoot:
    """directory: the engine's, for what is put into the image."""

    with_root = False  # the image's files are this machine's user's, and so is all in it

    def __init__(self, image: RootImage, files: RuntimeFiles, code: Path, directory: Path) -> None:
        self._image, self._files = image, files
        self.resolver = Path(_RESOLVER)  # another one, where the network is another one
        self._own, self._etc = directory / "image", directory / "etc"
        self._search = image.environment.get("PATH", _PATH)
        if find_program(image.root, "bash", self._search) is None:
            raise EngineError(
                f"the image {image.name} has no bash on its PATH: add one to it, such as by `RUN apk add bash` or `RUN "
                "microdnf install bash` in its Dockerfile, or choose another image"
            )
        self._points = {point: resolved(image.root, point) for point in MOUNT_POINTS}
        try:
            self._fixed = [*root_options(image.root, MOUNT_POINTS), *bwrap.kernel_options()]
        except OSError as error:
            raise EngineError(f"the image {image.name} cannot be read ({error}): choose another one") from error
        self._write(code)
        self._python: list[str] = []
        self._why = ""
        self._host_python: HostPython | None = None
        self.places = Places(own=self._variables())

    def choose_python(self, run: Run, own_network: bool) -> bool:
        """Choose a Python that runs. run: runs bubblewrap with these words. False: none does."""
        self._host_python, why = None, "it has none"
        own = find_program(self._image.root, "python3", f"{_LAMBDA_PYTHON}:{self._search}")
        if own is not None:
            version, why = self._try(run, own_network, [own])
            if version >= _OLDEST_PYTHON:
                self._use_own(own, version)
                return True
        self._host_python = find_host_python(self._files)
        if self._host_python is not None:
            self._host_python.make_mount_points(self._own / "host")
            self._python = self._host_python.command(_HOST)
            version, not_ours = self._try(run, own_network, self._python)
            if version >= _OLDEST_PYTHON:
                return True
            why += f", and this machine's does not run in it ({not_ours})"
        self._why = why
        return False

    def without_python(self) -> EngineError:
        """Say why none was found."""
        return EngineError(
            f"the image {self._image.name} has no Python 3.10 or newer, which the shell needs ({self._why}): add one "
            "to it, or choose an image such as public.ecr.aws/lambda/python:3.14"
        )

    def fixed_options(self) -> list[str]:
        return self._fixed

    def environment_options(self, tmp: Path, variables: Mapping[str, str]) -> list[str]:
        if not self._image.root.is_dir():
            raise ApiError(
                502,
                "CodeArtifactUserFailedException",
                f"the image {self._image.name} is no longer at {self._image.root}: it was removed while it was in use, "
                "so restart the kernel or the emulator, which pulls it again",
            )
        return [*self._binds(), *bwrap.last_options(tmp, self._working_directory(), variables)]

    def command(self) -> list[str]:
        # The image's variables are for the image's own Python.
        options = ["-E"] if self._host_python is not None else []
        return [*self._python, *options, f"{OURS}/runtime/{BOOTSTRAP.name}", "image"]

    def _binds(self) -> list[str]:
        """Bind what is added to the image."""
        accounts = [(str(self._etc / Path(at).name), at) for at in (_PASSWD, _GROUP, _HOSTS)]
        binds = [(str(self._own), f"{OURS}/"), *accounts]
        if self.resolver.exists():
            binds.append((str(self.resolver.resolve()), _RESOLVER))
        placed = [(source, self._points[at]) for source, at in binds]
        if self._host_python is not None:
            placed += [(source, f"{_HOST}/{name}") for source, name in self._host_python.binds()]
        return [word for source, at in placed for word in ("--ro-bind", source, at)]

    def _use_own(self, python: str, version: tuple[int, ...]) -> None:
        self._python = [python]
        if python.startswith(_LAMBDA_PYTHON):
            # AWS's /var/runtime/bootstrap sets it; a function of another image has none.
            runtime = f"AWS_Lambda_python{version[0]}.{version[1]}"
            self.places = Places(own={**self._variables(), "AWS_EXECUTION_ENV": runtime})

    def _try(self, run: Run, own_network: bool, python: list[str]) -> tuple[tuple[int, ...], str]:
        """Return a Python's version, which is empty if it does not run, and a sentence's middle about it."""
        done = run(self._words(own_network, python))
        if done is None:
            return (), f"{python[-1]} comes to no end"
        version = tuple(int(word) for word in done.stdout.split() if word.isdigit())
        if done.returncode == 0 and len(version) == 2:
            return version, f"{python[-1]} is {version[0]}.{version[1]}"
        reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"])[-1]
        return (), f"{python[-1]} does not run: {reason[:_REASON_CHARACTERS]}"

    def _words(self, own_network: bool, python: list[str]) -> list[str]:
        options = [*bwrap.namespace_options(own_network), *self._fixed, *self._binds(), "--remount-ro", "/"]
        # Not all variables: a command line is public.
        needed = [(name, value) for name, value in self._variables().items() if name in ("PATH", "LD_LIBRARY_PATH")]
        options += ["--clearenv", *(word for pair in needed for word in ("--setenv", *pair))]
        return [*options, "--", *python, "-I", "-S", "-c", _PROOF]

    def _working_directory(self) -> str:
        wanted = self._image.working_directory
        if not wanted:
            wanted = "/var/task" if is_directory(self._image.root, "/var/task") else "/"
        return wanted

    def _variables(self) -> dict[str, str]:
        return {"PATH": _PATH, "TZ": ":UTC", **self._image.environment, "PWD": self._working_directory()}

    def _write(self, code: Path) -> None:
        """Put together what is added to the image."""
        runtime = self._own / "runtime"
        runtime.mkdir(parents=True)
        shutil.copytree(code, self._own / "function")
        for path in (BOOTSTRAP, Path(__file__).with_name("runtime_client.py")):
            shutil.copy(path, runtime)
        for name, path in self._files.packages.items():
            if path.is_dir() and name in _RUNTIME:
                shutil.copytree(path, runtime / name, ignore=_LEFT_OUT, copy_function=_link)
            elif path.stem in _RUNTIME:
                _link(path, runtime / path.name)
        self._etc.mkdir()
        for file, needed in ((_PASSWD, PASSWD), (_GROUP, GROUP)):
            (self._etc / Path(file).name).write_text(_with_lines(text_of(self._image.root, file), needed))
        (self._etc / "hosts").write_text("127.0.0.1 localhost localhost.localdomain\n")


def _link(source: str | Path, target: str | Path) -> None:
    """Copy some fifty files in a tenth of the time; the sandbox cannot write to them.

    Other file systems and other owners' files (proc_sys_fs(5), protected_hardlinks) need a copy.
    """
    with contextlib.suppress(OSError):
        if not os.path.islink(source):  # some installers put links there
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _with_lines(text: str, needed: str) -> str:
    """Add users or groups of Lambda's, unless there are any of that name."""
    names = {line.partition(":")[0] for line in text.splitlines()}
    added = [line for line in needed.splitlines() if line.partition(":")[0] not in names]
    return "".join(f"{line}\n" for line in (*text.splitlines(), *added))
