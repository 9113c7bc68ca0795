"""A command in one invocation, which is held until the command has ended."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from .. import errors
from ..aws.client_errors import retrying
from ..aws.error_text import LONGEST_TIMEOUT_S
from ..aws.transport import Event, Reply, Transport
from ..report import Report
from .cell import Cell, Notice, NoticeCode, Result
from .context import Context
from .exchange import BRIEF, PATIENCE_SECONDS
from .timing import backoff
from .worker import CallPolicy, inline

READ_SECONDS = LONGEST_TIMEOUT_S + 30.0  # the function answers only when its command has ended
ABANDONED = "The command was not stopped: it runs on in Lambda until it ends or times out. Its output is lost."


@dataclass
class HeldSession:
    """Runs each cell in one invocation, and keeps nothing between cells. caller: how long each answer is waited for."""

    transport: Transport
    clock: Callable[[], float]
    randomness: Callable[[], float] = random.random
    caller: CallPolicy = inline

    def leave(self) -> None:
        """There is no shell to end."""


class HeldRun(ABC):
    """The run of one cell, in one invocation. It is sent again only if it has not run. code: of its notices."""

    code: NoticeCode = "runs"
    grace_seconds = 0.0  # how long the answer may take after the time limit

    def __init__(self, session: HeldSession, cell: Cell, context: Context) -> None:
        self.session, self.cell = session, cell
        self.emit, self.control, self.usage = context.emit, context.control, context.usage
        self.began = session.clock()

    @abstractmethod
    def event(self) -> Event: ...

    @abstractmethod
    def show(self, reply: Reply, event: Event) -> Result: ...

    def report(self, reply: Reply) -> Report | None:
        """Lambda's figures."""
        return reply.report

    def result(self) -> Result:
        """Raises errors.KernelError."""
        event = self.event()
        try:
            reply = self._answer(event)
        except errors.FunctionFailed as error:
            self.usage.add(error.request_id, error.report)
            raise errors.CommandLost(f"The command was lost, and is not run again: {error}.") from error
        except errors.Unanswered as error:
            raise errors.CommandLost(f"The command may have run or not, and is not run again: {error}.") from error
        if reply is None:
            timed_out = self.control.interrupts == 0
            return Result(130, interrupted=not timed_out, timed_out=timed_out)
        self.usage.add(reply.request_id, self.report(reply))
        return self.show(reply, event)

    def _answer(self, event: Event) -> Reply | None:
        """None: the user interrupted, or the time limit was reached."""
        delays = backoff(self.session.randomness)
        notified = False
        while not self._stopped():
            try:
                return self._invoke(event)
            except BRIEF as error:
                impatient = isinstance(error, errors.Throttled) and not self.cell.patient
                if impatient or self.session.clock() - self.began > PATIENCE_SECONDS:
                    raise
                if not notified:
                    self.emit(Notice(retrying(error), "retry"))
                notified = True
                self.usage.retries += 1
                self.control.wait(min(max(next(delays), error.after), self.left()))
        return None

    def _invoke(self, event: Event) -> Reply | None:
        """None: nobody waits for the answer any more."""
        session = self.session
        try:
            limit = self.left() + self.grace_seconds
            return session.caller(lambda: session.transport.invoke(event), self.control, 0.0, limit)
        except errors.Abandoned:
            self.emit(Notice(ABANDONED, self.code))
            self.usage.invocations += 1
            return None

    def _stopped(self) -> bool:
        return self.control.interrupts > 0 or self.left() <= 0

    def left(self) -> float:
        """Seconds until the time limit."""
        seconds = self.cell.seconds
        return math.inf if seconds is None else seconds - (self.session.clock() - self.began)
