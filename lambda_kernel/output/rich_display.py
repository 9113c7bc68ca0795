"""Finds what the commands `display` and `clear` print in a cell's output."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..function.sent.display import CLEAR, END, JSON, MIME, PIECE_BYTES, START, shallow
from ..session.cell import Cleared, Notice
from .pages import Raw

CUT = Notice("a display was cut here: show more of a cell with %limit", "truncated")
ID_CHARACTERS = 200
SHELL = re.compile(r"[0-9a-f]{0,32}(;|$)")
PIECE = re.compile(rf"{re.escape(START)}[^;]*;([0-9a-f]{{8}});([0-9]{{1,5}})([+.])([\x20-\x7e]*){END}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REST = re.compile(rf"[\x20-\x7e]{{0,{PIECE_BYTES}}}{END}")


class DisplayParser:
    """Splits the text of one stream into plain text and displays, however the text is cut.

    Each display has its own key unless it was given an id. Any text may contain such sequences, so only those that name
    a shell of ours count.
    """

    def __init__(self, name: str, ours: Callable[[str], bool]) -> None:
        self._name, self._ours, self._held = name, ours, ""
        self._open: dict[str, list[str]] = {}  # by name, the pieces so far
        self._lost: set[str] = set()
        self._resume = False  # the text begins in the middle

    def feed(self, text: str) -> Iterator[str | Raw | Notice | Cleared]:
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
        """Some text is missing here."""
        within = bool(self._open) or self._held.startswith(START)
        yield from self.finish()
        self._resume = within

    def finish(self) -> Iterator[str | Notice]:
        """The text that was held back. Nothing follows."""
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
        """Drop the rest of a piece whose beginning is missing. False: it may go on."""
        if not CONTROL.search(self._held) and len(self._held) < PIECE_BYTES:
            return False
        self._resume = False
        if found := REST.match(self._held):
            self._held = self._held[found.end() :]
        return True

    def _whose(self) -> bool | None:
        """Whether the held sequence is ours. None: not known yet."""
        found = SHELL.match(self._held, len(START))
        if found is None:
            return False
        return self._ours(named(self._held)) if found[1] else None

    def _broken(self) -> int:
        """How much of the held text belongs to a piece without a proper end. 0: it may still get one."""
        found = CONTROL.search(self._held, len(START))
        if found is None:
            return PIECE_BYTES if len(self._held) >= PIECE_BYTES else 0
        return found.end() if found[0] == END else found.start()

    def _piece(self, name: str, number: int, last: bool, text: str) -> Iterator[Raw | Notice | Cleared]:
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

    def _shown(self, name: str, text: str) -> Raw | Notice | Cleared:
        try:
            # JSON can hold lone surrogates, and a message cannot.
            clean = json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
            message = json.loads(clean)
            if message == json.loads(CLEAR):
                return Cleared()
            data, given = message["data"], message["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return CUT
        if not valid(data) or not isinstance(given, str | None) or len(given or "") > ID_CHARACTERS:
            return CUT
        return Raw(f"display {given}" if given else f"{self._name}.{name}", data, message.get("height"))


def as_text(output: bytes) -> bytes:
    """With what `display` shows as text, as far as it is text, in place of what it has printed."""
    parser = DisplayParser("", lambda shell: True)
    parts = [*parser.feed(output.decode("utf-8", "surrogateescape")), *parser.finish()]
    lines = (part if isinstance(part, str) else f"{described(part)}\n" for part in parts)
    return "".join(lines).encode("utf-8", "surrogateescape")


def described(part: Raw | Notice | Cleared) -> str:
    if isinstance(part, Raw):
        return "\n".join(f"[display: {mime}]\n{text_of(mime, value)}" for mime, value in part.data.items())
    return f"[{part.text}]" if isinstance(part, Notice) else "[clear]"


def text_of(mime: str, value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return value if mime.startswith("text/") else f"SHA-256 {hashlib.sha256(value.encode()).hexdigest()}"


def named(text: str) -> str:
    """The shell that a sequence names."""
    return text[len(START) :].partition(";")[0]


def valid(data: Any) -> bool:
    """Whether a notebook can hold it: text by MIME type, or JSON (nbformat 4, mimebundle)."""
    return (
        isinstance(data, dict)
        and bool(data)
        and shallow(data)
        and all(MIME.fullmatch(key) and (isinstance(value, str) or JSON.fullmatch(key)) for key, value in data.items())
    )


def beginning(text: str) -> int:
    """How many characters at the end of a text may begin a sequence."""
    longest = min(len(START) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(START[:size])), 0)
