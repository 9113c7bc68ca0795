"""What a function's answers hold of a cell's output, as happenings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from .cell import Happening, InputEnded, LeftOut, Notice, Output
from .function import index as wire


class Chunks:
    """Of one cell. An answer that was full may have cut any chunk. label: what the user knows a cell by, of its
    sequence number."""

    def __init__(self, label: Callable[[int], int]) -> None:
        self._label = label
        self._gap = self._note = b""  # the beginning of what is not whole yet

    def read(self, kind: str, data: bytes) -> Iterator[Happening]:
        if kind == wire.GAP:
            yield from self._left_out(data)
        elif kind == wire.EOF:
            yield InputEnded()
        elif kind == wire.NOTE:
            yield from self._job_messages(data)
        else:
            yield Output("stderr" if kind == wire.ERR else "stdout", data, self._job(kind))

    def finish(self) -> Iterator[Happening]:
        """The last message need not end its line."""
        yield from self._job_messages(b"\n")

    def _job(self, kind: str) -> int | None:
        return self._label(int(kind.removeprefix(wire.JOB))) if kind.startswith(wire.JOB) else None

    def _left_out(self, data: bytes) -> Iterator[Happening]:
        self._gap += data
        if self._gap.endswith(b"}"):
            yield LeftOut(**json.loads(self._gap))

    def _job_messages(self, data: bytes) -> Iterator[Happening]:
        *lines, self._note = (self._note + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield Notice(line.decode("utf-8", "replace"), "job")
