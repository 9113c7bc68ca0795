"""The 2018 article's function as a target: no session, a fresh shell for each command, its output read from the log."""

from __future__ import annotations

import math
import queue
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from . import errors, node_log
from .cell import Cell, Control, Emit, Notice, Output, Result
from .command import BRIEF, PATIENCE_SECONDS, backoff
from .credentials import KEY_ID, NAMED_SECRET
from .function import index as wire
from .place import LONGEST_TIMEOUT_S, mask
from .tally import Tally
from .transport import Event, Reply, Transport

READ_SECONDS = LONGEST_TIMEOUT_S + 30.0  # the function answers when its command has ended, and not before
ASK_SECONDS = (0.001, 0.1)  # how often the answer is looked for: the longer it takes, the less often
# exec() gives the command a pipe that nobody closes: what reads would wait until the function's timeout.
NO_INPUT = "exec </dev/null; "
REST_OF_A_SECRET = re.compile(rf"[A-Za-z0-9+/=]{{{wire.SECRET_BYTES},}}(?![^\s\"',;])")

CUT = (
    "Only the last 4 KB of the log came, which is all that Lambda gives: the beginning of the output is missing, and "
    "perhaps the sign that the command failed."
)
# exec() ends a command that writes more than its maxBuffer, 1,024 KB (https://nodejs.org/api/child_process.html).
FAILED = "The command failed, or wrote more than 1 MB. The function does not tell its exit code: 1 stands for it."
UNLOGGED = "The log that came holds no output: the function's application log level may be above INFO."
ABANDONED = "It was not stopped: it runs on in Lambda to its end or the function's timeout, and its output is lost."


def introduction(function: str) -> str:
    return (
        f"`{mask(function)}` is the 2018 article's function. Each cell is a fresh `sh`: nothing is left of it for the "
        "next one; its output comes at its end, the last 4 KB of it; there is no input. Credentials are recognised in "
        "output by their looks only. `lambda-kernel deploy` makes a function without these limits."
    )


@dataclass
class ArticleSession:
    """Runs a cell as one invocation. Like a Session from outside, but nothing is kept between cells."""

    transport: Transport
    clock: Callable[[], float]
    randomness: Callable[[], float] = random.random
    secrets: wire.Secrets = ()  # credentials seen

    def run(self, cell: Cell, emit: Emit, control: Control, tally: Tally) -> Result:
        """Run a cell to its end. Raises errors.KernelError."""
        return _Run(self, cell, emit, control, tally).result()

    def reset(self, emit: Emit, control: Control, tally: Tally, cold: bool = False) -> None:
        what = "another environment cannot be asked for" if cold else "each cell has a fresh shell anyway"
        raise errors.UsageError(f"there is nothing to reset: `{mask(self.transport.function)}` has no session; {what}")

    def leave(self) -> None:
        """Nothing is left to end."""

    def ping(self, emit: Emit, control: Control, tally: Tally) -> None:
        """Nothing is worth to be kept warm."""

    def redacted(self, text: str, cut: bool) -> str:
        """Without credentials as far as they can be told: by their names, by the form of a key's id, and by values
        that were seen so; after a cut also what may be the rest of one."""
        for name, value in NAMED_SECRET.findall(text):
            self.secrets += tuple(one for one in wire.secrets({name: value}) if one not in self.secrets)
        text = wire.redact(text.encode("utf-8", "replace"), self.secrets).decode("utf-8", "replace")
        text = KEY_ID.sub("[AWS_ACCESS_KEY_ID redacted]", text)
        rest = REST_OF_A_SECRET.match(text) if cut else None
        return f"[redacted: it may be a credential's end]{text[rest.end() :]}" if rest else text


class _Run:
    """One cell."""

    def __init__(self, session: ArticleSession, cell: Cell, emit: Emit, control: Control, tally: Tally) -> None:
        self.session, self.cell, self.emit, self.control, self.tally = session, cell, emit, control, tally
        self.event: Event = {"cmd": NO_INPUT + cell.code}
        self.began = session.clock()

    def result(self) -> Result:
        try:
            reply = self._answer()
        except errors.FunctionFailed as error:
            self.tally.add(error.request_id, error.report)
            raise errors.CommandLost(f"The command was lost, and is not run again: {error}.") from error
        except errors.Unanswered as error:
            raise errors.CommandLost(f"The command may have run or not, and is not run again: {error}.") from error
        if reply is None:
            timed_out = self.control.interrupts == 0
            return Result(130, interrupted=not timed_out, timed_out=timed_out)
        self.tally.add(reply.request_id, reply.report)
        return self._show(node_log.read(reply.log, self.event, reply.request_id))

    def _answer(self) -> Reply | None:
        """None where the user, or the time limit, has had enough. Only what has surely not run is sent again."""
        delays = backoff(self.session.randomness)
        told = False
        while not self._stopped():
            try:
                return self._invoke()
            except BRIEF as error:
                if self.session.clock() - self.began > PATIENCE_SECONDS:
                    raise
                if not told:
                    what = "Throttled, retrying" if isinstance(error, errors.Throttled) else "Trying again"
                    self.emit(Notice(f"{what}: {error}. Interrupt to give up.", "retry"))
                told = True
                self.control.wait(min(max(next(delays), error.after), self._left()))
        return None

    def _invoke(self) -> Reply | None:
        """Its answer comes in a thread, which is left to itself when nobody waits for it any more."""
        answers: queue.SimpleQueue[Reply | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._call, args=(answers,), daemon=True).start()
        least, most = ASK_SECONDS
        began = self.session.clock()
        while answers.empty():
            if self._stopped():
                self.emit(Notice(ABANDONED, "article"))
                self.tally.invocations += 1
                return None
            self.control.wait(min(max((self.session.clock() - began) / 20, least), most))
        answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _call(self, answers: queue.SimpleQueue[Reply | BaseException]) -> None:
        try:
            answers.put(self.session.transport.invoke(self.event))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.put(error)

    def _stopped(self) -> bool:
        return self.control.interrupts > 0 or self._left() <= 0

    def _left(self) -> float:
        """Seconds to the time limit."""
        seconds = self.cell.seconds
        return math.inf if seconds is None else seconds - (self.session.clock() - self.began)

    def _show(self, logged: node_log.Logged) -> Result:
        if not logged.found:
            self.emit(Notice(UNLOGGED, "article"))
        elif logged.cut:
            self.emit(Notice(CUT, "truncated"))
        self._output("stdout", logged.stdout, logged.cut)
        self._output("stderr", logged.stderr or "", cut=False)
        if logged.stderr is None:
            return Result(0)
        self.emit(Notice(FAILED, "article"))
        return Result(1)

    def _output(self, stream: str, text: str, cut: bool) -> None:
        shown = self.session.redacted(text, cut) if self.cell.redact else text
        if shown:
            self.emit(Output(stream, shown.encode("utf-8", "replace")))
