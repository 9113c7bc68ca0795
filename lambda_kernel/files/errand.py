"""Calls into the environment that belong together: all of them in the one that the first call has found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from .. import errors
from ..cell import Ask, Cell, Control, Emit
from ..command import TYPING_SECONDS, Command
from ..place import mask
from ..session import Session
from ..tally import Tally
from ..workspace import Workspace
from .sides import Answer, code, fault, shown


class Errand(Command):
    """The environment as one side of a transfer. Each call is asked until it is answered."""

    where = "in the environment"

    lost = False

    def do(self, name: str, **arguments: Any) -> Answer:
        """Raises errors.KernelError; errors.Interrupted when the user has had enough."""
        self.calls = {"code": code(), "name": name, "arguments": arguments}
        while True:
            self.go_on()
            if self.session.shell is None:
                self.hello()
            reply = self._ask("call")
            if reply is None:
                continue
            # A shell that has ended meanwhile has no working directory any more.
            if reply["state"] == "called" and (self.started or not reply["ended"]):
                self.started, self.unanswered = True, False
                self.search.found()
                return fault(name, self, reply["value"])
            self._not_here("call", reply)

    def quietly(self, name: str, **arguments: Any) -> None:
        """Once, whatever comes of it."""
        if self.lost:
            return
        self.calls = {"code": code(), "name": name, "arguments": arguments}
        with contextlib.suppress(errors.KernelError):
            self._invoke("call")

    def name(self, path: bytes) -> str:
        return shown(path)

    def agrees(self, question: str) -> bool:
        """Whether the user says yes. Raises errors.KernelError when there is no answer."""
        while True:
            self.go_on()
            left = TYPING_SECONDS if self.end is None else self.end - self.clock()
            answer = self.control.ask(Ask(question), min(left, TYPING_SECONDS))
            if answer is not None:
                return answer.strip().lower() in ("y", "yes")

    def go_on(self) -> None:
        """Raises errors.TransferFailed when the time is over, and errors.Interrupted."""
        if self._seconds_late() is not None:
            raise errors.TransferFailed(f"the transfer was ended after {self.cell.seconds:g} s, as %timeout says")
        if self.control.interrupts or self.control.closed:
            raise errors.Interrupted("the transfer was interrupted")

    def _lose(self, why: str) -> NoReturn:
        self.go_on()
        self.lost = True
        raise errors.CommandLost(f"the transfer is lost: {why}. Run the cell again")


@contextlib.contextmanager
def errand(workspace: Workspace, emit: Emit, control: Control, tally: Tally) -> Iterator[Errand]:
    """The present target's environment, with no cell beside it. Raises UsageError where it is no place for files."""
    session = workspace.enter(emit, control)
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
