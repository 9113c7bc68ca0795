"""Finds its way in an image's files: links are resolved as they will be with this root, and nothing is written.

A mount point that ends in a slash is a directory, another one is a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_MOST_LINKS = 40


def root_options(root: Path, points: Iterable[str]) -> list[str]:
    """Bind the image. What it has no mount points for makes its parents directories of our own."""
    missing = {resolved(root, point) for point in points if not _fits(root, point)}
    return list(_expose(root, Path("/"), missing))


def _expose(root: Path, inside: Path, missing: set[str]) -> Iterator[str]:
    here = Path(f"{root}{inside}")
    if not any(Path(point).is_relative_to(inside) for point in missing):
        yield from ("--ro-bind", str(here), str(inside))
        return
    if inside != Path("/"):
        yield from ("--dir", str(inside))
    for child in sorted(here.iterdir()):
        at = inside / child.name
        if str(at) in missing:
            continue
        if child.is_symlink():
            yield from ("--symlink", str(child.readlink()), str(at))
        elif child.is_dir():
            yield from _expose(root, at, missing)
        else:
            yield from ("--ro-bind", str(child), str(at))


def resolved(root: Path, point: str) -> str:
    """Where a mount point is once the links before it are resolved."""
    if _fits(root, point):
        return _inside(root, point.rstrip("/"))
    path = Path(point)
    return str(Path(_inside(root, str(path.parent)), path.name))


def _fits(root: Path, point: str) -> bool:
    there = _stat(root, _inside(root, point.rstrip("/")))
    return there is not None and (stat.S_ISDIR if point.endswith("/") else stat.S_ISREG)(there)


def is_directory(root: Path, path: str) -> bool:
    there = _stat(root, _inside(root, path))
    return there is not None and stat.S_ISDIR(there)


def find_program(root: Path, name: str, search: str) -> str | None:
    for directory in filter(None, search.split(":")):
        path = f"/{directory.strip('/')}/{name}"
        there = _stat(root, _inside(root, path))
        if there is not None and stat.S_ISREG(there) and there & 0o111:
            return path
    return None


def _inside(root: Path, path: str) -> str:
    """Resolve the links of a path as they are resolved with this root."""
    real: list[str] = []
    todo, links = path.split("/")[::-1], 0
    while todo:
        name = todo.pop()
        if name == "..":
            real = real[:-1]
        elif name not in ("", "."):
            real.append(name)
            here = Path(root, *real)
            if here.is_symlink() and links < _MOST_LINKS:
                links += 1
                target = os.readlink(here)
                real = [] if target.startswith("/") else real[:-1]
                todo += target.split("/")[::-1]
    return "/" + "/".join(real)


def _stat(root: Path, inside: str) -> int | None:
    try:
        return Path(f"{root}{inside}").lstat().st_mode
    except OSError:
        return None


def text_of(root: Path, path: str) -> str:
    try:
        return Path(f"{root}{_inside(root, path)}").read_text(errors="replace")
    except OSError:
        return ""
