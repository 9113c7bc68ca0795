"""References to images: what users write, and which image that is.

`python:3.12` and `public.ecr.aws/lambda/python:3.14` name an image in a registry, as they do for Docker. A path
(`./image.tar`, `/srv/root`) names a file of `docker save`, an OCI layout or a root directory; `docker-archive:FILE`,
`oci:DIR`, `oci-archive:FILE` and `dir:DIR` say which, as they do for skopeo.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import ImageError

DOCKER_HUB = "docker.io"
DIGEST = r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+(?::[0-9]{1,5})?")
_LONGEST = 255

Kind = Literal["archive", "layout", "directory", "path"]
_PREFIXES: dict[str, Kind] = {
    "docker-archive": "archive",
    "oci-archive": "archive",
    "oci": "layout",
    "dir": "directory",
}


@dataclass(frozen=True)
class RegistryReference:
    """An image in a registry. The digest, where there is one, counts."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None = None

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}"
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def wanted(self) -> str:
        """The tag or digest to ask the registry for."""
        return self.digest or self.tag or "latest"


@dataclass(frozen=True)
class PathReference:
    """An image on this machine. tag: which image of a file or layout that holds several."""

    kind: Kind
    path: Path
    tag: str | None = None

    def __str__(self) -> str:
        prefix = {"archive": "docker-archive:", "layout": "oci:", "directory": "dir:", "path": ""}[self.kind]
        return f"{prefix}{self.path}" + (f":{self.tag}" if self.tag else "")


Reference = RegistryReference | PathReference


def parse(text: str, directory: Path | None = None) -> Reference:
    """Read a reference; paths are relative to the directory. Raises ImageError."""
    if not text or text != text.strip() or not text.isprintable():
        raise _wrong(text, "it is empty, or holds blanks or control characters at its ends")
    prefix, colon, rest = text.partition(":")
    if prefix == "docker" and rest.startswith("//"):
        return _in_registry(rest[2:])
    if colon and prefix in _PREFIXES:
        return _on_disk(_PREFIXES[prefix], rest, directory)
    if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return _on_disk("path", text, directory)
    return _in_registry(text)


def _on_disk(kind: Kind, text: str, directory: Path | None) -> PathReference:
    if not text:
        raise _wrong(text, "it names no file")

    def whole(path: str) -> Path:
        return ((directory or Path.cwd()) / os.path.expanduser(path)).absolute()

    # skopeo's form for one of several images. A file whose name has a colon is that file.
    path, _, tag = text.partition(":")
    if not path or kind == "directory" or whole(text).exists():
        path, tag = text, ""
    return PathReference(kind, whole(path), tag or None)


def _in_registry(text: str) -> RegistryReference:
    name, at, digest = text.partition("@")
    if at and not re.fullmatch(DIGEST, digest):
        raise _wrong(text, f"{digest!r} is not a digest (sha256: and 64 hexadecimal digits)")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    elif not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag!r} is not a tag")
    registry, repository = _split(head)
    if not _REGISTRY.fullmatch(registry):
        raise _wrong(text, f"{registry!r} is not the name of a registry")
    if not _REPOSITORY.fullmatch(repository) or len(repository) > _LONGEST:
        advice = ", which are in lower case" if repository.lower() != repository else ""
        raise _wrong(text, f"{repository!r} is not the name of a repository{advice}")
    return RegistryReference(registry, repository, tag or (None if digest else "latest"), digest or None)


def _split(name: str) -> tuple[str, str]:
    """Split off the registry by Docker's rule: https://pkg.go.dev/github.com/distribution/reference."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if first in ("index.docker.io", DOCKER_HUB):
            return DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
        return first, rest
    return DOCKER_HUB, name if slash else f"library/{name}"


def _wrong(text: str, why: str) -> ImageError:
    return ImageError(
        f"{text!r} names no image, because {why}: write it as in public.ecr.aws/lambda/python:3.14 or ./image.tar"
    )
