"""Unpacks an image into a new root directory. Only a pull loads this, and what it takes layers apart with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .layers import LayerReader
from .progress import Progress, Tell
from .sources import Found
from .unpack import Bounds, Tree


def make_root(
    root: Path, found: Found, name: str, *, mount_points: Sequence[str], bounds: Bounds | None, tell: Tell
) -> int:
    """Return how many bytes it has. bounds: None for those that all images have."""
    root.mkdir(0o755)
    bounds = bounds or Bounds()
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        tree = Tree(descriptor, name, bounds)
        _apply(tree, found, name, 2 * bounds.bytes, tell)
        _make_mount_points(tree, mount_points, found.config.working_directory)
    finally:
        os.close(descriptor)
    return bounds.bytes - tree.bytes_left


def _apply(tree: Tree, found: Found, name: str, most: int, tell: Tell) -> None:
    """most: bytes of a layer; headers and padding count here, and not in the tree."""
    total, base = sum(layer.size for layer in found.layers), 0

    def show(count: int) -> None:
        tell(Progress("unpacking", name, base + count, total))

    for layer in found.layers:
        with layer.open() as file:
            reader = LayerReader(file, f"a layer of {name}", layer.diff_id, most, show)
            tree.apply(reader)
            reader.finish()
        base += layer.size


def _make_mount_points(tree: Tree, mount_points: Sequence[str], working_directory: str) -> None:
    points = [*mount_points, *([f"{working_directory}/"] if working_directory.strip("/") else [])]
    for point in points:
        tree.ensure(point, directory=point.endswith("/"))
