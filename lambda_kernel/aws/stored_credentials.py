"""Credentials of endpoints that are not AWS's, such as a local emulator in a container.

Each endpoint has one file in Jupyter's data directory, which only the user can read. `lambda-kernel install` writes it,
and `lambda-kernel uninstall` removes it with the last kernel that uses it. They are in no kernelspec, which others may
read, and no message shows them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .. import untrusted
from ..errors import BadCredentials
from ..untrusted import Unfit, load

MOST_BYTES = 1_000_000  # also of what is piped in: a container's whole log, perhaps
AGAIN = "run `lambda-kernel install --credentials FILE` again"
OPTIONS = ("function", "region", "endpoint_url")
WORD = untrusted.text(1_000, "[!-~]+")
URL = untrusted.text(1_000, "https?://[!-~]+")
KEYS = {"access_key_id": WORD, "secret_access_key": WORD}
OF_AN_EMULATOR = untrusted.record(KEYS, {"function": WORD, "region": WORD, "endpoint_url": URL})
OF_A_FILE = untrusted.record({**KEYS, "endpoint_url": URL, "kernels": untrusted.array(untrusted.text(4_096), 10_000)})


@dataclass(frozen=True)
class Stored:
    """What an endpoint's file holds. kernels: the directories of the kernelspecs that use it."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    kernels: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, str]:
        return self.access_key_id, self.secret_access_key


class CredentialStore:
    """The files of one user."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory

    @property
    def directory(self) -> Path:
        if self._directory is None:
            from jupyter_core.paths import jupyter_data_dir

            self._directory = Path(jupyter_data_dir()) / "lambda-kernel" / "endpoints"
        return self._directory

    def path(self, endpoint_url: str) -> Path:
        return self.directory / f"{hashlib.sha256(_canonical(endpoint_url).encode()).hexdigest()[:16]}.json"

    def find(self, endpoint_url: str) -> Stored | None:
        """Raises BadCredentials if the file cannot be used: then nothing else is tried in its place."""
        path = self.path(endpoint_url)
        try:
            with open(path, "rb") as file:
                _check_owner(path, os.fstat(file.fileno()))
                data = file.read(MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadCredentials(f"cannot read the credentials in {_shown(path)} ({error.strerror}): {AGAIN}") from None
        try:
            found = OF_A_FILE(load(data))
            return Stored(**found | {"kernels": tuple(found["kernels"])})
        except Unfit:
            raise BadCredentials(f"{_shown(path)} holds no credentials: {AGAIN}") from None

    def require(self, endpoint_url: str) -> Stored:
        found = self.find(endpoint_url)
        if found is None:
            raise BadCredentials(f"no credentials are stored for {endpoint_url}: {AGAIN}")
        return found

    def store(self, stored: Stored, kernel: Path) -> Path:
        """Write the file as a whole, for one more kernel. Raises OSError."""
        known = self._kernels(stored.endpoint_url)
        return self._write(replace(stored, kernels=tuple(dict.fromkeys([*known, str(kernel)]))))

    def release(self, endpoint_url: str, kernel: Path) -> Path | None:
        """The kernel is gone. Returns the file if it went too, as no other kernel uses it. Raises OSError."""
        with contextlib.suppress(BadCredentials):
            found = self.find(endpoint_url)
            left = tuple(one for one in self._kernels(endpoint_url) if one != str(kernel) and Path(one).exists())
            if found and left:
                self._write(replace(found, kernels=left))
                return None
        path = self.path(endpoint_url)
        existed = path.exists()
        path.unlink(missing_ok=True)
        return path if existed else None

    def _kernels(self, endpoint_url: str) -> tuple[str, ...]:
        """Those that use a file, even if it cannot be used."""
        try:
            found = self.find(endpoint_url)
        except BadCredentials:
            return ()
        return found.kernels if found else ()

    def _write(self, stored: Stored) -> Path:
        path = self.path(stored.endpoint_url)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".", dir=self.directory)  # for its owner alone
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(stored)) + "\n")
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return path


def read_line(text: str, options: Mapping[str, str | None]) -> tuple[Stored, dict[str, str]]:
    """The credentials of a line of `lambda-kernel local --json`, and the function that it names. Raises Unfit.

    The last line of JSON counts, so that a container's log can be piped in. options: they count before the line.
    """
    lines = [line for line in text.splitlines() if line.lstrip().startswith("{")]
    if not lines:
        raise Unfit("there is no line of JSON")
    line = OF_AN_EMULATOR(load(lines[-1].encode()))
    chosen = {name: word for name in OPTIONS if (word := options.get(name) or line.get(name))}
    missing = [f"--{name.replace('_', '-')}" for name in ("function", "endpoint_url") if name not in chosen]
    if missing:
        raise Unfit(f"it names no function with its endpoint: add {' and '.join(missing)}")
    return Stored(chosen["endpoint_url"], line["access_key_id"], line["secret_access_key"]), chosen


def _canonical(endpoint_url: str) -> str:
    parts = urlsplit(endpoint_url)
    return f"{parts.scheme}://{parts.netloc}".lower() + parts.path.rstrip("/")


def _shown(path: Path) -> str:
    """For an error that a notebook keeps: without the name of the user's home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _check_owner(path: Path, state: os.stat_result) -> None:
    """As ssh does with its keys. Windows has no such modes: there, a user's directory is the user's alone."""
    if sys.platform == "win32":
        return
    if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        shown = _shown(path)
        raise BadCredentials(
            f"others can read the credentials in {shown}: run `chmod 600 {shown}`, or {AGAIN} with new ones"
        )
