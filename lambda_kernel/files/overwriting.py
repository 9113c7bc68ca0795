"""What would be replaced on this machine, and whether it may be."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable

from .. import errors
from ..function import files as far
from .sides import Local

NAMED = 3  # in a sentence
Place = tuple[str, bytes, bool]  # the kind of what comes there, the path, and whether a link is followed


class Overwriting:
    """may: whether what is named may be replaced; it can raise errors.KernelError."""

    def __init__(self, sink: Local, may: Callable[[str], bool]) -> None:
        self._sink, self._may = sink, may

    def refused(self, places: Iterable[Place]) -> str:
        """What is to be kept; empty: all may go on. Raises errors.TransferFailed for what cannot be replaced."""
        names = [self._name(place) for place in places if self._is_taken(place)]
        if not names:
            return ""
        what = f"{some(names)} {self._sink.where}"
        return "" if self._may(what) else f"{what} {'is' if len(names) == 1 else 'are'} kept"

    def _is_taken(self, place: Place) -> bool:
        kind, path, through = place
        try:
            with far.about(path):
                return replaces_none(path) if kind == far.DIRECTORY else is_taken(path, through)
        except far.Failed as failed:
            where = f"{self._sink.name(path)} {self._sink.where}"
            raise errors.TransferFailed(f"cannot write {where}: {failed.text}") from failed

    def _name(self, place: Place) -> str:
        _, path, through = place
        leads = f" (a link to {self._sink.name(os.readlink(path))})" if through and os.path.islink(path) else ""
        return self._sink.name(path) + leads


def some(names: list[str]) -> str:
    """The first of them, and how many more."""
    named = names if len(names) <= NAMED else [*names[: NAMED - 1], f"{len(names) - NAMED + 1:,} more"]
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)


def replaces_none(path: bytes) -> bool:
    """Directories are merged: they replace nothing. Raises OSError where something else is."""
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return False


def is_taken(path: bytes, through: bool) -> bool:
    """Whether a file or a link is there. Raises OSError when it has to stay."""
    if through and os.path.islink(path) and not os.path.exists(path):
        raise OSError(errno.ENOENT, "it is a link that leads nowhere")  # cp writes through none either
    place = far.lands(path, through)
    if not far.may_be_replaced(place):
        return False
    # Directories that come along are made writable on the way.
    if through and not os.access(os.path.dirname(place) or b".", os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return True
