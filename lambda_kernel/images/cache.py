"""The images on this machine, shared by all kernels of a user.

Everything lies below one directory and is named by what it holds:

- `blobs/sha256-…`: layers as they were pulled; `….part`: one that is under way, or was cut.
- `images/sha256-…/root`: an unpacked image, and beside it `image.json`. It appears in one rename, when it is complete.
- `pins/…json`: which image a reference meant when it was pulled, so that a start needs no network.
- `locks/…`: flock(2) on these says who pulls, and who uses an image (shared) or removes it (exclusive). They are never
  removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from .errors import ImageError, writing
from .reference import DIGEST

_SHORT = 12


@dataclass(frozen=True)
class Image:
    """A root directory that can be used until it is closed. digest: empty for a directory of the user's."""

    name: str
    root: Path
    digest: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    working_directory: str = ""
    _lease: list[int] = field(default_factory=list, compare=False, repr=False)

    def close(self) -> None:
        """Others may remove it from now on."""
        while self._lease:
            os.close(self._lease.pop())


@dataclass(frozen=True)
class Record:
    """What image.json holds. bytes: unpacked."""

    digest: str
    architecture: str
    environment: dict[str, str]
    working_directory: str
    layers: list[str]
    bytes: int


@dataclass(frozen=True)
class Entry:
    """One line of `lambda-kernel images`."""

    record: Record
    references: list[str]
    in_use: bool


class Cache:
    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or user_cache_path("lambda-kernel") / "images"

    def prepare(self) -> None:
        with writing(self.directory, "the cache of images"):
            # An image may hold what everybody may write to.
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("blobs", "images", "pins", "locks"):
                (self.directory / name).mkdir(exist_ok=True)

    def blob(self, digest: str) -> Path:
        return self.directory / "blobs" / _name(digest)

    def partial(self, digest: str) -> Path:
        return self.directory / "blobs" / f"{_name(digest)}.part"

    @contextlib.contextmanager
    def new_image(self, digest: str) -> Iterator[Path]:
        """Give a directory to unpack into. It gets the image's name once all went well, else it is removed.

        The lock of its pull must be held.
        """
        path = self._image(digest)
        for left in path.parent.glob(f"{path.name}.new-*"):
            remove_tree(left)
        new = Path(tempfile.mkdtemp(prefix=f"{path.name}.new-", dir=path.parent))
        try:
            yield new
            remove_tree(path)  # what somebody has left of one that was here
            new.rename(path)
        except BaseException:
            remove_tree(new)
            raise

    def write_record(self, directory: Path, record: Record) -> None:
        (directory / "image.json").write_text(json.dumps(asdict(record)))

    def has(self, digest: str) -> bool:
        return self._record(digest) is not None

    def use(self, digest: str, name: str) -> Image | None:
        """Open an image, so that it is not removed while it is used. None: it is not here."""
        if not self.has(digest):
            return None
        lock = self._open_lock(digest)
        fcntl.flock(lock, fcntl.LOCK_SH)
        # Somebody may have removed it before the lock was ours.
        record = self._record(digest)
        if record is None:
            os.close(lock)
            return None
        root = self._image(digest) / "root"
        return Image(name, root, digest, record.environment, record.working_directory, [lock])

    @contextlib.contextmanager
    def pull_alone(self, digest: str, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let one at a time pull an image or a layer. wait: called before waiting for another one."""
        lock = self._open_lock(f"{digest}.pull")
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def pulling(self) -> Iterator[None]:
        """Keep the layers that no image has yet from being removed."""
        lock = self._open_lock("pulls")
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def pin(self, reference: str, architecture: str, digest: str) -> None:
        path = self._pin(reference, architecture)
        text = json.dumps({"reference": reference, "architecture": architecture, "digest": digest})
        new = path.with_suffix(f".{uuid.uuid4().hex}")
        with writing(path, "the cache of images"):
            new.write_text(text)
            new.rename(path)

    def pinned(self, reference: str, architecture: str) -> str | None:
        pin = _read_json(self._pin(reference, architecture))
        digest = pin.get("digest")
        return digest if isinstance(digest, str) and re.fullmatch(DIGEST, digest) else None

    def entries(self) -> list[Entry]:
        pins = self._pins()
        found = []
        for path in sorted((self.directory / "images").glob("sha*-*")):
            record = self._record(path.name.replace("-", ":", 1))
            if record is not None:
                names = sorted(pin["reference"] for pin in pins.values() if pin["digest"] == record.digest)
                in_use = not self._try(record.digest, lambda: None)
                found.append(Entry(record, names, in_use))
        return sorted(found, key=lambda entry: (entry.references, entry.record.digest))

    def remove(self, text: str) -> list[str]:
        """Remove what a reference or the beginning of a digest names. Return what has gone."""
        pins = {path: pin for path, pin in self._pins().items() if pin["reference"] == text}
        digests = {pin["digest"] for pin in pins.values()} or self._beginning_with(text)
        if not digests:
            raise ImageError(f"there is no image {text!r} in the cache: `lambda-kernel images` lists them")
        others = {pin["digest"] for path, pin in self._pins().items() if path not in pins} if pins else set()
        for digest in digests - others:
            if self._record(digest) and not self._try(digest, partial(self._drop, digest)):
                raise ImageError(f"{text} is in use by a kernel or an emulator: end it, and then remove the image")
        for path, pin in self._pins().items():
            if path in pins or pin["digest"] in digests - others:
                path.unlink(missing_ok=True)
        self.tidy()
        return sorted(digests - others)

    def tidy(self) -> None:
        """Remove images that no reference means any more, and layers that no image has, unless somebody needs them."""
        pinned = {pin["digest"] for pin in self._pins().values()}
        for entry in self.entries():
            if entry.record.digest not in pinned:
                self._try(entry.record.digest, partial(self._drop, entry.record.digest))
        self._try("pulls", self._drop_left_over)

    def _drop(self, digest: str) -> None:
        gone = Path(tempfile.mkdtemp(prefix="removed-", dir=self.directory / "images"))
        self._image(digest).rename(gone / "image")
        remove_tree(gone)

    def _drop_left_over(self) -> None:
        """Remove layers that no image has, and what pulls that were killed have left. Nobody pulls meanwhile."""
        for pattern in ("*.new-*", "removed-*"):
            for path in (self.directory / "images").glob(pattern):
                remove_tree(path)
        kept = {_name(layer) for entry in self.entries() for layer in entry.record.layers}
        for path in (self.directory / "blobs").iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _beginning_with(self, text: str) -> set[str]:
        digits = text.removeprefix("sha256:")
        known = {entry.record.digest for entry in self.entries()}
        return {
            digest for digest in known if len(digits) >= _SHORT // 2 and digest.partition(":")[2].startswith(digits)
        }

    def _pins(self) -> dict[Path, dict[str, Any]]:
        found = {path: _read_json(path) for path in (self.directory / "pins").glob("*.json")}
        return {
            path: pin
            for path, pin in found.items()
            if isinstance(pin.get("reference"), str) and isinstance(pin.get("digest"), str)
        }

    def _pin(self, reference: str, architecture: str) -> Path:
        name = hashlib.sha256(f"{architecture} {reference}".encode()).hexdigest()
        return self.directory / "pins" / f"{name}.json"

    def _record(self, digest: str) -> Record | None:
        path = self._image(digest)
        try:
            return Record(**_read_json(path / "image.json")) if (path / "root").is_dir() else None
        except TypeError:
            return None

    def _image(self, digest: str) -> Path:
        return self.directory / "images" / _name(digest)

    def _try(self, digest: str, act: Callable[[], None]) -> bool:
        """Act alone, or not at all."""
        lock = self._open_lock(digest)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            act()
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    def _open_lock(self, digest: str) -> int:
        self.prepare()
        with writing(self.directory, "the cache of images"):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            return os.open(self.directory / "locks" / _name(digest), flags, 0o600)


def short(digest: str) -> str:
    return digest.partition(":")[2][:_SHORT]


def remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _name(digest: str) -> str:
    return digest.replace(":", "-")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
