"""Manifests, indexes and configurations, of the OCI image format and of Docker's schema 2.

https://github.com/opencontainers/image-spec/blob/main/manifest.md, image-index.md and config.md. All of it comes from
outside, and what does not fit is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..untrusted import Unfit, load, visible
from .errors import ImageError
from .reference import DIGEST

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
# BuildKit marks attestations so: https://docs.docker.com/build/metadata/attestations/attestation-storage/
_ATTESTATION = "vnd.docker.reference.type"
TAG_ANNOTATION = "org.opencontainers.image.ref.name"
LONGEST = 4 * 1024 * 1024  # "registries SHOULD support at least 4 megabytes" of a manifest (distribution-spec)
MOST_LAYERS = 1000  # Docker allows 127

# Python's names of machines -> the image format's (Go's).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}


@dataclass(frozen=True)
class Descriptor:
    """Names a blob: its digest is what its bytes must hash to."""

    digest: str
    size: int


@dataclass(frozen=True)
class Choice:
    """One image of an index."""

    descriptor: Descriptor
    platform: str
    tag: str | None


@dataclass(frozen=True)
class Manifest:
    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True)
class Config:
    """What of an image's configuration matters here."""

    architecture: str
    diff_ids: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: str


def architecture(machine: str) -> str:
    return _ARCHITECTURES.get(machine.lower(), machine)


def digest_of(data: bytes, like: str = "sha256:") -> str:
    """Hash bytes with the algorithm of another digest."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def read(body: bytes, name: str) -> Manifest | tuple[Choice, ...]:
    """Read a manifest, or the images of an index."""
    value = _object(body, name)
    if value.get("schemaVersion") == 1:
        raise ImageError(f"{name} is in Docker's format of before 2016, which has no digests: push it again")
    try:
        if "manifests" in value:
            return tuple(_choice(item) for item in _list(value["manifests"]) if not _is_attestation(item))
        layers = tuple(_descriptor(item) for item in _list(value.get("layers"), MOST_LAYERS))
        return Manifest(_descriptor(value.get("config")), layers)
    except Unfit as error:
        raise _bad(name, error) from None


def choose(choices: Sequence[Choice], wanted: str, name: str, tag: str | None) -> Descriptor:
    """Choose the image for an architecture, and with a tag if one is named."""
    tagged = [choice for choice in choices if tag is None or choice.tag == tag]
    if tag is not None and not tagged:
        known = ", ".join(sorted({visible(choice.tag, 60) for choice in choices if choice.tag})) or "none"
        raise ImageError(f"{name} holds no image with the tag {tag!r}: choose one of its tags ({known})")
    # An index of one image need not name its platform.
    fitting = [choice for choice in tagged if choice.platform in (f"linux/{wanted}", "")]
    if not fitting:
        raise other_machine(name, [choice.platform for choice in tagged], wanted)
    if tag is None and len({choice.tag for choice in fitting}) > 1:
        tags = ", ".join(sorted(visible(str(choice.tag), 60) for choice in fitting))
        raise ImageError(f"{name} holds several images: add one of the tags {tags} after a colon")
    return fitting[0].descriptor


def read_config(body: bytes, name: str) -> Config:
    value = _object(body, name)
    try:
        root, settings = _dict(value.get("rootfs")), _dict(value.get("config") or {})
        diff_ids = tuple(_digest(item) for item in _list(root.get("diff_ids")))
        return Config(
            _text(value.get("architecture") or ""),
            diff_ids,
            dict(_variable(item) for item in _list(settings.get("Env") or [])),
            _absolute(_text(settings.get("WorkingDir") or "")),
        )
    except Unfit as error:
        raise _bad(name, error) from None


def other_machine(name: str, platforms: Sequence[str], wanted: str) -> ImageError:
    there = ", ".join(sorted({visible(platform, 40) for platform in platforms if platform})) or "no platform"
    return ImageError(
        f"{name} is for {there} and not for this machine's linux/{wanted}: name an image for linux/{wanted}, or build "
        f"it with `docker build --platform linux/{wanted}`"
    )


def _object(body: bytes, name: str) -> dict[str, Any]:
    try:
        return _dict(load(body))
    except Unfit as error:
        raise _bad(name, error) from None


def _bad(name: str, error: Exception) -> ImageError:
    return ImageError(f"{name} is no usable image ({visible(str(error), 200)}): push or save it again")


def _choice(item: Any) -> Choice:
    value = _dict(item)
    platform = _dict(value.get("platform") or {})
    annotations = _dict(value.get("annotations") or {})
    named = "/".join(_text(platform.get(key) or "") for key in ("os", "architecture")) if platform else ""
    tag = annotations.get(TAG_ANNOTATION)
    return Choice(_descriptor(value), named, None if tag is None else _text(tag))


def _is_attestation(item: Any) -> bool:
    value = _dict(item)
    platform = _dict(value.get("platform") or {})
    return _ATTESTATION in _dict(value.get("annotations") or {}) or platform.get("os") == "unknown"


def _descriptor(item: Any) -> Descriptor:
    value = _dict(item)
    size = value.get("size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise Unfit("a blob has no size")
    return Descriptor(_digest(value.get("digest")), size)


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(DIGEST, value):
        raise Unfit("a digest is none")
    return value


def _variable(value: Any) -> tuple[str, str]:
    name, _, content = _text(value).partition("=")
    if not name:
        raise Unfit("a variable has no name")
    return name, content


def _absolute(path: str) -> str:
    """Old builders leave the first slash out."""
    return path if not path or path.startswith("/") else f"/{path}"


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise Unfit("a text is none")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit("an object is missing")
    return value


def _list(value: Any, most: int = 10_000) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise Unfit("a list is missing or too long")
    return value
