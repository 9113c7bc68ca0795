"""Calls into the environment that belong together: all of them in the one that the first call has found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from .. import errors
from ..cell import Cell, Control, Emit
from ..command import Command
from ..place import mask
from ..session import Session
from ..tally import Tally
from ..workspace import Workspace
from .sides import Answer, code, fault


class Errand(Command):
    """The environment as one side of a transfer. Each call is asked until it is answered."""

    where = "in the environment"

    lost = False

    def do(self, name: str, **arguments: Any) -> Answer:
        """Raises errors.KernelError; errors.Interrupted when the user has had enough."""
        self.calls = {"code": code(), "name": name, "arguments": arguments}
        while True:
            self._go_on()
            if self.session.shell is None:
                self.hello()
            reply = self._ask("call")
            if reply is None:
                continue
            # A shell that has ended meanwhile has no working directory any more.
            if reply["state"] == "called" and (self.started or not reply["ended"]):
                self.started, self.away_since, self.unanswered = True, None, False
                return fault(name, self.where, reply["value"])
            self._not_here("call", reply)

    def quietly(self, name: str, **arguments: Any) -> None:
        """Once, whatever comes of it."""
        if self.lost:
            return
        self.calls = {"code": code(), "name": name, "arguments": arguments}
        with contextlib.suppress(errors.KernelError):
            self._invoke("call")

    def _go_on(self) -> None:
        if self._seconds_late() is not None:
            raise errors.TransferFailed(f"the transfer was ended after {self.cell.seconds:g} s, as %timeout says")
        if self.control.interrupts or self.control.closed:
            raise errors.Interrupted("the transfer was interrupted")

    def _lose(self, why: str) -> NoReturn:
        self._go_on()
        self.lost = True
        raise errors.CommandLost(f"the transfer is lost: {why}. Run the cell again")


@contextlib.contextmanager
def errand(workspace: Workspace, emit: Emit, control: Control, tally: Tally) -> Iterator[Errand]:
    """The present target's environment, with no cell beside it. Raises UsageError where it is no place for files."""
    session = workspace.session()
    if not isinstance(session, Session):
        raise no_files(session.transport.function)
    with session.lock:
        try:
            yield Errand(session, Cell("", seconds=workspace.settings.seconds), emit, control, tally)
        except errors.ShellPerCommand:
            workspace.use_article()
            raise no_files(session.transport.function) from None


def no_files(function: str) -> errors.UsageError:
    return errors.UsageError(
        f"`{mask(function)}` is the 2018 article's function, which cannot take or give files: "
        "`lambda-kernel deploy` makes one that can"
    )
