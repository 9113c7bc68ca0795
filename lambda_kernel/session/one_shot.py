"""A shell for one command: started, used and ended in one invocation, in whatever environment answers."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from .. import errors
from ..aws.client_errors import garbled, not_ours
from ..aws.transport import Event, Reply
from ..function import index as wire
from ..function.sent import DIRECTORY, joined, packed
from ..report import Report
from ..untrusted import Unfit, flag, number, record, whole
from .cell import Bound, Cell, CellEvent, Notice, Output, Result
from .chunks import Chunks
from .context import Context
from .held import HeldRun, HeldSession
from .remote_shell import shell_code
from .replies import ENDED, FIELDS, NO_BASH, Answer, nothing_run, ours, read

MOST = Bound()  # what one answer has room for
LONGEST_SECONDS = 86_400.0  # the function's timeout comes first
ONCE = record(
    {"chunks": FIELDS["chunks"], "exit": whole(0, 255), "ended": ENDED, "cut": flag, "seconds": number(0, 1e9)}
)
CUT = (
    "The command was ended after {seconds:.1f} s. Without tenant isolation it has one invocation, which the function's "
    "timeout ends."
)


@cache
def once_code() -> str:
    """The shell's code, in which another class takes the name of the shell's."""
    text = (DIRECTORY / "once.py").read_text(encoding="utf-8")
    return joined([shell_code(), text, "Once.bash, Shell = Shell, Once\n"])


class OneShot(HeldSession):
    """Runs each cell in a shell of its own. It is an experiment's place."""

    def run(self, cell: Cell, context: Context) -> Result:
        """Run a cell to its end. Raises errors.KernelError."""
        return _Run(self, cell, context).result()

    def reset(self, context: Context, cold: bool = False) -> None:
        raise errors.UsageError("there is nothing to reset: each command has a shell of its own")


class _Run(HeldRun):
    grace_seconds = 2.0  # the function ends the command itself

    def event(self) -> Event:
        cell = self.cell
        bound = cell.bound or MOST
        bound = Bound(min(bound.bytes, MOST.bytes), bound.lines)
        command = {
            "code": cell.code,
            "redact": cell.redact,
            "merge": cell.merge,
            "bound": bound.parts(),
            "variables": dict(cell.variables),
        }
        return {
            "protocol": wire.PROTOCOL,
            "op": wire.Op.HELLO,
            "session": uuid.uuid4().hex,
            "epoch": 1,
            "code": packed(once_code()),
            "restore": json.dumps(command),
            "wait": min(self.left(), LONGEST_SECONDS),
        }

    def report(self, reply: Reply) -> Report | None:
        """Without a log of Lambda's: how long the command took, as the function has measured it."""
        payload = reply.payload
        if reply.report or not ours(payload):
            return reply.report
        with contextlib.suppress(Unfit):
            return Report(reply.request_id, ONCE(payload.get("restored"))["seconds"] * 1000, measured=True)
        return None

    def show(self, reply: Reply, event: Event) -> Result:
        answer, once = self._read(reply, event)
        self.usage.environment_id, self.usage.machine = answer["environment"], answer.get("machine", "")
        if once is None:
            if answer["state"] == wire.State.NO_BASH:
                raise errors.NotOurs(NO_BASH)
            raise errors.CommandLost(nothing_run(answer))
        for cell_event in outputs(once["chunks"]):
            self.emit(cell_event)
        if once["cut"] and self.left() > 0:
            self.emit(Notice(CUT.format(seconds=once["seconds"]), "runs"))
        timed_out = once["cut"] and self.left() <= 0
        return Result(once["exit"], (once["ended"] or {}).get("cause"), timed_out=timed_out)

    def _read(self, reply: Reply, event: Event) -> tuple[Answer, Any]:
        function, payload = self.session.transport.function, reply.payload
        if not ours(payload):
            raise not_ours(payload, function)
        rest = {name: value for name, value in payload.items() if name != "restored"}
        try:
            answer = read(rest, event)
            ran = answer["state"] == wire.State.IDLE
            return answer, ONCE(payload.get("restored")) if ran else None
        except Unfit:
            raise garbled(function) from None


def outputs(chunks: list[tuple[str, bytes]]) -> Iterator[CellEvent]:
    """Background jobs end with their command, so that all output is its own."""
    reader = Chunks(lambda number: 0)
    for kind, data in chunks:
        for cell_event in reader.read(kind, data):
            yield replace(cell_event, job=None) if isinstance(cell_event, Output) else cell_event
    yield from reader.finish()
