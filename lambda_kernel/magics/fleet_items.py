"""The items of `%%fleet --map`: the lines of a file on this machine, or of the cell itself."""

from __future__ import annotations

import codecs
import os

from ..errors import UsageError
from ..transfer import Local, on_this_machine

MOST = 10_000
MOST_BYTES = 20_000_000
# Linux takes 131,072 bytes for one variable (MAX_ARG_STRLEN in its binfmts.h).
ITEM_BYTES = 100_000
OWN = "-"  # the lines below a line `--` in the cell
BELOW = "--"


def items_of(place: str | None, code: str) -> tuple[str, list[str] | None]:
    """The command, and the items for it. None: there are none, because none were asked for. Raises UsageError."""
    if place is None:
        return code, None
    if place == OWN:
        command, items = parted(code)
        return command, checked(items, "the cell")
    name, data = read(place)
    data = data.removeprefix(codecs.BOM_UTF8)  # as editors of Windows write it
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(10, 0, error.start) + 1
        raise UsageError(f"{name}: line {line} is no UTF-8 text: save it as UTF-8") from None
    return code, checked(text, name)


def parted(code: str) -> tuple[str, str]:
    lines = code.split("\n")
    if BELOW not in lines:
        raise UsageError("`--map -` takes the lines below a line `--` in the cell, and there is no such line")
    at = lines.index(BELOW)
    return "\n".join(lines[:at]), "\n".join(lines[at + 1 :])


def read(place: str) -> tuple[str, bytes]:
    """The file's name, for messages, and what is in it."""
    path = on_this_machine(place)
    name = Local().name(os.fsencode(path))
    try:
        if not path.is_file() and path.exists():
            raise UsageError(f"{name} on this machine is no regular file")
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{name} has more than {MOST_BYTES:,} bytes: split it")
        return name, path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {name} on this machine: {error.strerror}") from error


def checked(text: str, name: str) -> list[str]:
    """The items. Empty lines are none."""
    items = []
    for number, line in enumerate(text.split("\n"), 1):
        item = line.removesuffix("\r")
        if "\0" in item:
            raise UsageError(f"{name}: line {number} has a NUL byte, which no variable can hold")
        if len(item.encode("utf-8", "replace")) > ITEM_BYTES:
            raise UsageError(f"{name}: line {number} is longer than {ITEM_BYTES:,} bytes, as a variable may be")
        items += [item] if item else []
    if not items:
        raise UsageError(f"{name} has no items: write one a line")
    if len(items) > MOST:
        raise UsageError(f"{name} has {len(items):,} items: {MOST:,} are the most, so split it")
    return items
