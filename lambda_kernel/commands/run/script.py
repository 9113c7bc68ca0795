"""Runs one script: a cell of its own in a session of its own, both of which end with it."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ...aws.connector import Connector
from ...aws.usage import Usage
from ...errors import Abandoned, KernelError, UsageError
from ...output import display, report_line
from ...output.hints import Hints
from ...session.cell import Cell, Result, ThreadControl
from ...session.context import Context
from ...session.replacement import NO_EXIT_CODE, UNKNOWN
from ...session.worker import Worker
from ...workspace.workspace import Workspace
from .control import ScriptControl
from .streams import Streams

# Exit codes of ours. 2 is a shell's for wrong usage; 124 and 125 are timeout(1)'s for a time limit, and for its own
# failure. A negative one is a signal, as in subprocess.
USAGE, TIMED_OUT, FAILED, INTERRUPTED = 2, 124, 125, -signal.SIGINT
CLOSE_SECONDS = 2.0


@dataclass
class Script:
    """text: shell text. seconds: its time limit. stdin: whether commands may read this machine's standard input."""

    text: str
    workspace: Workspace
    control: ScriptControl
    streams: Streams
    seconds: float | None = None
    as_json: bool = False
    stdin: bool = False
    clock: Callable[[], float] = time.monotonic
    usage: Usage = field(default_factory=Usage)

    def run(self) -> int:
        """Run it to its end, say how it was, and return the exit code. Raises OSError if its output cannot be
        written."""
        begin, code = self.clock(), None
        try:
            result = self._command()
            code = None if result.ended in UNKNOWN else result.exit_code
            status = self._status(result)
        except UsageError as error:
            status = self._fail(error, USAGE)
        except KernelError as error:
            status = self._fail(error, INTERRUPTED if self.control.interrupts else FAILED)
        self._report((self.clock() - begin) * 1000, code)
        return status

    def _command(self) -> Result:
        hints, show = Hints(), self.streams.show
        cell = Cell(self.text, bound=None, seconds=self.seconds, stdin=self.stdin)
        try:
            read = hints.reading(show, merge=False)
            return self.workspace.run(cell, Context(read, self.control, self.usage))
        finally:
            hints.give(show, self.workspace.current, self.usage)

    def _status(self, result: Result) -> int:
        if result.interrupted:
            return INTERRUPTED
        if result.timed_out:
            self.streams.say(f"interrupted after {self.seconds:g} s, the limit of --timeout")
            return TIMED_OUT
        if result.ended in UNKNOWN:
            self.streams.say(NO_EXIT_CODE)
            return FAILED
        return result.exit_code

    def _fail(self, error: KernelError, status: int) -> int:
        if not self.control.closed:  # whoever ends this process needs no reason
            self.streams.say(str(error))
        return status

    def _report(self, wall_ms: float, exit_code: int | None) -> None:
        session = self.workspace.current
        if session is None or not self.usage.invocations:
            return
        function, region = session.transport.function, session.transport.region
        if self.as_json:
            figures = display.metadata(self.usage, wall_ms, exit_code, function, region)
            self.streams.data(json.dumps(figures["lambda"]))
        else:
            where = report_line.place(function, region)
            facts = report_line.CellFacts(self.usage, wall_ms, exit_code, where)
            self.streams.say(report_line.report_line(facts))

    def close(self, connector: Connector) -> None:
        """End the session and the local emulator. Neither may keep this process for long."""
        for what in (self._leave, connector.close):
            with contextlib.suppress(Abandoned):
                Worker()(what, ThreadControl(), 0.0, CLOSE_SECONDS)

    def _leave(self) -> None:
        for session in self.workspace.sessions.values():
            session.leave()
