"""Folds the outputs of many runs: what is the same is kept once, with the runs that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ..session.cell import CellEvent, Emit, InputEnded, Notice, Output, Truncated, Waiting
from .displays import nameless
from .row import Ending

KEPT_BYTES = 16_000_000


class Collector:
    """An Emit that keeps what the command wrote. Jobs of other cells, and notices, are passed on.

    A notice of a later run that says the same is dropped: notified holds those that the experiment has passed on.
    """

    def __init__(self, emit: Emit, notified: set[CellEvent]) -> None:
        self._emit, self._notified = emit, notified
        self.streams: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.left_out: Truncated | None = None

    def __call__(self, cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output) and cell_event.job is None:
            self.streams[cell_event.stream] += cell_event.data
        elif isinstance(cell_event, Truncated) and not cell_event.jobs:
            self.left_out = cell_event
        elif isinstance(cell_event, Notice | InputEnded):
            self._notify(cell_event)
        elif not isinstance(cell_event, Waiting):  # an experiment's progress is shown as a whole
            self._emit(cell_event)

    def _notify(self, notice: Notice | InputEnded) -> None:
        if notice not in self._notified:
            self._notified.add(notice)
            self._emit(notice)


@dataclass
class Fold:
    """What runs with one ending wrote to a stream, and the repetitions that did. stream: empty if they wrote nothing.

    left_out: what of it was beyond the bound.
    """

    stream: str
    data: bytes
    ending: Ending
    left_out: Truncated | None = None
    runs: list[int] = field(default_factory=list)


@dataclass
class Folds:
    """The different outputs in the order in which they first came, by what is the same in equal ones. size: of them
    together, in bytes; most: how much that may be. unkept: the runs with an output for which there was no room."""

    most: int = KEPT_BYTES
    size: int = 0
    unkept: list[int] = field(default_factory=list)
    _by_output: dict[tuple[str, bytes, Ending], Fold] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self._by_output.values())

    def add(self, run: int, output: Collector, ending: Ending) -> bytes | None:
        """What is kept of its stdout. None: there was no room for it."""
        if ending.outcome in ("interrupted", "timed out"):  # the exit code is not shown, so it makes no difference
            ending = Ending(ending.outcome, None)
        written = [(stream, bytes(data)) for stream, data in output.streams.items() if data] or [("", b"")]
        left_out = output.left_out
        kept: dict[str, bytes | None] = {}
        for stream, data in written:
            kept[stream] = self._add(run, Fold(stream, data, ending, left_out))
            left_out = None
        return kept.get("stdout", b"")

    def sort(self) -> None:
        """By the first run that each output came from."""
        self._by_output = dict(sorted(self._by_output.items(), key=lambda item: min(item[1].runs)))

    def _add(self, run: int, fold: Fold) -> bytes | None:
        key = (fold.stream, nameless(fold.data), fold.ending)
        if key not in self._by_output:
            if not self._room(fold):
                if run not in self.unkept[-1:]:
                    self.unkept.append(run)
                return None
            self._by_output[key] = fold
            self.size += len(fold.data)
        kept = self._by_output[key]
        kept.runs.append(run)
        return kept.data

    def _room(self, fold: Fold) -> bool:
        """Each stream's first output finds room: it has the bound of a cell."""
        return self.size + len(fold.data) <= self.most or all(kept.stream != fold.stream for kept in self)


def ranges(numbers: Iterable[int]) -> str:
    """Such as `1-3,7`, as ClusterShell writes sets of nodes."""
    ordered = sorted(numbers)
    if not ordered:
        return ""
    breaks = [index for index, (one, two) in enumerate(pairwise(ordered), 1) if two != one + 1]
    parts = [ordered[begin:end] for begin, end in pairwise([0, *breaks, len(ordered)])]
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)
