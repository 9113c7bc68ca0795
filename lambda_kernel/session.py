"""One shell session: cells in, invocations out, and what came back as events. Knows neither Jupyter nor boto3."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from . import errors
from .cell import Cell, Control, Emit, Result, ThreadControl
from .command import Command
from .remote import HOLD_SECONDS, Remote
from .tally import Tally

COLD_TRIES = 3
CALL_SECONDS = 2.0  # how long a cell may have to wait behind a call whose answer does not come


class Session(Remote):
    """One bash on the far side, found again with each invocation. Cells run one at a time."""

    def run(self, cell: Cell, emit: Emit, control: Control, tally: Tally) -> Result:
        """Run a cell to its end. Raises errors.KernelError; the tally is right in that case too."""
        with self.lock:
            return self._command(cell, emit, control, tally).run()

    def _command(self, cell: Cell, emit: Emit, control: Control, tally: Tally) -> Command:
        return Command(self, cell, emit, control, tally)

    def reset(self, emit: Emit, control: Control, tally: Tally, cold: bool = False) -> None:
        """A clean shell, at once; cold: in a new environment. Raises errors.KernelError."""
        with self.lock:
            hello = self._command(Cell(""), emit, control, tally).hello
            self.environment, before = (None if cold else self.environment), self.environment
            if not cold or before is None:
                self.forget(clean=True)
                hello()
                return
            self.leave()
            self.snapshot = None
            if self.transport.renew():
                hello()
            else:
                self._hello_elsewhere(before, hello, control)

    def _hello_elsewhere(self, before: str, hello: Callable[[float], None], control: Control) -> None:
        """Without tenants Lambda chooses the environment: a new one while all the others are busy. The new one is
        held for longer than the one before, since the one used last is the likeliest to be used next."""
        for _ in range(COLD_TRIES):
            holding = threading.Thread(target=self.hold, args=(self.event("close"),), daemon=True)
            holding.start()
            control.wait(HOLD_SECONDS / 4)  # the request must be there before the next one is
            self.forget()
            hello(HOLD_SECONDS)
            holding.join()
            if self.environment != before:
                return
            self.environment = None
        raise errors.Refused("Lambda chose the same environment each time: it may be throttled to one; try again")

    def ping(self, emit: Emit, control: Control, tally: Tally) -> None:
        """Find the shell, or start it again where Lambda has replaced its environment. Raises errors.KernelError."""
        with self.lock:
            if self.shell is not None:
                self._command(Cell(""), emit, control, tally).hello()

    def call(self, code: str, name: str, tally: Tally, **arguments: Any) -> Any:
        """What a function of that code's returns, called in the environment with the index.Shell as its first argument.

        None where it cannot be asked now: a cell runs, there is no shell, or another environment answers. Raises
        errors.KernelError; errors.Abandoned when there is no answer in time.
        """
        if self.shell is None or not self.lock.acquire(blocking=False):
            return None
        control = ThreadControl()
        try:
            control.wait(self.pace.room())
            self.pace.note()
            control.interrupt()  # it is given up from the start
            event = self.event("call") | self.here() | {"code": code, "name": name, "arguments": arguments}
            reply = self.caller(lambda: self.transport.invoke(event), control, CALL_SECONDS)
        finally:
            self.lock.release()
        tally.add(reply.request_id, reply.report)
        self.place(tally)
        payload = reply.payload
        return payload.get("value") if isinstance(payload, dict) and payload.get("state") == "called" else None

    def ask(self, code: str, name: str, emit: Emit, control: Control, tally: Tally, **arguments: Any) -> Any:
        """As `call`, with patience: the shell is started where there is none, and what passes by is waited for."""
        with self.lock:
            return self._command(Cell(""), emit, control, tally).call(code, name, arguments)

    def leave(self) -> None:
        """End the shell and all that it started, if that can be done now: nobody comes back to it."""
        if self.shell is not None:
            self.shell = None
            with contextlib.suppress(errors.KernelError):
                self.transport.invoke(self.event("close"))
