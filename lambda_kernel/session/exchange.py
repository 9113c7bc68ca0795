"""Requests for one purpose, a cell or a transfer: each is sent until it is answered, or given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .. import errors
from ..aws.client_errors import garbled, not_ours, retrying
from ..aws.error_text import LOCAL
from ..aws.transport import Event, Reply
from ..function.index import Op
from ..untrusted import Unfit
from .cell import CellEvent, Notice
from .connection import Connection
from .context import Context
from .phases import ACTIONS, LOST, OVERTAKEN, SILENCE, STEPS, Action, Phase
from .remote_shell import RemoteShell
from .replies import NO_BASH, Answer, measured, nothing_run, ours, read, restless
from .requests import Attach, Call, Hello, Request
from .search import Search
from .timing import Limit, Silence, backoff
from .waits import FIRST_SECONDS, LONG_SECONDS, waiting

SILENT_SECONDS = 900.0  # an idle environment has not been seen to live much longer
PATIENCE_SECONDS = 60.0  # how long a command that has not been started is tried
CALL_TRIES = 5
ELSEWHERE_TRIES = 20
RESTARTS = 3  # of a shell that ends before it has begun its first cell
ELSEWHERE = "Lambda keeps choosing another execution environment: try again when less runs at the same time"
STARTS = "Waiting for `{function}`: Lambda starts an execution environment, which takes some seconds."
ANSWERS = "Waiting for an answer of `{function}`."
BRIEF = (errors.Throttled, errors.NotReady)  # refusals that pass by themselves
PASSING = (*BRIEF, errors.Unreachable, errors.BadSettings)  # or that the user can end while a command waits

Lost = Callable[[str], errors.KernelError]


class Exchange:
    """Ends with the cell or the transfer.

    seconds: its time limit. lost: makes the error for a command that is lost, from the reason. patient: a command that
    has not been started is tried again when Lambda throttles it.
    """

    def __init__(
        self,
        remote: RemoteShell,
        connection: Connection,
        context: Context,
        *,
        seconds: float | None,
        lost: Lost,
        patient: bool = True,
    ) -> None:
        self.remote, self.connection = remote, connection
        self.emit, self.control, self.usage = context.emit, context.control, context.usage
        self.limit = Limit(connection.clock, seconds)
        self.phase = Phase.UNSENT
        self.search = Search(remote, connection, self.control)
        self._make_lost, self._patient = lost, patient
        self._notified: set[type[errors.KernelError]] = set()  # what is retried, each once
        self._silence: Silence | None = None
        self._restarts = 0  # how often a shell or an environment could not run the command

    @property
    def started(self) -> bool:
        """Whether the command may have been started."""
        return self.phase.started

    @property
    def stopped(self) -> bool:
        """Whether the user, or the time limit, wants it to end."""
        return self.limit.late() is not None or self.control.interrupts > 0

    @property
    def wait_seconds(self) -> float:
        """How long the function may wait for a command before it answers."""
        if self.search.begun:
            return 0.0  # a proxy that takes a slow answer for none would send each of them to another environment
        return max(min(self.connection.slice, self.limit.left()), 0.05)

    def begin(self) -> None:
        """Begin with a command that has not been sent. After a pause, the environment is asked for first."""
        self.phase = Phase.UNSENT if self.remote.sure else Phase.ASKING

    def mute(self) -> None:
        """Show nothing more."""
        self.emit = dropped

    # --- requests

    def hello(self, hold: float = 0) -> None:
        """Find the session's shell, or start one. The request may be sent again and again."""
        while True:
            reply = self.send(lambda: Hello(self.remote, hold))
            if reply is not None:
                break
            if self.stopped:
                raise errors.CommandLost("interrupted before the function answered: nothing was run")
        do = ACTIONS[Op.HELLO][reply["state"]]
        if do is not Action.MEET:
            self.give_in(do, reply)
        self.remote.meet(reply, self.emit, self.usage)
        self.remote.annotate(self.usage)

    def call(self, code: str, name: str, arguments: dict[str, Any]) -> Any:
        """Return what a function of that code returns. It may be called again and again."""
        elsewhere = 0
        while elsewhere < CALL_TRIES:
            if self.remote.shell is None:
                self.hello()
            reply = self.send(lambda: Call(self.remote, code, name, arguments))
            if reply and ACTIONS[Op.CALL][reply["state"]] is Action.RETURN:
                return reply["value"]
            if self.stopped:
                raise errors.Interrupted("interrupted before the environment answered")
            if reply:  # another environment than was expected: it becomes the session's
                elsewhere += 1
                self.hello()
        raise errors.Refused(ELSEWHERE)

    def send(self, make: Callable[[], Request]) -> Answer | None:
        """Send requests until one is answered. None: no answer came, and a command may have been started."""
        while True:
            request = make()
            try:
                reply = self.send_once(request)
            except errors.Refused as error:
                if not self._passes(error):
                    self.give_up(error)
                self._retry(error, error.after)
                if not self.started and (self.stopped or self.control.closed):
                    self.give_up(error)
            except errors.Abandoned as error:
                if instead := request.abandoned(error):
                    raise instead from error
                self.lose(f"{error}, so nobody knows what became of it")
            except errors.Unanswered as error:
                self._unanswered(request)
                self._retry(error, self.connection.still_busy())
                return None
            else:
                self._silence = None
                return reply

    def send_once(self, request: Request) -> Answer:
        connection, event = self.connection, request.event()
        try:
            reply = self._invoke(request, event)
        except errors.FunctionFailed as error:
            self._failed(request, error)
        payload, function = reply.payload, self.remote.function
        try:
            answer = read(payload, event) if ours(payload) else {}
        except Unfit:
            answer = {}
        self.usage.add(reply.request_id, reply.report or measured(reply, answer))
        self.remote.annotate(self.usage)
        connection.note(reply, answer.get("duration_ms"))
        if not ours(payload):
            self.give_up(not_ours(payload, function, met=not request.first))
        if not answer:
            self._unanswered(request)
            self.give_up(garbled(function))
        self.remote.hear(answer["environment"], reply.report.init_duration_ms if reply.report else None)
        return answer

    def _invoke(self, request: Request, event: Event) -> Reply:
        connection, remote = self.connection, self.remote
        limit = 0.0 if self.limit.passed else self.limit.left()
        starts = request.first and not remote.environments and connection.transport.region != LOCAL
        what, soon = (STARTS, FIRST_SECONDS) if starts else (ANSWERS, LONG_SECONDS)
        told = what.format(function=remote.function)
        after = soon + event.get("wait", 0.0) + event.get("hold", 0.0)  # for so long the function may keep its answer
        with waiting(self.control, self.emit, connection.clock, lambda: told, after) as control:
            return connection.invoke(event, control, limit, paced=request.paced)

    def _passes(self, error: errors.Refused) -> bool:
        """Whether the same request may be taken a little later, and who waits for the command wants that."""
        if self.started:
            return isinstance(error, PASSING)
        return isinstance(error, BRIEF) and (self._patient or not isinstance(error, errors.Throttled))

    def _failed(self, request: Request, error: errors.FunctionFailed) -> NoReturn:
        self.usage.add(error.request_id, error.report)
        if request.paced and "." not in error.error_type:
            raise error  # the code that was sent along has failed, and the shell lives on
        self.remote.crash()
        if instead := request.failed(error):
            raise instead from error
        self.lose(str(error))

    def _unanswered(self, request: Request) -> None:
        if request.begins or self.phase is not Phase.UNSENT:
            self.phase = STEPS[self.phase][SILENCE].then

    def _retry(self, error: errors.KernelError, at_least: float = 0) -> None:
        """Sleep before the next try. Raises when it has gone on for too long, or the user has had enough."""
        clock = self.connection.clock
        delays = backoff(self.connection.randomness)
        silence = self._silence = self._silence or Silence(clock(), self.control.interrupts, delays)
        if type(error) not in self._notified:
            self._notified.add(type(error))
            self.emit(Notice(retrying(error), "retry"))
        patience = SILENT_SECONDS if self.started else PATIENCE_SECONDS
        over = clock() - silence.since > patience or self.control.interrupts > silence.interrupts
        if over or (self.limit.passed if self.started else self.stopped):
            self.give_up(error)
        self.usage.retries += 1
        self.control.wait(min(max(next(silence.delays), at_least), self.limit.left()))

    # --- what an answer means

    def step(self, reply: Answer) -> Action:
        """Go to the next phase. Return what to do about the answer."""
        if self._may_be_twice(reply):
            self.phase = Phase.IN_DOUBT
        do, self.phase = STEPS[self.phase][reply["state"]]
        return do

    def _may_be_twice(self, reply: Answer) -> bool:
        """Whether the run may have reached somebody all the same.

        A proxy may have sent it twice, the first time to the right environment, which is busy with it. A tenant's
        environment is hardly busy with anything else.
        """
        elsewhere = not self.remote.is_here(reply) and reply["state"] in LOST
        return self.phase is Phase.UNSENT and self.remote.tenant and elsewhere and not self.connection.direct

    def found(self) -> None:
        """The right environment has answered that it runs what it was sent."""
        self.phase = Phase.RUNNING
        self.search.found()

    def renew(self, reply: Answer) -> None:
        """The command was not run there. Start another shell, which can run it."""
        remote = self.remote
        replaced = reply["environment"] != remote.environment
        self._restarts += 1
        if self._restarts > (ELSEWHERE_TRIES if replaced else RESTARTS):
            raise errors.Refused(ELSEWHERE if replaced else restless(reply))
        ended = reply.get("ended")
        remote.forget(None if replaced else ended["cause"] if ended else "signal")
        self.hello()

    def seek(self, reply: Answer, had: int = 0) -> None:
        """Wait for the right environment. It may be busy, or Lambda may prefer another one. had: bytes of output
        here."""
        remote, connection = self.remote, self.connection
        if reply["environment"] == remote.environment:
            self.lose(LOST[reply["state"]])
        if remote.tenant:
            self.control.wait(connection.still_busy())
        attach = Attach(remote, had, self.wait_seconds, not connection.reported).event()
        busy = self.phase is Phase.IN_DOUBT
        if self.stopped or not self.search.goes_on(reply["environment"], busy, attach):
            self.lose("Lambda has replaced its execution environment")

    def give_in(self, do: Action, reply: Answer) -> NoReturn:
        if do is Action.REFUSE:
            raise errors.CommandLost(nothing_run(reply))
        if do is Action.OVERTAKEN:
            raise errors.CommandLost(OVERTAKEN)
        if do is Action.NO_BASH:
            raise errors.NotOurs(NO_BASH)
        self.lose(LOST[reply["state"]])

    def give_up(self, error: errors.KernelError) -> NoReturn:
        if self.started:
            self.lose(f"the function no longer answers ({error})")
        raise error

    def lose(self, why: str) -> NoReturn:
        raise self._make_lost(why)


def dropped(cell_event: CellEvent) -> None:
    """An Emit that shows nothing."""
