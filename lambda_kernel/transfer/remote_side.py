"""The environment's side of a transfer. All its calls go to the environment that the first call has found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .. import errors
from ..aws.client_errors import garbled
from ..aws.error_text import mask
from ..function.index import State
from ..session import replies
from ..session.cell import InputRequest
from ..session.command import TYPING_SECONDS
from ..session.context import Context
from ..session.exchange import Exchange
from ..session.requests import Call
from ..session.session import Session
from ..untrusted import Unfit
from ..workspace.workspace import Workspace
from . import answers
from .local_side import Answer, checked, code, shown


class RemoteSide:
    """The environment as one side of a transfer. Each call is repeated until it is answered.

    seconds: the time limit. lost: whether the environment is gone.
    """

    where, ours = "in the environment", False

    def __init__(self, exchange: Exchange, seconds: float | None) -> None:
        self.exchange, self.seconds, self.lost = exchange, seconds, False

    def do(self, name: str, **arguments: Any) -> Answer:
        """Raises errors.KernelError, such as errors.Interrupted."""
        exchange = self.exchange
        while True:
            self.go_on()
            if exchange.remote.shell is None:
                exchange.hello()
            reply = exchange.send(lambda: Call(exchange.remote, code(), name, arguments))
            if reply is None:
                continue
            # A shell that has ended has no working directory.
            if reply["state"] == State.CALLED and (exchange.started or not reply.get("ended")):
                exchange.found()
                return checked(name, self, self._read(name, reply["value"]))
            self._not_here(reply)

    def _not_here(self, reply: replies.Answer) -> None:
        """Until one call is answered any environment will do."""
        if self.exchange.started:
            self.exchange.seek(reply)
        else:
            self.exchange.renew(reply)

    def _read(self, name: str, value: Any) -> Answer:
        try:
            return answers.read(name, value)
        except Unfit:
            raise garbled(self.exchange.remote.function) from None

    def folds(self, directory: bytes) -> bool:
        return False  # Linux's file systems do not

    def quietly(self, name: str, **arguments: Any) -> None:
        """Try once, and ignore errors."""
        if self.lost:
            return
        with contextlib.suppress(errors.KernelError):
            self.exchange.send_once(Call(self.exchange.remote, code(), name, arguments))

    def name(self, path: bytes) -> str:
        return shown(path)

    def agrees(self, question: str) -> bool:
        """Whether the user says yes. Raises errors.KernelError if there is no answer."""
        while True:
            self.go_on()
            answer = self.exchange.control.request_input(
                InputRequest(question), min(self.exchange.limit.left(), TYPING_SECONDS)
            )
            if answer is not None:
                return answer.strip().lower() in ("y", "yes")

    def go_on(self) -> None:
        """Raises errors.TransferFailed if the time limit is reached, and errors.Interrupted."""
        if self.exchange.limit.late() is not None:
            raise errors.TransferFailed(
                f"the transfer reached the time limit of {self.seconds:g} s: raise it with %timeout"
            )
        if self.exchange.control.interrupts or self.exchange.control.closed:
            raise errors.Interrupted("the transfer was interrupted")


@contextlib.contextmanager
def open_remote_side(workspace: Workspace, context: Context) -> Iterator[RemoteSide]:
    """The current target's environment, while no cell runs. Raises UsageError if it cannot transfer files."""
    session, seconds = workspace.enter(context.emit, context.control), workspace.settings.seconds
    if not isinstance(session, Session):
        raise no_files(session.transport.function)

    def lost(why: str) -> errors.CommandLost:
        side.go_on()
        side.lost = True
        return errors.CommandLost(f"the transfer is lost: {why}. Run the cell again")

    with session.exchange(context, seconds=seconds, lost=lost) as exchange:
        side = RemoteSide(exchange, seconds)
        try:
            yield side
        except errors.ShellPerCommand:
            workspace.use_article()
            raise no_files(session.transport.function) from None


def no_files(function: str) -> errors.UsageError:
    return errors.UsageError(
        f"`{mask(function)}` is the 2018 article's function, which cannot transfer files: "
        "deploy one that can with `lambda-kernel deploy`"
    )
