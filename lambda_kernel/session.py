"""One shell session: cells in, invocations out, and what came back as events. Knows neither Jupyter nor boto3."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from . import errors
from .cell import Cell, Control, Emit, InputEnded, LeftOut, Notice, Output, Result
from .function import index as wire
from .tally import Tally
from .transport import Event, Transport

SLICE_ROUND_TRIPS = 25  # the environment is frozen for one round trip in so many: about 4 % of a long command
SLICE_SECONDS = (0.2, 5.0)
BUSY_SECONDS = 10.0  # how long another environment may answer for one that an invocation may still keep busy,
AWAY_SECONDS = 1.0  # and for one whose invocations have all been answered
SILENT_SECONDS = 900.0  # an idle environment has not been seen to live much longer
PATIENCE_SECONDS = 60.0  # how long a command that has not been started is tried
SIGNALS = ("INT", "TERM", "KILL")  # what the first, second and third interrupt of a cell become
HOLD_SECONDS = 1.0  # how long an environment is kept busy so that Lambda has to start another
COLD_TRIES = 3
ESCALATE_SECONDS = 2.0  # a command that outlives its time limit gets the next of them

REPLACED = (
    "The execution environment is a new one: Lambda has ended the one before. Its files in /tmp, its processes and the "
    "shell's variables and working directory are gone."
)
RESTARTED = (
    "The function's runtime has died and was started again: the shell's variables and working directory and all "
    "processes are gone. Lambda keeps the files in /tmp then."
)
ENDINGS = {
    "exit": "The shell before has ended (`exit`, `exec` or `set -e`): this is a new one.",
    "signal": "The shell before was killed: this is a new one, without the variables and the directory of that one.",
    "killed": "The shell before was killed by the third interrupt: this is a new one.",
    "deaf": "The shell before no longer ran what it was told (a trap, or a function in place of a builtin): "
    "this is a new one.",
}


class Session:
    """One bash on the far side, found again with each invocation. Cells run one at a time."""

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float],
        name: str | None = None,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self.transport, self.clock, self.randomness = transport, clock, randomness
        self.name = name or uuid.uuid4().hex
        self.epoch = 1
        self.seq = self.signals = 0
        self.labels: dict[int, int] = {}  # by sequence number, what the user knows the cell by
        self.environment: str | None = None
        self.shell: str | None = None
        self.cwd: str | None = None
        self.machine = ""  # as uname(2) names it
        self.round_trip: float | None = None
        self._news: str | None = None  # what the user must hear before the next command
        self._crashed = False
        self._lock = threading.Lock()

    @property
    def slice(self) -> float:
        least, most = SLICE_SECONDS
        return min(max(SLICE_ROUND_TRIPS * (self.round_trip or 0), least), most)

    def run(self, cell: Cell, emit: Emit, control: Control, tally: Tally) -> Result:
        """Run a cell to its end. Raises errors.KernelError; the tally is right in that case too."""
        with self._lock:
            return _Command(self, cell, emit, control, tally).run()

    def reset(self, emit: Emit, control: Control, tally: Tally, cold: bool = False) -> None:
        """A clean shell, at once; cold: in a new environment. Raises errors.KernelError."""
        with self._lock:
            hello = _Command(self, Cell(""), emit, control, tally).hello
            self.environment, before = (None if cold else self.environment), self.environment
            if not cold or before is None:
                self.forget()
                hello()
                return
            self.leave()
            if self.transport.renew():
                hello()
            else:
                self._hello_elsewhere(before, hello, control)

    def _hello_elsewhere(self, before: str, hello: Callable[[float], None], control: Control) -> None:
        """Without tenants Lambda chooses the environment: a new one while all the others are busy. The new one is
        held for longer than the one before, since the one used last is the likeliest to be used next."""
        for _ in range(COLD_TRIES):
            holding = threading.Thread(target=self._hold, args=(self.event("close"),), daemon=True)
            holding.start()
            control.wait(HOLD_SECONDS / 4)  # the request must be there before the next one is
            self.forget()
            hello(HOLD_SECONDS)
            holding.join()
            if self.environment != before:
                return
            self.environment = None
        raise errors.Refused("Lambda chose the same environment each time: it may be throttled to one; try again")

    def _hold(self, event: Event) -> None:
        with contextlib.suppress(errors.KernelError):
            self.transport.invoke(event | {"hold": HOLD_SECONDS})

    def leave(self) -> None:
        """End the shell and all that it started, if that can be done now: nobody comes back to it."""
        if self.shell is not None:
            self.shell = None
            with contextlib.suppress(errors.KernelError):
                self.transport.invoke(self.event("close"))

    def crash(self) -> None:
        """The runtime is known to have died: the next environment is this one, with a new runtime."""
        self._crashed = True

    def forget(self, news: str | None = None) -> None:
        """Give the shell up. The next epoch makes sure that what it ran cannot go on."""
        self.epoch += 1
        self.shell = None
        self._news = news

    def event(self, op: str) -> Event:
        return {"protocol": wire.PROTOCOL, "op": op, "session": self.name, "epoch": self.epoch}

    def meet(self, reply: dict[str, Any], emit: Emit, tally: Tally) -> None:
        """Take a shell as the session's own, and tell the user if it is not the one before."""
        replaced = self.environment not in (None, reply["environment"])
        tally.replaced = replaced and not self._crashed
        news = (RESTARTED if self._crashed else REPLACED) if replaced else self._news
        if news:
            emit(Notice(news))
        self._news, self._crashed = None, False
        self.environment, self.shell, self.seq = reply["environment"], reply["shell"], reply["seq"]
        self.labels, self.machine = {}, reply.get("machine", "")

    def measure(self, seconds: float) -> None:
        seconds = max(seconds, 0.0)
        self.round_trip = seconds if self.round_trip is None else 0.8 * self.round_trip + 0.2 * seconds


@dataclass(frozen=True)
class _Silence:
    """A time without answers: since when, how often the user had interrupted by then, and when to try again."""

    since: float
    interrupts: int
    delays: Iterator[float]


class _Command:
    """The invocations of one cell."""

    def __init__(self, session: Session, cell: Cell, emit: Emit, control: Control, tally: Tally) -> None:
        self.session, self.cell, self.emit, self.control, self.tally = session, cell, emit, control, tally
        self.clock = session.clock
        self.end = None if cell.seconds is None else self.clock() + cell.seconds
        self.had = 0
        self.unanswered = False  # whether an invocation may still be under way
        self.started = False  # whether it may have been: from then on nothing but attach is sent unasked
        self.timed_out = self.told = False
        self.silence: _Silence | None = None
        self.signals: list[tuple[int, str]] = []
        self.gap = b""
        self.hold = 0.0
        self.away_since: float | None = None

    def run(self) -> Result:
        if self.session.shell is None:
            self.hello()
        op = "run"
        while True:
            if not self.started and self._stopped():
                return Result(130, interrupted=not self.timed_out, timed_out=self.timed_out)
            reply = self._ask(op)
            if reply is None:
                op = "attach"
                continue
            state = reply["state"]
            if state in ("running", "done"):
                self.started, self.away_since, self.unanswered, op = True, None, False, "attach"
                self._take(reply)
                if state == "done" and self.had == reply["total"]:
                    return self._result(reply)
            elif state == "unseen":
                self.started, op = False, "run"
            else:
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
        if reply["state"] == "no bash":
            raise errors.NotOurs("there is no bash in the execution environment, nor in its layers")
        self.session.meet(reply, self.emit, self.tally)
        self._place()

    def _place(self) -> None:
        self.tally.environment_id, self.tally.machine = self.session.environment, self.session.machine

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
        event = session.event(op)
        if op == "hello":
            return event | {"hold": self.hold}
        event |= {"environment": session.environment, "shell": session.shell, "seq": session.seq + 1}
        event |= {"had": self.had, "wait": self._wait()}
        if op == "run":
            bound = self.cell.bound
            event |= {"code": self.cell.code, "bound": bound and bound.parts(), "redact": self.cell.redact}
        elif signals := self._signals():
            event["signals"] = signals
        return event

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
            self.signals.append((self.session.signals, SIGNALS[min(len(self.signals), len(SIGNALS) - 1)]))
        return self.signals

    def _ask(self, op: str) -> dict[str, Any] | None:
        """One answer, however often it takes; None: there is none, and a command may have been started."""
        while True:
            began = self.clock()
            try:
                reply = self._invoke(op)
            except errors.Throttled as error:
                self._retry(error)
            except errors.Unreachable as error:
                if not self.started:
                    raise
                self._retry(error)
            except errors.Unanswered as error:
                self.started = self.started or op == "run"
                self.unanswered = True
                # The function may still be at it until the slice is over.
                self._retry(error, began + self.session.slice - self.clock())
                return None
            else:
                self.silence = None
                return reply

    def _retry(self, error: errors.KernelError, at_least: float = 0) -> None:
        """Sleep before the next try. Raises when it has gone on for too long, or the user has had enough."""
        silence = self.silence = self.silence or _Silence(self.clock(), self.control.interrupts, self._backoff())
        if not self.told:
            self.told = True
            self.emit(Notice(f"{str(error)[:1].upper()}{str(error)[1:]}. Trying again; interrupt to give up."))
        patience = SILENT_SECONDS if self.started else PATIENCE_SECONDS
        over = self.clock() - silence.since > patience or self.control.interrupts > silence.interrupts
        if self.started and (over or self.timed_out):
            self._lose(f"{error}, and it does not come back")
        if not self.started and (over or self._stopped()):
            raise error
        self.control.wait(max(next(silence.delays), at_least))

    def _backoff(self) -> Iterator[float]:
        return backoff(self.session.randomness)

    def _invoke(self, op: str) -> dict[str, Any]:
        try:
            reply = self.session.transport.invoke(self._event(op))
        except errors.FunctionFailed as error:
            self.tally.add(error.request_id, error.report)
            self.session.crash()
            if op == "hello":
                raise
            self._lose(str(error))
        self.tally.add(reply.request_id, reply.report)
        self._place()
        payload = reply.payload
        if not isinstance(payload, dict) or payload.get("protocol") != wire.PROTOCOL:
            raise not_ours(payload, self.session.transport.function)
        if "duration_ms" in payload and not (reply.report and reply.report.init_duration_ms):
            self.session.measure(reply.seconds - payload["duration_ms"] / 1000)
        return payload

    def _take(self, reply: dict[str, Any]) -> None:
        if reply["at"] != self.had:
            self._lose(f"the function no longer has its output from byte {self.had} on")
        for stream, text in reply["chunks"]:
            data = base64.b64decode(text)
            self.had += len(data)
            if stream == wire.GAP:
                self._left_out(data)
            elif stream == wire.EOF:
                self.emit(InputEnded())
            else:
                self.emit(Output("stderr" if stream == wire.ERR else "stdout", data, self._job(stream)))

    def _job(self, stream: str) -> int | None:
        if not stream.startswith(wire.JOB):
            return None
        return self.session.labels.get(int(stream.removeprefix(wire.JOB)), 0)

    def _left_out(self, data: bytes) -> None:
        """The counts come in one piece, unless an answer was full just there."""
        self.gap += data
        if self.gap.endswith(b"}"):
            self.emit(LeftOut(**json.loads(self.gap)))

    def _result(self, reply: dict[str, Any]) -> Result:
        session = self.session
        session.seq += 1
        session.labels[session.seq] = self.cell.label
        session.cwd = reply["cwd"] or session.cwd
        ended = reply.get("ended")
        cause = ended["cause"] if ended else None
        if cause:
            session.forget(ENDINGS.get(cause))
        interrupted = self.control.interrupts > 0 and bool(self.signals)
        return Result(reply["exit"], cause, interrupted and not self.timed_out, self.timed_out)

    def _not_here(self, op: str, reply: dict[str, Any]) -> str:
        """The answer came from elsewhere than expected, and nothing was run by it."""
        session = self.session
        replaced = reply["environment"] != session.environment
        if not self.started:
            ended = reply.get("ended")
            session.forget(None if replaced else ENDINGS.get(ended["cause"] if ended else "signal"))
            self.hello()
            return op
        if not replaced:
            self._lose("its shell has ended")
        if self.away_since is None:
            self.away_since = self.clock()
        bound = BUSY_SECONDS if self.unanswered else AWAY_SECONDS
        if self.clock() - self.away_since > bound or self._stopped():
            self._lose("Lambda has replaced its execution environment")
        self.control.wait(session.slice)
        return "attach"

    def _lose(self, why: str) -> NoReturn:
        self.session.forget()
        raise errors.CommandLost(f"The command was lost, and is not run again: {why}.")


def backoff(randomness: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before each retry: growing to 10, with jitter so that many clients spread out."""
    delay = 0.1
    while True:
        yield delay * (0.5 + randomness() / 2)
        delay = min(delay * 2, 10.0)


def not_ours(payload: Any, function: str) -> errors.NotOurs:
    if isinstance(payload, dict) and "protocol" in payload:
        return errors.NotOurs(
            f"`{function}` speaks protocol {payload['protocol']} and this kernel {wire.PROTOCOL}: deploy the function "
            "of this version of lambda-kernel"
        )
    return errors.NotOurs(f"`{function}` is no shell function of lambda-kernel: name another with %use, or deploy one")
