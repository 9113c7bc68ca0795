"""Images in files: what `docker save` and `podman save` write, and OCI layouts.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from ..untrusted import Unfit, load
from .errors import ImageError
from .manifest import LONGEST

INDEX = "index.json"
LAYOUT = "oci-layout"
_DOCKER = "manifest.json"


class Store(Protocol):
    """Named files."""

    def open(self, name: str) -> IO[bytes] | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Saved:
    """An image in a file of Docker's: the names of its configuration and layers in that file, and its tags."""

    config: str
    tags: list[str]
    layers: list[str]


class DirectoryStore:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> IO[bytes] | None:
        try:
            return (self._path / name).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ImageError(f"{self._path / name} cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is open."""


class TarStore:
    """The members of a tar file, compressed or not."""

    def __init__(self, path: Path) -> None:
        import tarfile  # a layout needs none

        self._path = path
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 - closed by close()
            self._members = {member.name.removeprefix("./"): member for member in self._tar.getmembers()}
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise _no_image(path) from error
        except OSError as error:
            if error.strerror is None:  # of gzip and its kin
                raise _no_image(path) from error
            raise ImageError(f"{path} cannot be read: {error.strerror}") from error

    def open(self, name: str) -> IO[bytes] | None:
        member = self._members.get(name)
        try:
            return self._tar.extractfile(member) if member else None
        except KeyError as error:  # a link to nothing
            raise _no_image(self._path) from error

    def close(self) -> None:
        self._tar.close()


class Archive:
    """An image, or several, in a store."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path, self._store = path, store
        self._top = self._small(INDEX) or b""
        self._docker = self._small(_DOCKER) if not self._top else None
        if not self._top and self._docker is None:
            store.close()
            raise _no_image(path)

    @property
    def is_layout(self) -> bool:
        return bool(self._top)

    def index(self) -> bytes:
        return self._top

    def images(self) -> list[Saved]:
        """Return what Docker's manifest.json lists."""
        try:
            saved = [_docker_image(item) for item in load(self._docker or b"[]")]
        except (Unfit, TypeError, LookupError, AttributeError) as error:
            raise _no_image(self.path) from error
        if not saved:
            raise _no_image(self.path)
        return saved

    def small(self, name: str) -> bytes:
        """Return a manifest or a configuration."""
        body = self._small(name)
        if body is None:
            raise ImageError(f"{self.path} lacks {name}: save the image again")
        return body

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        file = self._store.open(name)
        if file is None:
            raise ImageError(f"{self.path} lacks {name}: save the image again")
        with file:
            yield file

    def close(self) -> None:
        self._store.close()

    def _small(self, name: str) -> bytes | None:
        file = self._store.open(name)
        if file is None:
            return None
        with file:
            body = file.read(LONGEST + 1)
        if len(body) > LONGEST:
            raise _no_image(self.path)
        return body


def blob_name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _docker_image(item: Any) -> Saved:
    saved = Saved(item["Config"], item.get("RepoTags") or [], item["Layers"])
    if not all(isinstance(name, str) for name in (saved.config, *saved.tags, *saved.layers)):
        raise Unfit("a name is none")
    return saved


def _no_image(path: Path) -> ImageError:
    return ImageError(
        f"{path} holds no container image: name a file of `docker save IMAGE -o FILE`, an OCI layout, or a directory "
        "that is a root file system"
    )
