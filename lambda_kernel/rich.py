"""What the commands `display` and `clear` print, found again in a cell's output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from .cell import Cleared, Notice, Shown
from .function.display import CLEAR, END, JSON, MIME, PIECE_BYTES, START, shallow

CUT = Notice("what `display` printed here was cut: %limit sets how much of a cell is shown", "truncated")
SHELL = re.compile(r"[0-9a-f]{0,32}(;|$)")
PIECE = re.compile(rf"{re.escape(START)}[^;]*;([0-9a-f]{{8}});([0-9]{{1,5}})([+.])([\x20-\x7e]*){END}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REST = re.compile(rf"[\x20-\x7e]{{0,{PIECE_BYTES}}}{END}")


class Bundles:
    """Parts the text of one stream into what is plain and what is display data, however it is cut; each has a key of
    its own unless it was given an id. Only what names a shell that is ours counts: any text may hold such sequences."""

    def __init__(self, name: str, ours: Callable[[str], bool]) -> None:
        self._name, self._ours, self._held = name, ours, ""
        self._open: dict[str, list[str]] = {}  # by name, the pieces so far
        self._lost: set[str] = set()
        self._resume = False  # the text begins in the middle

    def feed(self, text: str) -> Iterator[str | Shown | Notice | Cleared]:
        self._held += text
        if self._resume and not self._skip():
            return
        while (begin := self._held.find(START)) >= 0:
            yield from self._plain(begin)
            ours = self._whose()
            if ours is None:
                return
            if not ours:
                yield from self._plain(len(START))
            elif found := PIECE.match(self._held):
                self._held = self._held[found.end() :]
                yield from self._piece(found[1], int(found[2]), found[3] == ".", found[4])
            elif end := self._broken():
                self._held = self._held[end:]
                yield CUT
            else:
                return
        yield from self._plain(len(self._held) - beginning(self._held))

    def gap(self) -> Iterator[str | Notice]:
        """Some of the text is left out here."""
        within = bool(self._open) or self._held.startswith(START)
        yield from self.finish()
        self._resume = within

    def finish(self) -> Iterator[str | Notice]:
        """What is held back, since nothing follows."""
        held, self._held = self._held, ""
        cut = bool(self._open) or bool(held.startswith(START) and self._ours(named(held)))
        self._lost.update(self._open)
        self._open.clear()
        self._resume = False
        if cut:
            yield CUT
        elif held:
            yield held

    def _plain(self, size: int) -> Iterator[str]:
        plain, self._held = self._held[:size], self._held[size:]
        if plain:
            yield plain

    def _skip(self) -> bool:
        """Drop the rest of a piece whose beginning is left out; False while that may go on."""
        if not CONTROL.search(self._held) and len(self._held) < PIECE_BYTES:
            return False
        self._resume = False
        if found := REST.match(self._held):
            self._held = self._held[found.end() :]
        return True

    def _whose(self) -> bool | None:
        """Whether the sequence that is held is ours; None as long as it cannot be told."""
        found = SHELL.match(self._held, len(START))
        if found is None:
            return False
        return self._ours(named(self._held)) if found[1] else None

    def _broken(self) -> int:
        """How much of what is held belongs to a piece that has no proper end; 0 while it may get one."""
        found = CONTROL.search(self._held, len(START))
        if found is None:
            return PIECE_BYTES if len(self._held) >= PIECE_BYTES else 0
        return found.end() if found[0] == END else found.start()

    def _piece(self, name: str, number: int, last: bool, text: str) -> Iterator[Shown | Notice | Cleared]:
        if number == 0:
            self._open[name] = []
        pieces = self._open.get(name, [])
        if number != len(pieces) or name not in self._open:
            self._open.pop(name, None)
            if name not in self._lost:
                self._lost.add(name)
                yield CUT
            return
        pieces.append(text)
        if last:
            del self._open[name]
            yield self._shown(name, "".join(pieces))

    def _shown(self, name: str, text: str) -> Shown | Notice | Cleared:
        try:
            # Half a character, which JSON can name, fits into no message.
            clean = json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
            told = json.loads(clean)
            if told == json.loads(CLEAR):
                return Cleared()
            data, given = told["data"], told["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return CUT
        if not valid(data) or not isinstance(given, str | None):
            return CUT
        return Shown(f"display {given}" if given else f"{self._name}.{name}", data)


def named(text: str) -> str:
    """The shell that a sequence names."""
    return text[len(START) :].partition(";")[0]


def valid(data: Any) -> bool:
    """Whether a notebook can hold it: text by MIME type, or what JSON there is (nbformat 4, mimebundle)."""
    return (
        isinstance(data, dict)
        and bool(data)
        and shallow(data)
        and all(MIME.fullmatch(key) and (isinstance(value, str) or JSON.fullmatch(key)) for key, value in data.items())
    )


def beginning(text: str) -> int:
    """How many characters at the end of a text may be the beginning of a sequence."""
    longest = min(len(START) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(START[:size])), 0)
