"""One session: cells in, invocations out, and what came back as events. It knows neither Jupyter nor boto3."""

from __future__ import annotations

import contextlib
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from .. import errors
from ..aws.transport import Transport
from ..aws.usage import Usage
from ..function import index as wire
from ..function.sent import protect, source
from ..untrusted import Unfit
from .cell import Cell, Result, ThreadControl
from .command import Command
from .connection import HOLD_SECONDS, Connection
from .context import Context
from .exchange import Exchange, Lost
from .remote_shell import RemoteShell
from .replies import ours, read
from .requests import Call
from .timing import uptime
from .worker import CallPolicy, inline

COLD_TRIES = 3
CALL_SECONDS = 2.0  # a cell may have to wait so long behind a call that is not answered


class Session:
    """One shell, found again with each invocation. Cells run one at a time."""

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float],
        name: str | None = None,
        randomness: Callable[[], float] = random.random,
        *,
        caller: CallPolicy = inline,
        direct: bool = False,
        epoch: int = 1,
        uptime: Callable[[], float] = uptime,
    ) -> None:
        """direct: as in Connection."""
        self.transport = transport
        self.connection = Connection(transport, clock, randomness, caller, direct=direct)
        self.remote = RemoteShell(name or uuid.uuid4().hex, transport.function, epoch, uptime)
        self._lock = threading.Lock()  # held by a cell

    def run(self, cell: Cell, context: Context) -> Result:
        """Run a cell to its end. Raises errors.KernelError; the usage is right in that case too."""
        with self._lock:
            self.remote.shells.intersection_update({self.remote.shell})  # the last cell has shown all that it had
            exchange = self._exchange(context, cell.seconds, self._lost, patient=cell.patient)
            self._tell_choice(exchange)
            return Command(cell, exchange).run()

    def _tell_choice(self, exchange: Exchange) -> None:
        if (chosen := self.remote.choice()) is not None:
            exchange.call(source(protect), "protect", {"chosen": chosen})
            self.remote.told = chosen

    def _exchange(self, context: Context, seconds: float | None, lost: Lost, *, patient: bool = True) -> Exchange:
        return Exchange(self.remote, self.connection, context, seconds=seconds, lost=lost, patient=patient)

    def _lost(self, why: str) -> errors.CommandLost:
        self.remote.forget("lost")
        return errors.CommandLost(f"The command was lost, and is not run again: {why}.")

    @contextlib.contextmanager
    def exchange(
        self, context: Context, *, seconds: float | None = None, lost: Lost | None = None
    ) -> Iterator[Exchange]:
        """Requests of other kinds than cells, while no cell runs. seconds and lost are Exchange's."""
        with self._lock:
            exchange = self._exchange(context, seconds, lost or self._lost)
            self._tell_choice(exchange)
            yield exchange

    def reset(self, context: Context, cold: bool = False) -> None:
        """Start a clean shell at once; cold: in a new environment. Raises errors.KernelError."""
        with self.exchange(context) as exchange:
            before = self.remote.environment
            if not cold or before is None:
                self.remote.forget(clean=True)
                exchange.hello()
                return
            self._give_up_environment()
            if self.transport.renew():
                exchange.hello()
                if self.remote.environment != before:
                    return
                self._give_up_environment()  # others' emulators take a tenant's id, and have no tenants
            self._hello_elsewhere(before, exchange)

    def _give_up_environment(self) -> None:
        self.leave()
        self.remote.abandon_environment()

    def _hello_elsewhere(self, before: str, exchange: Exchange) -> None:
        """Without tenants Lambda chooses the environment: a new one while all the others are busy.

        The new one is held for longer than the one before: Lambda is likely to choose the one that it used last.
        """
        for _ in range(COLD_TRIES):
            holding = self.connection.hold(self.remote.event(wire.Op.CLOSE))
            exchange.control.wait(HOLD_SECONDS / 4)  # the request must be there before the next one is
            self.remote.forget()
            exchange.hello(HOLD_SECONDS)
            holding.join()
            if self.remote.environment != before:
                return
            self.remote.abandon_environment()
        raise errors.Refused("Lambda chose the same environment each time: it may be throttled to one; try again")

    def greet(self, context: Context) -> None:
        """Find the shell, or start one. Raises errors.KernelError, also if there is no such function."""
        with self.exchange(context) as exchange:
            exchange.hello()

    def ping(self, context: Context) -> None:
        """Find the shell, or start it again where Lambda has replaced its environment. Raises errors.KernelError."""
        with self.exchange(context) as exchange:
            if self.remote.shell is not None:
                exchange.hello()

    def call(self, code: str, name: str, usage: Usage, **arguments: Any) -> Any:
        """Return what a function of that code returns, called in the environment with the Shell as its first argument.

        None if it cannot be asked now: a cell runs, there is no shell, it does not know yet what the user wants to be
        protected, or another environment answers. Raises errors.KernelError; errors.Abandoned when there is no answer
        in time.
        """
        if (
            self.remote.shell is None
            or self.remote.told != self.remote.chosen
            or not self._lock.acquire(blocking=False)
        ):
            return None
        try:
            event = Call(self.remote, code, name, arguments).event()
            reply = self.connection.try_for(CALL_SECONDS, event, ThreadControl())
        finally:
            self._lock.release()
        usage.add(reply.request_id, reply.report)
        self.remote.annotate(usage)
        with contextlib.suppress(Unfit):
            return read(reply.payload, event).get("value") if ours(reply.payload) else None
        return None

    def query(self, code: str, name: str, context: Context, **arguments: Any) -> Any:
        """As `call`, with patience: it waits for a cell, starts a shell if there is none, and retries."""
        with self.exchange(context) as exchange:
            return exchange.call(code, name, arguments)

    def leave(self) -> None:
        """End the shell and all that it started, if that can be done now. Nobody comes back to it."""
        if self.remote.shell is not None:
            self.remote.shell = None
            with contextlib.suppress(errors.KernelError):
                self.transport.invoke(self.remote.event(wire.Op.CLOSE))
