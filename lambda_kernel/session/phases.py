"""What the kernel knows about a cell's command, and what it does about each answer: two tables.

The phases, each with the next request:

    UNSENT    nothing has been run                                                   run
    ASKING    nothing has been run; is the environment still there?                  attach
    IN_DOUBT  a request may be under way, or its answer was lost: it may run         attach
    RUNNING   the environment has answered that it runs, or did                      attach

So a run is sent only if it is certain that nothing has been run.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..function.index import Op, State

SILENCE = "silence"  # in place of a state: no answer came


class Phase(enum.Enum):
    """How far a command has come, as far as the kernel knows."""

    UNSENT = enum.auto()
    ASKING = enum.auto()
    IN_DOUBT = enum.auto()
    RUNNING = enum.auto()

    @property
    def op(self) -> str:
        """The next request."""
        return Op.RUN if self is Phase.UNSENT else Op.ATTACH

    @property
    def started(self) -> bool:
        """Whether the command may have been started. From then on only attach is sent."""
        return self in (Phase.IN_DOUBT, Phase.RUNNING)


class Action(enum.Enum):
    """What the kernel does about an answer."""

    TAKE = enum.auto()  # take the output; with all of it the cell is over
    SEND = enum.auto()  # send the run, since it has not arrived
    RENEW = enum.auto()  # start another shell, and send the run there
    SEEK = enum.auto()  # look for the environment that may run the command
    LOSE = enum.auto()  # the command is lost, and is not run again
    REFUSE = enum.auto()  # nothing was run: say why
    OVERTAKEN = enum.auto()  # nothing was run: another kernel has the shell
    NO_BASH = enum.auto()  # nothing was run: there is no bash
    WAIT = enum.auto()  # ask again
    MEET = enum.auto()  # take the shell as the session's own
    RETURN = enum.auto()  # give the value to the caller
    IGNORE = enum.auto()


class Step(NamedTuple):
    do: Action
    then: Phase


TAKE = Step(Action.TAKE, Phase.RUNNING)
RENEW = Step(Action.RENEW, Phase.UNSENT)
SEND = Step(Action.SEND, Phase.UNSENT)
# Nobody else uses this cell's number: that shell has not begun the cell.
NOT_BEGUN = {State.TAKEN: RENEW, State.UNRUN: RENEW}
STEPS: Mapping[Phase, Mapping[str, Step]] = MappingProxyType(
    {
        Phase.UNSENT: {
            State.RUNNING: TAKE,
            State.DONE: TAKE,
            **NOT_BEGUN,
            State.GONE: RENEW,
            State.ELSEWHERE: RENEW,
            State.STALE: Step(Action.OVERTAKEN, Phase.UNSENT),
            State.REFUSED: Step(Action.REFUSE, Phase.UNSENT),
            SILENCE: Step(Action.WAIT, Phase.IN_DOUBT),
        },
        Phase.ASKING: {
            State.RUNNING: TAKE,
            State.DONE: TAKE,
            **NOT_BEGUN,
            State.GONE: RENEW,
            State.ELSEWHERE: RENEW,
            State.STALE: Step(Action.OVERTAKEN, Phase.UNSENT),
            State.UNSEEN: SEND,
            SILENCE: Step(Action.WAIT, Phase.ASKING),
        },
        Phase.IN_DOUBT: {
            State.RUNNING: TAKE,
            State.DONE: TAKE,
            **NOT_BEGUN,
            State.GONE: Step(Action.LOSE, Phase.IN_DOUBT),
            State.ELSEWHERE: Step(Action.SEEK, Phase.IN_DOUBT),
            State.STALE: Step(Action.LOSE, Phase.IN_DOUBT),
            State.UNSEEN: SEND,
            SILENCE: Step(Action.WAIT, Phase.IN_DOUBT),
        },
        Phase.RUNNING: {
            State.RUNNING: TAKE,
            State.DONE: TAKE,
            **NOT_BEGUN,
            State.GONE: Step(Action.LOSE, Phase.RUNNING),
            State.ELSEWHERE: Step(Action.SEEK, Phase.RUNNING),
            State.STALE: Step(Action.LOSE, Phase.RUNNING),
            State.UNSEEN: Step(Action.LOSE, Phase.RUNNING),
            SILENCE: Step(Action.WAIT, Phase.IN_DOUBT),
        },
    }
)
# For the requests that are not about a cell.
ACTIONS: Mapping[str, Mapping[str, Action]] = MappingProxyType(
    {
        Op.HELLO: {
            State.IDLE: Action.MEET,
            State.RUNNING: Action.MEET,
            State.STALE: Action.OVERTAKEN,
            State.NO_BASH: Action.NO_BASH,
            State.REFUSED: Action.REFUSE,
        },
        Op.CALL: {State.CALLED: Action.RETURN, State.ELSEWHERE: Action.RENEW, State.STALE: Action.RENEW},
        Op.CLOSE: {State.CLOSED: Action.IGNORE, State.STALE: Action.IGNORE},
    }
)
# Why a command is lost, by the state of the answer.
LOST: Mapping[str, str] = MappingProxyType(
    {
        State.ELSEWHERE: "its shell has ended",
        State.GONE: "its shell runs a later command",
        State.STALE: "another kernel has taken over its shell",
        State.UNSEEN: "the function says that it never arrived",
    }
)
OVERTAKEN = "nothing was run: another kernel has taken over this kernel's shell. Restart this kernel"
