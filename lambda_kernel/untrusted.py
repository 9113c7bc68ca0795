"""Checks of all data that comes from outside.

JSON has to fit into any message, values have to have the expected types and sizes, and text must not leave its place on
the screen.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

DEEPEST = 40  # levels of JSON, so that recursive code can handle a message
VALUES = 400_000  # in one answer; a page of a file listing has some 100,000
WHOLE = 2**64  # times in nanoseconds are as large as that
HALVES = re.compile(r"\\u[dD]")  # surrogates in JSON, paired or not
LONE = re.compile("[\ud800-\udfff]")
COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")  # ECMA-48, SGR

T = TypeVar("T")
S = TypeVar("S")
Reader = Callable[[Any], T]


class Unfit(ValueError):
    """The value is not as expected."""


def load(body: bytes) -> Any:
    """Parse JSON (RFC 8259) without lone surrogates, within limits of depth and length. Raises Unfit."""
    try:
        text = body.decode()
        if sum(map(text.count, ",[{")) > 2 * VALUES:  # it would take seconds
            raise Unfit("it holds too many values")
        value = DECODER.decode(text)
        _walk(value)
        if HALVES.search(text):
            value = json.loads(LONE.sub("?", json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        raise Unfit(f"it is not usable JSON: {error}") from error
    return value


def _no_number(name: str) -> float:
    raise Unfit(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise Unfit("a number is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > 21 or not -WHOLE < int(text) < WHOLE:
        raise Unfit("a number is too large")
    return int(text)


DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite, parse_int=_whole)


def _walk(value: Any) -> None:
    level, count = [value], 0
    for _ in range(DEEPEST + 1):
        count += len(level)
        if count > VALUES:
            raise Unfit("it holds too many values")
        below = [item for item in level if isinstance(item, dict | list)]
        if not below:
            return
        level = [part for item in below for part in (item.values() if isinstance(item, dict) else item)]
    raise Unfit("it is too deep")


def visible(text: str, most: int, keep: str = "") -> str:
    """Text for people. Control characters, which could move the cursor or reverse the text, are escaped, except
    keep."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() or one in keep else repr(one)[1:-1] for one in cut)


def coloured(text: str, most: int) -> str:
    """The same for text that may have lines and colours, such as a prompt."""
    parts, at = [], 0
    text = text[:most]
    for found in COLOURS.finditer(text):
        parts += [visible(text[at : found.start()], most, "\n\t"), found[0]]
        at = found.end()
    return "".join([*parts, visible(text[at:], most, "\n\t")])


# Readers. Each takes a value and returns it with its type, or raises Unfit.


def whole(least: int, most: int) -> Reader[int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Unfit("no such number")
        return value

    return read


def number(least: float, most: float) -> Reader[float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise Unfit("no such number")
        return value

    return read


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("neither true nor false")
    return value


def text(most: int, form: str = "(?s:.*)") -> Reader[str]:
    """The text unchanged."""
    pattern = re.compile(form, re.ASCII)

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
            raise Unfit("no such text")
        return value

    return read


def shown(most: int, keep: str = "") -> Reader[str]:
    """Text for people, cut if it is too long."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit("no text")
        return visible(value, most, keep)

    return read


def one_of(*values: str) -> Reader[str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise Unfit("none of what it can be")
        return value

    return read


def packed(most: int) -> Reader[bytes]:
    """Bytes in base64."""

    def read(value: Any) -> bytes:
        if not isinstance(value, str) or len(value) > 4 * (most // 3 + 1):
            raise Unfit("no such bytes")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unfit("no base64") from error

    return read


def maybe(reader: Reader[T]) -> Reader[T | None]:
    return lambda value: None if value is None else reader(value)


def array(reader: Reader[T], most: int, least: int = 0) -> Reader[list[T]]:
    def read(value: Any) -> list[T]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Unfit("no such list")
        return [reader(item) for item in value]

    return read


def row(*readers: Reader[Any]) -> Reader[tuple[Any, ...]]:
    """A list with a reader for each item."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(readers):
            raise Unfit("no such row")
        return tuple(reader(item) for reader, item in zip(readers, value, strict=True))

    return read


def table(names: Reader[str], reader: Reader[T], most: int) -> Reader[dict[str, T]]:
    """An object with unknown names."""

    def read(value: Any) -> dict[str, T]:
        if not isinstance(value, dict) or len(value) > most:
            raise Unfit("no such object")
        return {names(name): reader(item) for name, item in value.items()}

    return read


def record(needed: Mapping[str, Reader[Any]], optional: Mapping[str, Reader[Any]] | None = None) -> Reader[Any]:
    """An object with these names. Other names are dropped."""
    readers = {**(optional or {}), **needed}

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or any(name not in value for name in needed):
            raise Unfit("something is missing")
        return {name: reader(value[name]) for name, reader in readers.items() if name in value}

    return read
