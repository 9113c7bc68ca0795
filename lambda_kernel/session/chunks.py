"""Turns the chunks of the function's answers into events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..function import index as wire
from .cell import CellEvent, InputEnded, Notice, Output, Truncated

GAP = re.compile(rb'\{"bytes": (\d{1,16}), "lines": (\d{1,16})(?:, "jobs": (true|false))?\}')
GAP_BYTES = 80  # a gap has no more
MESSAGES = 1_000  # for one cell: each is a display


class Chunks:
    """The chunks of one cell. An answer that was full may end within a chunk. execution_count: gives
    that of a cell from its sequence number."""

    def __init__(self, execution_count: Callable[[int], int]) -> None:
        self._execution_count = execution_count
        self._gap = self._note = b""  # the beginning of a gap or a note that is not whole yet
        self._messages = 0
        self._input_ended = False

    def read(self, kind: str, data: bytes) -> Iterator[CellEvent]:
        if kind == wire.GAP:
            yield from self._left_out(data)
        elif kind == wire.EOF:
            yield from [] if self._input_ended else [InputEnded()]
            self._input_ended = True
        elif kind == wire.NOTE:
            yield from self._job_messages(data)
        else:
            yield Output("stderr" if kind == wire.ERR else "stdout", data, self._job(kind))

    def finish(self) -> Iterator[CellEvent]:
        """Take the last message, which need not end its line."""
        yield from self._job_messages(b"\n")

    def _job(self, kind: str) -> int | None:
        return self._execution_count(int(kind.removeprefix(wire.JOB))) if kind.startswith(wire.JOB) else None

    def _left_out(self, data: bytes) -> Iterator[CellEvent]:
        """There may be two: the cell's, and that of its background jobs."""
        self._gap = (self._gap + data)[: 2 * GAP_BYTES]
        while found := GAP.match(self._gap):
            self._gap = self._gap[found.end() :]
            yield Truncated(int(found[1]), int(found[2]), found[3] == b"true")

    def _job_messages(self, data: bytes) -> Iterator[CellEvent]:
        *lines, self._note = (self._note + data).split(b"\n")
        if len(self._note) > wire.LINE_BYTES:
            lines, self._note = [*lines, self._note], b""
        for line in filter(bytes.strip, lines):
            self._messages += 1
            if self._messages <= MESSAGES:
                yield Notice(line.decode("utf-8", "replace"), "job")
            elif self._messages == MESSAGES + 1:
                yield Notice("bash has more messages about jobs than can be shown", "truncated")
