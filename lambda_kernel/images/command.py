"""`lambda-kernel images`: lists, updates and removes the images in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from ..untrusted import visible
from .cache import Cache, Entry, short
from .errors import ImageError
from .pull import Puller
from .reference import PathReference, parse

_CHARACTERS = 200


@dataclass(frozen=True)
class Wish:
    """What the command line asks for. pull: references, none of them for all; None: not asked for."""

    pull: Sequence[str] | None = None
    remove: Sequence[str] | None = None


def run(wish: Wish, cache: Cache, make_puller: Callable[[], Puller], out: TextIO) -> None:
    """Do it. Raises ImageError."""
    for text in wish.remove or ():
        gone = cache.remove(_reference(text))
        what = f" ({short(gone[0])})" if gone else "; its image stays, since another reference means it"
        out.write(f"Removed {text}{what}\n")
    if wish.pull is not None:
        _pull(wish.pull or _in_registries(cache), make_puller(), out)
    if wish.pull is None and wish.remove is None:
        out.write(_table(cache.entries()) or f"There are no images in {cache.directory}\n")


def _pull(texts: Sequence[str], puller: Puller, out: TextIO) -> None:
    if not texts:
        out.write("There are no images from registries\n")
    for text in texts:
        image, new = puller.update(text)
        image.close()
        what = "is now" if new else "is still"
        out.write(f"{image.name} {what} {short(image.digest)}\n" if image.digest else f"{image.name} is a directory\n")


def _in_registries(cache: Cache) -> list[str]:
    names = [name for entry in cache.entries() for name in entry.references]
    return [name for name in names if not isinstance(parse(name), PathReference)]


def _reference(text: str) -> str:
    """The cache's name for it; the beginning of a digest stays what it is."""
    try:
        return text if text.startswith("sha256:") or _is_hexadecimal(text) else str(parse(text))
    except ImageError:
        return text


def _is_hexadecimal(text: str) -> bool:
    return len(text) >= 6 and not set(text) - set("0123456789abcdef")


def _table(entries: Sequence[Entry]) -> str:
    rows = [("IMAGE", "DIGEST", "MB", "")] if entries else []
    for entry in entries:
        about = (short(entry.record.digest), f"{entry.record.bytes / 1e6:,.1f}", "in use" if entry.in_use else "")
        rows += [(visible(name, _CHARACTERS), *about) for name in entry.references or ["(none)"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)
