"""Finds the image that a reference means, for this machine, in a registry or in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import IO, TYPE_CHECKING

from . import manifest as formats
from .archive import Archive, blob_name
from .errors import ImageError, damaged
from .manifest import Config, Descriptor, Manifest
from .reference import PathReference, RegistryReference

if TYPE_CHECKING:
    from .download import Downloader

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
_INDEXES = 3  # one in the other; BuildKit's layouts have two


@dataclass(frozen=True)
class Layer:
    """size: as it is stored; digest: empty where a file of Docker's has none."""

    digest: str
    diff_id: str
    size: int
    open: Opener


@dataclass(frozen=True)
class Wanted:
    """name: for messages."""

    name: str
    architecture: str
    tag: str | None = None


@dataclass(frozen=True)
class Found:
    """An image, before anything of its layers has been read."""

    digest: str
    config: Config
    layers: tuple[Layer, ...]


def in_registry(downloader: Downloader, reference: RegistryReference, architecture: str) -> Found:
    wanted = Wanted(str(reference), architecture)
    body = downloader.manifest(reference.wanted)
    expected = reference.digest or formats.digest_of(body)
    digest, chosen = _follow(body, expected, lambda found: downloader.manifest(found.digest), wanted)
    config = _config(downloader.config(chosen.config), chosen.config, wanted.name)
    total = sum(layer.size for layer in chosen.layers)
    bases = accumulate((layer.size for layer in chosen.layers), initial=0)
    openers = [partial(downloader.layer, layer, base, total) for layer, base in zip(chosen.layers, bases, strict=False)]
    return _found(digest, config, list(zip(chosen.layers, openers, strict=True)), wanted)


def in_file(archive: Archive, reference: PathReference, architecture: str) -> Found:
    find = _in_layout if archive.is_layout else _saved_by_docker
    return find(archive, Wanted(str(reference), architecture, reference.tag))


def _in_layout(archive: Archive, wanted: Wanted) -> Found:
    body = archive.index()

    def read(descriptor: Descriptor) -> bytes:
        return archive.small(blob_name(descriptor.digest))

    digest, chosen = _follow(body, formats.digest_of(body), read, wanted)
    config = _config(read(chosen.config), chosen.config, wanted.name)
    openers = [partial(archive.open, blob_name(layer.digest)) for layer in chosen.layers]
    return _found(digest, config, list(zip(chosen.layers, openers, strict=True)), wanted)


def _saved_by_docker(archive: Archive, wanted: Wanted) -> Found:
    """An image that an older Docker saved. It is named by its configuration, as Docker does."""
    name, images = wanted.name, archive.images()
    fitting = [one for one in images if wanted.tag is None or any(_tagged(tag, wanted.tag) for tag in one.tags)]
    if len(fitting) != 1:
        tags = ", ".join(sorted(tag for one in images for tag in one.tags)) or "none"
        raise ImageError(f"{name} holds {len(images)} images: add the tag of one after a colon ({tags})")
    body = archive.small(fitting[0].config)
    config = formats.read_config(body, name)
    openers = [partial(archive.open, layer) for layer in fitting[0].layers]
    sizes = [Descriptor("", size) for size in _sizes(openers)]
    return _found(formats.digest_of(body), config, list(zip(sizes, openers, strict=True)), wanted)


def _follow(body: bytes, digest: str, read: Callable[[Descriptor], bytes], wanted: Wanted) -> tuple[str, Manifest]:
    """Go from an index to this machine's manifest."""
    name, tag = wanted.name, wanted.tag
    for _ in range(_INDEXES):
        if formats.digest_of(body, digest) != digest:
            raise damaged(f"the manifest of {name}")
        found = formats.read(body, name)
        if isinstance(found, Manifest):
            return digest, found
        descriptor = formats.choose(found, wanted.architecture, name, tag)
        body, digest, tag = read(descriptor), descriptor.digest, None
    raise damaged(f"the index of {name}")


def _config(body: bytes, descriptor: Descriptor, name: str) -> Config:
    if formats.digest_of(body, descriptor.digest) != descriptor.digest:
        raise damaged(f"the configuration of {name}")
    return formats.read_config(body, name)


def _found(digest: str, config: Config, layers: list[tuple[Descriptor, Opener]], wanted: Wanted) -> Found:
    if config.architecture != wanted.architecture:
        raise formats.other_machine(wanted.name, [f"linux/{config.architecture}"], wanted.architecture)
    if len(layers) != len(config.diff_ids):
        raise damaged(f"the configuration of {wanted.name}")
    pairs = zip(layers, config.diff_ids, strict=True)
    return Found(digest, config, tuple(Layer(layer.digest, diff_id, layer.size, go) for (layer, go), diff_id in pairs))


def _sizes(openers: Sequence[Opener]) -> Iterator[int]:
    for opener in openers:
        with opener() as file:
            yield file.seek(0, os.SEEK_END)


def _tagged(tag: str, wanted: str) -> bool:
    return tag == wanted or tag.rpartition(":")[2] == wanted
