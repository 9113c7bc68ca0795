"""%%watch: run a cell again and again, and refresh its output in place."""

from __future__ import annotations

import codecs
import uuid
from dataclasses import replace

from ..errors import UsageError
from ..output import live_view
from ..output.amount import missing
from ..session.cell import Bound, Cell, CellEvent, Emit, InputEnded, Output, Result, Shown, Truncated
from .base import Call, Command, Magic
from .refresh import interval, refresh

BOUND = Bound(100_000, 200)


class Frame:
    """An Emit that keeps the command's output and passes on everything else."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""

    def __call__(self, cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output) and cell_event.job is None:
            self.text += self._decoder.decode(cell_event.data)
        elif isinstance(cell_event, Truncated):
            self.text += f"[… {missing(cell_event)} left out …]\n"
        elif not isinstance(cell_event, InputEnded):
            self._emit(cell_event)

    def lines(self) -> list[str]:
        return live_view.plain_lines(self.text.removesuffix("\n"))


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """The result of the last complete run. An interrupt or the time limit ends it; that fails only the first run."""
    pace = interval(call.options.n, call.options.c, call.interactive)
    if not cell.code.strip():
        raise UsageError("%%watch needs a command: write it on the lines below")
    before: list[str] | None = None
    result, key = None, uuid.uuid4().hex
    for number, left in live_view.rounds(pace, call.control, call.workspace.clock, cell.seconds):
        frame = Frame(call.emit)
        run = command(replace(cell, bound=BOUND, stdin=False, merge=True, seconds=left), frame)
        if run.timed_out or run.interrupted:
            if result:
                call.control.take()
            return result or run
        lines, result = frame.lines(), run
        head: live_view.Line = [("dim", header(number, pace, run))]
        call.emit(Shown(key, live_view.data([head, *live_view.marked(before, lines)]), live=True))
        before = lines
        if run.ended:
            break
    return result


def header(number: int, pace: live_view.RefreshInterval, result: Result) -> str:
    of = f" of {pace.count}" if pace.count else ""
    failed = f" · exit code {result.exit_code}" if result.exit_code else ""
    return f"every {pace.seconds:g} s · run {number}{of}{failed}"


MAGIC = Magic(
    "watch",
    "run the cell again and again, and refresh its output in place until interrupted",
    arguments=refresh("-n", "-c"),
    hints={"-d": "differences are always marked"},
    take=take,
    more="Differences from the previous run are marked. Interrupting is not an error.",
    examples=(("%%watch -n 1\ndf -h /tmp", "see how /tmp fills"),),
)
