"""How much of a cell's output is shown."""

from __future__ import annotations

from dataclasses import dataclass

from ..session.cell import CellEvent, Emit, Notice, Output, Truncated

MEGABYTES_FROM = 100_000  # fewer bytes are told exactly
HOW = (
    "`%limit none` at the head of the cell shows all. `%%output FILE` in its first line writes all of stdout to a file "
    "on the kernel's machine. Either way the command runs again: what was left out was not kept."
)

# An experiment's magic takes the cell, so that no %%output can stand in it.
HOW_OF_RUNS = (
    "`%limit` above the magic, such as `%limit 10M 100000`, shows more of each run. Without tenant isolation a run of "
    "%%fleet has one answer, so 1 MB is the most. All runs are made again for that: what was left out was not kept."
)


@dataclass(frozen=True)
class RunTruncated(Truncated):
    """Of a run of an experiment."""


@dataclass
class Amount:
    """Of a cell's commands: what is shown, and what is left out."""

    shown_bytes: int = 0
    shown_lines: int = 0
    left_bytes: int = 0
    left_lines: int = 0

    def reading(self, emit: Emit) -> Emit:
        """An Emit that passes everything on, and counts."""

        def read(cell_event: CellEvent) -> None:
            emit(cell_event)
            self.count(cell_event)

        return read

    def count(self, cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output):
            self.shown_bytes += len(cell_event.data)
            self.shown_lines += cell_event.data.count(b"\n")
        elif isinstance(cell_event, Truncated):
            self.left_bytes += cell_event.bytes
            self.left_lines += cell_event.lines

    @property
    def cut(self) -> str:
        """Such as `8,741 of 100,000 lines shown`, with the way to all of them; empty if nothing is left out."""
        if not self.left_bytes:
            return ""
        of_lines = f"{self.shown_lines:,} of {self.shown_lines + self.left_lines:,} lines"
        of_bytes = f"{size(self.shown_bytes)} of {size(self.shown_bytes + self.left_bytes)}"
        return f"{of_lines if self.left_lines else of_bytes} shown (all: %limit none, %%output)"


def left_out(gap: Truncated) -> Notice:
    """The notice that stands where it is missing."""
    if isinstance(gap, RunTruncated):
        return Notice(f"{missing(gap)} left out: show more with %limit above the magic", "truncated", HOW_OF_RUNS)
    return Notice(f"{missing(gap)} left out: show more with %limit, or keep all with %%output FILE", "truncated", HOW)


def missing(gap: Truncated) -> str:
    """Such as `91 lines, 240 bytes`."""
    whose = " of background jobs" if gap.jobs else ""
    lines = f"{gap.lines:,} lines, " if gap.lines else ""
    return f"{lines}{size(gap.bytes)}{whose}"


def size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= MEGABYTES_FROM else f"{count:,} bytes"
