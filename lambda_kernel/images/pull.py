"""From a reference to an image in the cache."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .archive import LAYOUT, Archive, DirectoryStore, TarStore
from .cache import Cache, Image, Record
from .credentials import Credentials, docker_credentials
from .errors import ImageError, writing
from .manifest import architecture
from .progress import Progress, Tell, nobody
from .reference import PathReference, Reference, RegistryReference, parse

if TYPE_CHECKING:
    from .sources import Found
    from .unpack import Bounds


class Puller:
    """Gets images into the cache.

    mount_points: directories (with a slash at the end) and files that an image is to have; they are made where it has
    none.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        credentials: Credentials | None = None,
        tell: Tell = nobody,
        mount_points: Sequence[str] = (),
        bounds: Bounds | None = None,
        machine: str = platform.machine(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cache, self._tell, self._sleep = cache, tell, sleep
        self._credentials = credentials or docker_credentials()
        self._mount_points, self._bounds = mount_points, bounds
        self._architecture = architecture(machine)

    def get(self, text: str) -> Image:
        """Open an image; pull it only if it is not here. Raises ImageError."""
        reference = parse(text)
        if isinstance(reference, PathReference) and reference.path.exists():
            return _in_place(reference) or self._pull(reference)
        image = self._pinned(reference)
        if image is None and isinstance(reference, PathReference):
            raise ImageError(
                f"there is no file {reference.path}: check the path; the name of an image in a registry begins with "
                "neither a dot nor a slash"
            )
        return image or self._pull(reference)

    def update(self, text: str) -> tuple[Image, bool]:
        """Pull what a reference means now. Return the image, and whether it is another one than before."""
        reference = parse(text)
        before = self._cache.pinned(str(reference), self._architecture)
        image = self.get(text) if isinstance(reference, PathReference) else self._pull(reference)
        if before not in (None, image.digest):
            self._cache.tidy()
        return image, image.digest != before

    def _pinned(self, reference: Reference) -> Image | None:
        digest = self._cache.pinned(str(reference), self._architecture)
        return self._cache.use(digest, str(reference)) if digest else None

    def _pull(self, reference: Reference) -> Image:
        name = str(reference)
        waiting = Progress("waiting for another pull of", name, 0, 0)
        with self._cache.pulling(), self._find(reference) as found:
            if not self._cache.has(found.digest):
                with self._cache.pull_alone(found.digest, lambda: self._tell(waiting)):
                    if not self._cache.has(found.digest):
                        self._unpack(found, name)
            if self._cache.pinned(name, self._architecture) != found.digest:
                self._cache.pin(name, self._architecture, found.digest)
        image = self._cache.use(found.digest, name)
        if image is None:
            raise ImageError(f"{name} was removed from the cache while it was pulled: try again")
        return image

    @contextlib.contextmanager
    def _find(self, reference: Reference) -> Iterator[Found]:
        if isinstance(reference, RegistryReference):
            # An image in the cache needs no HTTP, whose client takes long to load.
            from .download import Downloader
            from .registry import Registry
            from .sources import in_registry

            registry = Registry(reference, self._credentials)
            downloader = Downloader(registry, self._cache, str(reference), self._tell, self._sleep)
            yield in_registry(downloader, reference, self._architecture)
            return
        from .sources import in_file

        store = DirectoryStore(reference.path) if reference.path.is_dir() else TarStore(reference.path)
        with contextlib.closing(Archive(reference.path, store)) as archive:
            yield in_file(archive, reference, self._architecture)

    def _unpack(self, found: Found, name: str) -> None:
        from .new_root import make_root

        # All layers first: a connection that is cut costs no unpacking then.
        for layer in found.layers:
            with layer.open():
                pass
        with writing(self._cache.directory, "the image"), self._cache.new_image(found.digest) as new:
            unpacked = make_root(
                new / "root", found, name, mount_points=self._mount_points, bounds=self._bounds, tell=self._tell
            )
            record = Record(
                found.digest,
                found.config.architecture,
                dict(found.config.environment),
                found.config.working_directory,
                [layer.digest for layer in found.layers if layer.digest],
                unpacked,
            )
            self._cache.write_record(new, record)


def _in_place(reference: PathReference) -> Image | None:
    """A directory that is a root file system already."""
    path = reference.path
    if not path.is_dir() or reference.kind not in ("path", "directory"):
        return None
    if reference.kind == "path" and (path / LAYOUT).exists():
        return None
    return Image(str(reference), path.resolve())
