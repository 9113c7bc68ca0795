"""Finds out what a transfer would replace on this machine, and asks whether it may."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable

from .. import errors
from ..function.sent import files as file_ops
from .listing import Entry
from .local_side import Local

NAMED = 3  # in a sentence


class Overwriting:
    """may: asks whether the named files may be replaced; it can raise errors.KernelError."""

    def __init__(self, sink: Local, may: Callable[[str], bool]) -> None:
        self._sink, self._may = sink, may

    def refused(self, entries: Iterable[Entry]) -> str:
        """What must be kept; empty: go on. Raises errors.TransferFailed if something cannot be replaced."""
        names = [self._sink.name(entry.to) for entry in entries if self._is_taken(entry)]
        if not names:
            return ""
        what = f"{some(names)} {self._sink.where}"
        return "" if self._may(what) else f"{what} {'is' if len(names) == 1 else 'are'} kept"

    def _is_taken(self, entry: Entry) -> bool:
        try:
            with file_ops.about(entry.to):
                if entry.kind == file_ops.DIRECTORY:
                    return replaces_none(entry.to)
                return is_taken(entry.to, below=bool(entry.names))
        except file_ops.Failed as failed:
            where = f"{self._sink.name(entry.to)} {self._sink.where}"
            raise errors.TransferFailed(f"cannot write {where}: {failed.text}") from failed


def some(names: list[str], most: int = NAMED) -> str:
    """The first names, and how many more there are."""
    named = names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1:,} more"]
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)


def replaces_none(path: bytes) -> bool:
    """Directories are merged, so they replace nothing. Raises OSError if something else is there."""
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return False


def is_taken(path: bytes, below: bool) -> bool:
    """Whether a file or a link is there. Raises OSError if it cannot be replaced."""
    if not file_ops.may_be_replaced(path):
        return False
    # Directories that are copied are made writable for the time.
    if not below and not os.access(os.path.dirname(path) or b".", os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return True
