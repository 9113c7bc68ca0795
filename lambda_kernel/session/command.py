"""One cell's command, from its first request to its last. phases.py has the tables of what an answer means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from .. import errors
from ..function import index as wire
from ..function.index import Op, State
from . import replacement
from .cell import Cell, CellEvent, InputRequest, Notice, Result
from .chunks import Chunks
from .exchange import Exchange
from .phases import LOST, Action
from .replies import Answer, AnswerHistory, Ended, Reads
from .requests import Attach, Run

SIGNALS = ("INT", "TERM", "KILL")  # what the first, second and third interrupt of a cell become
ESCALATE_SECONDS = 2.0  # a command that outlives its time limit gets the next of them
ESCALATED = {
    "TERM": "The command is still running after SIGINT: it was sent SIGTERM. {next}",
    "KILL": "The command is still running after SIGTERM: it was killed with its shell. The next cell starts a new one.",
}
KILLED_SOON = "In 2 s it is killed with its shell."
TYPING_SECONDS = 60.0  # while the user types the environment is frozen; a request so often keeps it alive


class Command:
    """had: the bytes of output that are here. typed: the bytes of input that the function has; line: what comes after
    them, where empty means the end."""

    def __init__(self, cell: Cell, exchange: Exchange) -> None:
        self.cell, self.exchange, self.remote = cell, exchange, exchange.remote
        self.had = 0
        self.signals: list[tuple[int, str]] = []
        self.typed = 0
        self.line: bytes | None = None
        self.answers = AnswerHistory(cell.bound)
        self.chunks = Chunks(self.remote.execution_count)

    def run(self) -> Result:
        """Raises errors.KernelError."""
        self.remote.next_command()
        if self.remote.shell is None:
            self.exchange.hello()
        try:
            self.exchange.begin()
            return self._go()
        except errors.KernelError:
            raise
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        """End the command as a time limit does, since what takes its output has failed, for want of disk, say.

        Else the next command would find it in its place.
        """
        if self.exchange.started:
            self.exchange.mute()
            self.exchange.limit.cut()
            with contextlib.suppress(errors.KernelError):
                self._go()

    def _go(self) -> Result:
        exchange = self.exchange
        while True:
            if exchange.control.closed:  # the shell stays known, so that it can be ended
                raise errors.CommandLost("The command is ended: the kernel is shutting down.")
            if not exchange.started and exchange.stopped:
                timed_out = exchange.limit.passed
                return Result(130, interrupted=not timed_out, timed_out=timed_out)
            reply = exchange.send(self._run if exchange.phase.op == Op.RUN else self._attach)
            if reply is not None and (result := self._act(reply)):
                return result

    def _act(self, reply: Answer) -> Result | None:
        """Do what an answer asks for. Return the result when the cell is over."""
        do = self.exchange.step(reply)
        if do is Action.TAKE:
            return self._take(reply)
        if do is Action.SEND:
            self._send_again()
        elif do is Action.RENEW:
            self.exchange.renew(reply)
        elif do is Action.SEEK:
            self.exchange.seek(reply, self.had)
        else:
            self.exchange.give_in(do, reply)
        return None

    def _take(self, reply: Answer) -> Result | None:
        exchange = self.exchange
        exchange.found()
        self._take_output(reply)
        if reply["state"] == State.DONE and self.had == reply["total"]:
            return self._result(reply)
        self._ask_user(reply.get("reads"))
        # The function holds each answer for so long. One that does not would be asked without a pause.
        connection = exchange.connection
        exchange.control.wait(max(connection.sent_at + wire.HOLD_SECONDS - connection.clock(), 0))
        return None

    def _send_again(self) -> None:
        if not self.answers.may_begin():
            self.exchange.lose(LOST[State.UNSEEN])
        self.exchange.control.wait(self.exchange.search.rest)

    def _run(self) -> Run:
        return Run(self.remote, self.had, self.exchange.wait_seconds, self._measures(), cell=self.cell)

    def _attach(self) -> Attach:
        line = None if self.line is None else (self.typed, self.line)
        wait, asks = self.exchange.wait_seconds, not self.exchange.started
        return Attach(self.remote, self.had, wait, self._measures(), tuple(self._signals()), line, asks)

    def _measures(self) -> bool:
        """Whether the function has to measure its memory, because Lambda gives no figures."""
        return not self.exchange.connection.reported

    def _ask_user(self, reads: Reads | None) -> None:
        """Ask for a line. Until the user has answered, the command is frozen but for a sign of life now and then."""
        exchange = self.exchange
        if self.line is not None:
            self.typed += len(self.line)
            self.line = None
        if reads is not None and not exchange.stopped:
            text = exchange.control.request_input(InputRequest(**reads), min(exchange.limit.left(), TYPING_SECONDS))
            self.line = None if text is None else typed(text)

    def _signals(self) -> list[tuple[int, str]]:
        """All signals of this cell so far. Their numbers tell the function which of them are new."""
        wanted, limit = self.exchange.control.interrupts, self.exchange.limit
        late = limit.late()
        if late is not None:
            wanted += 1 + int(late / ESCALATE_SECONDS)
        while len(self.signals) < wanted:
            name = SIGNALS[min(len(self.signals), len(SIGNALS) - 1)]
            if len(self.signals) < len(SIGNALS) and (text := ESCALATED.get(name)):
                text = text.format(next=KILLED_SOON if limit.passed else "Interrupt again to kill it and its shell.")
                self.exchange.emit(Notice(text, "signal"))
            self.signals.append((self.remote.next_signal(), name))
        return self.signals

    def _take_output(self, reply: Answer) -> None:
        if reply["at"] != self.had:
            self.exchange.lose(f"the function no longer has its output from byte {self.had} on")
        for kind, data in reply["chunks"]:
            self.had += len(data)
            self._show(self.chunks.read(kind, data))
        if wrong := self.answers.contradiction(reply, self.had, killed=len(self.signals) >= len(SIGNALS)):
            self.exchange.lose(wrong)

    def _show(self, cell_events: Iterable[CellEvent]) -> None:
        for cell_event in cell_events:
            self.exchange.emit(cell_event)

    def _result(self, reply: Answer) -> Result:
        self._show(self.chunks.finish())
        self.remote.keep(reply, self.cell.execution_count)
        new_trap = self.remote.notes_trap(reply.get("debugged", False))
        self._show(Notice(text, "shell") for text in replacement.of_cell(reply, new_trap))
        ended = reply.get("ended")
        if ended:
            self._shell_ended(ended)
        timed_out = self.exchange.limit.passed
        interrupted = self.exchange.control.interrupts > 0 and bool(self.signals) and not timed_out
        return Result(reply["exit"], ended["cause"] if ended else None, interrupted, timed_out)

    def _shell_ended(self, ended: Ended) -> None:
        why = replacement.ending(ended)
        if why:
            self.exchange.emit(Notice(why, "shell"))
        self.remote.forget(ended["cause"], notified=bool(why))


def typed(text: str) -> bytes:
    """A line as bytes. Bytes that are no UTF-8 come as single surrogates (PEP 383); other halves of characters become
    question marks."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
