"""Keeps directories open while something is done in them, so that no link can lead elsewhere meanwhile.

The kernel sends this file along, before files.py.
"""

from __future__ import annotations

import contextlib
import os
import typing
from collections.abc import Iterator

HELD = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@contextlib.contextmanager
def holding(path: bytes) -> Iterator[tuple[int, bytes]]:
    """The opened directory of a path, and the name in it.

    Links on the way are not followed: they were not there when the path was made.
    """
    directory, name = os.path.split(path.rstrip(b"/"))
    fd = opened(directory)
    try:
        yield fd, name or b"."
    finally:
        os.close(fd)


def opened(directory: bytes) -> int:
    """Open a directory without following links. macOS has a flag for that. Elsewhere each name is opened in turn, which
    needs no permission to read (open(2), O_PATH)."""
    if whole := getattr(os, "O_NOFOLLOW_ANY", 0):
        return os.open(directory or b".", HELD | whole)
    fd = os.open(b"/" if directory.startswith(b"/") else b".", HELD)
    for name in filter(None, directory.split(b"/")):
        try:
            below = os.open(name, HELD | os.O_NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd


def change(at: int, name: bytes, mode: int, times: tuple[int, int] | None = None) -> None:
    """Change the mode and times of a directory, but never of what a link leads to."""
    fd = os.open(name, HELD | os.O_NOFOLLOW, dir_fd=at)
    try:
        # What was opened with O_PATH can only be changed by its path (open(2)).
        held: typing.Any = f"/proc/self/fd/{fd}" if hasattr(os, "O_PATH") else fd
        os.chmod(held, mode)
        if times:
            os.utime(held, ns=times)
    finally:
        os.close(fd)
