"""What the command `display` prints, found again in a cell's output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .cell import Shown
from .function.display import END, START

CUT = "[… what `display` printed here was cut: %limit sets how much of a cell is shown …]\n"


class Bundles:
    """Parts text into what is plain and what is display data, however it is cut; each has a key of its own unless it
    was given an id."""

    def __init__(self, name: str) -> None:
        self._name, self._number, self._held = name, 0, ""

    def feed(self, text: str) -> Iterator[str | Shown]:
        self._held += text
        while (begin := self._held.find(START)) >= 0:
            end = self._held.find(END, begin)
            if end < 0:
                yield from self._plain(begin)
                return
            sequence = self._held[begin + len(START) : end]
            yield from self._plain(begin)
            self._held = self._held[end + len(END) - begin :]
            yield self._shown(sequence)
        yield from self._plain(len(self._held) - beginning(self._held))

    def finish(self) -> Iterator[str]:
        """What is held back, since nothing follows."""
        held, self._held = self._held, ""
        if held:
            yield CUT if held.startswith(START) else held

    def _plain(self, size: int) -> Iterator[str]:
        plain, self._held = self._held[:size], self._held[size:]
        if plain:
            yield plain

    def _shown(self, sequence: str) -> str | Shown:
        try:
            told: dict[str, Any] = json.loads(sequence)
            data, given = dict(told["data"]), told["id"]
        except (ValueError, KeyError, TypeError):
            return CUT
        self._number += 1
        return Shown(f"display {given}" if given else f"{self._name}.{self._number}", data)


def beginning(text: str) -> int:
    """How many characters at the end of a text may be the beginning of a sequence."""
    longest = min(len(START) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(START[:size])), 0)
