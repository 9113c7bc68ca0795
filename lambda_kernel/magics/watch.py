"""%%watch: a command run again and again, its output in one place."""

from __future__ import annotations

import codecs
import uuid
from dataclasses import replace

from .. import display, live
from ..cell import Bound, Cell, Emit, Happening, InputEnded, LeftOut, Output, Result, Shown
from ..errors import UsageError
from .base import Call, Command, Magic, wrong

SECONDS = 2.0  # as watch(1)
BOUND = Bound(100_000, 200)


class Frame:
    """An Emit that keeps the command's own output and passes on the rest."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""

    def __call__(self, happening: Happening) -> None:
        if isinstance(happening, Output) and happening.job is None:
            self.text += self._decoder.decode(happening.data)
        elif isinstance(happening, LeftOut):
            self.text += f"[… {display.left_out(happening)} …]\n"
        elif not isinstance(happening, InputEnded):
            self._emit(happening)

    def lines(self) -> list[str]:
        return live.plain_lines(self.text.removesuffix("\n"))


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """The last whole run's result. An interrupt and the time limit end it, which is a failure of the first run only."""
    pace = live.pace(call.words, wrong(MAGIC), SECONDS, call.attended)
    if not cell.code.strip():
        raise UsageError("%%watch needs a command in the lines below it")
    before: list[str] | None = None
    result, key = None, uuid.uuid4().hex
    for number, left in live.rounds(pace, call.control, call.workspace.clock, cell.seconds):
        frame = Frame(call.emit)
        run = command(replace(cell, bound=BOUND, stdin=False, merge=True, seconds=left), frame)
        if run.timed_out or run.interrupted:
            return result or run
        lines, result = frame.lines(), run
        head: live.Line = [("dim", header(number, pace, run))]
        call.emit(Shown(key, live.data([head, *live.marked(before, lines)]), live=True))
        before = lines
        if run.ended:
            break
    return result


def header(number: int, pace: live.Pace, result: Result) -> str:
    of = f" of {pace.count}" if pace.count else ""
    failed = f" · exit code {result.exit_code}" if result.exit_code else ""
    return f"every {pace.seconds:g} s · run {number}{of}{failed}"


MAGIC = Magic(
    "watch",
    "[-n SECONDS] [-c COUNT]",
    "run the cell again and again, its output in one place, until interrupted",
    lambda call: "",
    cell=True,
    take=take,
)
