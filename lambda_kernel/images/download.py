"""Gets blobs from a registry into the cache. A connection that is cut costs only what had not come yet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from .cache import Cache
from .errors import Cut, ImageError, damaged, writing
from .manifest import LONGEST, Descriptor
from .progress import Progress, Tell
from .registry import Registry

_FAILURES = 5
_PATIENCE_S = 0.5
_BLOCK = 1024 * 1024
T = TypeVar("T")


class Downloader:
    """sleep: waits some seconds before another attempt."""

    def __init__(self, registry: Registry, cache: Cache, name: str, tell: Tell, sleep: Callable[[float], None]) -> None:
        self._registry, self._cache, self._name = registry, cache, name
        self._tell, self._sleep = tell, sleep

    def manifest(self, wanted: str) -> bytes:
        return self._patiently(lambda: self._registry.manifest(wanted))

    def config(self, descriptor: Descriptor) -> bytes:
        """Return a blob of a few kilobytes."""
        if descriptor.size > LONGEST:
            raise damaged(f"the configuration of {self._name}")

        def read() -> bytes:
            body = b""
            with self._registry.blob(descriptor, 0) as (_, pieces):
                for piece in pieces:
                    body += piece
                    if len(body) > descriptor.size:
                        raise damaged(f"the configuration of {self._name}")
            return body

        return self._patiently(read)

    def layer(self, layer: Descriptor, base: int, total: int) -> IO[bytes]:
        """Open a layer in the cache; download it first if it is not there. base: bytes of the layers before it."""
        with self._cache.pull_alone(layer.digest):
            if not self._cache.blob(layer.digest).exists():
                self._download(layer, lambda done: self._tell(Progress("pulling", self._name, base + done, total)))
        return self._cache.blob(layer.digest).open("rb")

    def _download(self, layer: Descriptor, show: Callable[[int], None]) -> None:
        partial = self._cache.partial(layer.digest)

        def attempt() -> None:
            had = _size(partial)
            if had < layer.size or not partial.exists():
                self._continue(layer, partial, had, show)
            if _size(partial) < layer.size:
                raise Cut(f"the connection to the registry of {self._name} was cut: try again, and the rest will come")

        self._patiently(attempt, lambda: _size(partial))
        if _hash(partial, layer.digest) != layer.digest:
            partial.unlink()
            raise ImageError(
                f"a layer of {self._name} does not have the digest that its manifest names, so nothing of it was used: "
                "try again, and push the image again if that does not help"
            )
        partial.rename(self._cache.blob(layer.digest))

    def _continue(self, layer: Descriptor, partial: Path, had: int, show: Callable[[int], None]) -> None:
        with (
            self._registry.blob(layer, had) as (start, pieces),
            writing(self._cache.directory, "the image"),
            partial.open("ab") as file,
        ):
            if start != had:
                file.truncate(0)  # the registry knows no ranges, and begins anew
            done = file.tell() if start == had else 0
            for piece in pieces:
                done += len(piece)
                file.write(piece)
                show(min(done, layer.size))
                if done > layer.size:
                    break

    def _patiently(self, act: Callable[[], T], reached: Callable[[], int] = lambda: 0) -> T:
        """Try again where a connection is cut, and give up after a few attempts that came no farther."""
        failures, best = 0, reached()
        while True:
            try:
                return act()
            except Cut:
                now = reached()
                failures, best = (0, now) if now > best else (failures + 1, best)
                if failures >= _FAILURES:
                    raise
                self._sleep(_PATIENCE_S * 2**failures)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _hash(path: Path, like: str) -> str:
    algorithm = like.partition(":")[0]
    found = hashlib.new(algorithm)
    with path.open("rb") as file:
        while data := file.read(_BLOCK):
            found.update(data)
    return f"{algorithm}:{found.hexdigest()}"
