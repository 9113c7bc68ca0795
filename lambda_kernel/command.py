"""One cell's invocations, from the first to the last."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from . import errors, news
from .cell import Ask, Cell, Control, Emit, Happening, Notice, Result
from .chunks import Chunks
from .failures import garbled, not_ours
from .function import index as wire
from .place import mask
from .remote import SLICE_SECONDS, Remote
from .replies import measured, nothing_run, restless, well_formed
from .search import Search
from .tally import Tally
from .transport import Event

SILENT_SECONDS = 900.0  # an idle environment has not been seen to live much longer
PATIENCE_SECONDS = 60.0  # how long a command that has not been started is tried
SIGNALS = ("INT", "TERM", "KILL")  # what the first, second and third interrupt of a cell become
ESCALATE_SECONDS = 2.0  # a command that outlives its time limit gets the next of them
TOLD = {
    "TERM": "The command goes on after SIGINT: SIGTERM is sent. {next} it is killed, and the shell with it.",
    "KILL": "The command goes on after SIGTERM: it is killed, and the shell with it. The next cell has a new one.",
}
CALL_TRIES = 5
ELSEWHERE_TRIES = 20
RESTARTS = 3  # of a shell that ends before it has begun its first cell
ELSEWHERE = "another environment of Lambda's answers each time: try again when less runs at once"
GRACE_SECONDS = 1.0  # an interrupted cell is over when there is no answer for so long beyond the slice
LATE_SECONDS = 0.1  # an invocation may take so much longer than its slice and a round trip
BRIEF = (errors.Throttled, errors.NotReady)  # refusals that pass by themselves,
PASSING = (*BRIEF, errors.Unreachable, errors.BadSettings)  # or that the user can end while a command waits
TYPING_SECONDS = 60.0  # while the user types the environment is frozen, and is asked for that often so that it lives


@dataclass(frozen=True)
class Silence:
    """A time without answers: since when, how often the user had interrupted by then, and when to try again."""

    since: float
    interrupts: int
    delays: Iterator[float]


class Command:
    """The invocations of one cell."""

    def __init__(self, session: Remote, cell: Cell, emit: Emit, control: Control, tally: Tally) -> None:
        self.session, self.cell, self.emit, self.control, self.tally = session, cell, emit, control, tally
        self.clock = session.clock
        self.end = None if cell.seconds is None else self.clock() + cell.seconds
        self.had = 0
        self.unanswered = False  # whether an invocation may still be under way
        self.started = False  # whether it may have been: from then on nothing but attach is sent unasked
        self.timed_out = False
        self.told: set[type[errors.KernelError]] = set()  # what is retried, each once
        self.silence: Silence | None = None
        self.signals: list[tuple[int, str]] = []
        self.typed = 0  # bytes of input that the function has
        self.line: bytes | None = None  # and what comes after them; empty: the end
        self.chunks = Chunks(lambda seq: session.labels.get(seq, 0))
        self.hold = 0.0
        self.calls: Event = {}
        self.search = Search(session, control)
        self.restarts = 0  # how often the command came to a shell or an environment that could not run it

    def run(self) -> Result:
        if self.session.shell is None:
            self.hello()
        try:
            return self._go("run")
        except errors.KernelError:
            raise
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        """Who takes the output has failed, for want of disk, say. The command is ended as by a time limit: the next one
        would else find it in its place."""
        if self.started or self.unanswered:
            self.emit, self.end = dropped, self.clock()
            with contextlib.suppress(errors.KernelError):
                self._go("attach")

    def _go(self, op: str) -> Result:
        while True:
            if self.control.closed:  # the shell stays known, so that it can be ended
                raise errors.CommandLost("The command is ended: the kernel is shutting down.")
            if not self.started and self._stopped():
                return Result(130, interrupted=not self.timed_out, timed_out=self.timed_out)
            reply = self._ask(op)
            if reply is None:
                op = "attach"
                continue
            state = reply["state"]
            if state in ("running", "done"):
                self.started, self.unanswered, op = True, False, "attach"
                self.search.found()
                self._take(reply)
                if state == "done" and self.had == reply["total"]:
                    return self._result(reply)
                self._ask_user(reply.get("reads"))
            elif state == "unseen":
                self.started, op = False, "run"
            elif state == "refused":
                raise errors.CommandLost(nothing_run(reply))
            else:
                # "unrun": the shell has ended, and is known not to have begun.
                self.started = self.started and state != "unrun"
                op = self._not_here(op, reply)

    def hello(self, hold: float = 0) -> None:
        """Have a shell. It may be asked for again and again."""
        self.hold = hold
        while True:
            reply = self._ask("hello")
            if reply is not None:
                break
            if self._stopped():
                raise errors.CommandLost("interrupted before the function answered: nothing was run")
        if reply["state"] == "stale":
            raise errors.CommandLost("another kernel has taken this one's shell over: restart this one")
        if reply["state"] == "no bash":
            raise errors.NotOurs("there is no bash in the execution environment, nor in its layers")
        if reply["state"] == "refused":
            raise errors.CommandLost(nothing_run(reply))
        self.session.meet(reply, self.emit, self.tally)
        self.session.place(self.tally)

    def call(self, code: str, name: str, arguments: dict[str, Any]) -> Any:
        """What a function that is sent along returns: it may be called again and again."""
        self.calls = {"code": code, "name": name, "arguments": arguments}
        elsewhere = 0
        while elsewhere < CALL_TRIES:
            if self.session.shell is None:
                self.hello()
            reply = self._ask("call")
            if reply and reply["state"] == "called":
                return reply["value"]
            if self._stopped():
                raise errors.Interrupted("interrupted before the environment answered")
            if reply:  # another one than was expected: it becomes the session's
                elsewhere += 1
                self.hello()
        raise errors.Refused(ELSEWHERE)

    def _stopped(self) -> bool:
        return self._seconds_late() is not None or self.control.interrupts > 0

    def _seconds_late(self) -> float | None:
        """How long the time limit has been over; None while it is not."""
        if self.end is None or self.clock() < self.end:
            return None
        self.timed_out = True
        return self.clock() - self.end

    def _event(self, op: str) -> Event:
        session = self.session
        if op == "hello":
            return session.hello(self.hold)
        if op == "call":
            return session.event(op) | session.here() | self.calls
        event = self._attach()
        if op == "run":
            return event | {"op": op} | self._code()
        if signals := self._signals():
            event["signals"] = signals
        if self.line is not None:
            event["input"] = (self.typed, base64.b64encode(self.line).decode(), not self.line)
        return event

    def _attach(self) -> Event:
        """It may be sent again and again, and to any environment."""
        session = self.session
        event = session.event("attach") | session.here() | {"seq": session.seq + 1, "had": self.had}
        have = session.snapshot and session.snapshot.digest
        return event | {"wait": self._wait(), "have": have, "measure": not session.reported}

    def _code(self) -> Event:
        cell = self.cell
        ways = {"redact": cell.redact, "stdin": cell.stdin, "merge": cell.merge}
        return {"code": cell.code, "bound": cell.bound and cell.bound.parts(), **ways}

    def _ask_user(self, reads: dict[str, Any] | None) -> None:
        """Until the user has answered, nothing is sent but a sign of life now and then: the command is frozen."""
        if self.line is not None:
            self.typed += len(self.line)
            self.line = None
        if reads is not None and not self._stopped():
            left = TYPING_SECONDS if self.end is None else self.end - self.clock()
            text = self.control.ask(Ask(**reads), min(left, TYPING_SECONDS))
            self.line = None if text is None else typed(text)

    def _wait(self) -> float:
        left = SLICE_SECONDS[1] if self.end is None or self.timed_out else self.end - self.clock()
        return max(min(self.session.slice, left), 0.05)

    def _signals(self) -> list[tuple[int, str]]:
        """Every signal of this cell so far; their numbers tell the function which of them are news."""
        wanted = self.control.interrupts
        late = self._seconds_late()
        if late is not None:
            wanted += 1 + int(late / ESCALATE_SECONDS)
        while len(self.signals) < wanted:
            self.session.signals += 1
            name = SIGNALS[min(len(self.signals), len(SIGNALS) - 1)]
            if len(self.signals) < len(SIGNALS) and (text := TOLD.get(name)):
                text = text.format(next="In 2 s" if self.timed_out else "With the next interrupt")
                self.emit(Notice(text, "signal"))
            self.signals.append((self.session.signals, name))
        return self.signals

    def _ask(self, op: str) -> dict[str, Any] | None:
        """One answer, however often it takes; None: there is none, and a command may have been started."""
        while True:
            began = self.clock()
            try:
                reply = self._invoke(op)
            except errors.Refused as error:
                if not isinstance(error, PASSING if self.started else BRIEF):
                    self._give_up(error)
                self._retry(error, error.after)
                if not self.started and (self._stopped() or self.control.closed):
                    self._give_up(error)
            except errors.Abandoned as error:
                self._abandon(op, error)
            except errors.Unanswered as error:
                self.started = self.started or op == "run"
                self.unanswered = True
                # The function may still be at it until its slice is over: asked before that, Lambda would start
                # another environment, and might then prefer that one.
                late = self.session.slice + (self.session.round_trip or 0) + LATE_SECONDS
                self._retry(error, began + late - self.clock())
                return None
            else:
                self.silence = None
                return reply

    def _abandon(self, op: str, error: errors.Abandoned) -> NoReturn:
        if op == "hello":
            self.session.forget()
            raise errors.CommandLost(f"{error}: nothing was run.") from error
        if op == "call":
            raise errors.Interrupted(f"{error}: no command was running") from error
        self._lose(f"{error}, so that nothing more is known of it")

    def _retry(self, error: errors.KernelError, at_least: float = 0) -> None:
        """Sleep before the next try. Raises when it has gone on for too long, or the user has had enough."""
        silence = self.silence = self.silence or Silence(self.clock(), self.control.interrupts, self._backoff())
        if type(error) not in self.told:
            self.told.add(type(error))
            self.emit(Notice(retrying(error), "retry"))
        patience = SILENT_SECONDS if self.started else PATIENCE_SECONDS
        over = self.clock() - silence.since > patience or self.control.interrupts > silence.interrupts
        if over or (self.timed_out if self.started else self._stopped()):
            self._give_up(error)
        self.control.wait(min(max(next(silence.delays), at_least), self._left()))

    def _left(self) -> float:
        """Seconds to the time limit, at which there is something else to do."""
        return math.inf if self.end is None or self.timed_out else max(self.end - self.clock(), 0.0)

    def _backoff(self) -> Iterator[float]:
        return backoff(self.session.randomness)

    def _invoke(self, op: str) -> dict[str, Any]:
        try:
            event = self._event(op)
            grace = self.session.slice + GRACE_SECONDS
            limit = 0.0 if self.timed_out else self._left()
            if op == "call":
                self.control.wait(self.session.pace.room())
            self.session.pace.note()
            reply = self.session.caller(lambda: self.session.transport.invoke(event), self.control, grace, limit)
        except errors.FunctionFailed as error:
            self.tally.add(error.request_id, error.report)
            if op == "call" and "." not in error.error_type:
                raise  # code that was sent along did, and the shell lives on
            self.session.crash()
            if op == "hello":
                raise_unmet(error, self.session.transport.function)
            self._lose(str(error))
        payload, function = reply.payload, self.session.transport.function
        ours = isinstance(payload, dict) and payload.get("protocol") == wire.PROTOCOL
        clear = ours and well_formed(payload)
        self.tally.add(reply.request_id, reply.report or (measured(reply) if clear else None))
        self.session.place(self.tally)
        self.session.reported = reply.report is not None
        if not ours:
            self._give_up(not_ours(payload, function, met=op != "hello"))
        if not clear:
            self.started = self.started or op == "run"
            self._give_up(garbled(function))
        if "duration_ms" in payload and not (reply.report and reply.report.init_duration_ms):
            self.session.measure(reply.seconds - payload["duration_ms"] / 1000)
        return cast(dict[str, Any], payload)

    def _take(self, reply: dict[str, Any]) -> None:
        if reply["at"] != self.had:
            self._lose(f"the function no longer has its output from byte {self.had} on")
        for stream, text in reply["chunks"]:
            data = base64.b64decode(text)
            self.had += len(data)
            self._tell(self.chunks.read(stream, data))

    def _tell(self, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            self.emit(happening)

    def _result(self, reply: dict[str, Any]) -> Result:
        session = self.session
        self._tell(self.chunks.finish())
        session.seq += 1
        session.labels[session.seq] = self.cell.label
        session.keep(reply)
        ended = reply.get("ended")
        cause = ended["cause"] if ended else None
        for text in news.of_cell(reply, new_trap=session.notes_trap(reply.get("debugged", False))):
            self.emit(Notice(text, "shell"))
        if ended:
            why = news.ending(ended)
            if why:
                self.emit(Notice(why, "shell"))
            session.forget(cause, told=bool(why))
        interrupted = self.control.interrupts > 0 and bool(self.signals)
        return Result(reply["exit"], cause, interrupted and not self.timed_out, self.timed_out)

    def _not_here(self, op: str, reply: dict[str, Any]) -> str:
        """The answer came from elsewhere than expected, and nothing was run by it."""
        session = self.session
        replaced = reply["environment"] != session.environment
        if not self.started:
            self.restarts += 1
            if self.restarts > (ELSEWHERE_TRIES if replaced else RESTARTS):
                raise errors.Refused(ELSEWHERE if replaced else restless(reply))
            ended = reply.get("ended")
            session.forget(None if replaced else ended["cause"] if ended else "signal")
            self.hello()
            return "run"
        if not replaced:
            self._lose("its shell has ended")
        if self._stopped() or not self.search.goes_on(reply["environment"], self.unanswered, self._attach()):
            self._lose("Lambda has replaced its execution environment")
        return "attach"

    def _give_up(self, error: errors.KernelError) -> NoReturn:
        if self.started:
            self._lose(f"it does not come back ({error})")
        raise error

    def _lose(self, why: str) -> NoReturn:
        self.session.forget("lost")
        raise errors.CommandLost(f"The command was lost, and is not run again: {why}.")


def typed(text: str) -> bytes:
    """Bytes that are no UTF-8 come as single surrogates (PEP 383); other halves of characters are nothing."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def dropped(happening: Happening) -> None:
    """Nobody takes it any more."""


def backoff(randomness: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before each retry: growing to 10, with jitter so that many clients spread out."""
    delay = 0.1
    while True:
        yield delay * (0.5 + randomness() / 2)
        delay = min(delay * 2, 10.0)


def retrying(error: errors.KernelError) -> str:
    what = "Throttled, retrying" if isinstance(error, errors.Throttled) else "Trying again"
    return f"{what}: {error}. Interrupt to give up."


def raise_unmet(error: errors.FunctionFailed, function: str) -> NoReturn:
    """A function failed when it was only asked who is there. The article's runs `exec(undefined)` then, of which Node
    says so (ERR_INVALID_ARG_TYPE); an error of Lambda's own, with a dot in its type, says nothing of what it is."""
    if 'The "command" argument must be of type string' in str(error):
        raise errors.ShellPerCommand(f"`{mask(function)}` is the 2018 article's function: no session") from error
    if "." in error.error_type:
        raise error
    raise not_ours(None, function) from error
