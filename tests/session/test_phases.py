"""The tables of a cell's exchange: whole, and what the exchange does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function.index import ANSWERS, PROTOCOL, Op, State
from lambda_kernel.session.cell import Cell
from lambda_kernel.session.context import Context
from lambda_kernel.session.phases import ACTIONS, LOST, OVERTAKEN, SILENCE, STEPS, Action, Phase
from lambda_kernel.session.session import Session
from tests.support.fake_transport import FakeTransport
from tests.support.in_process_session import InProcess, Interrupts, LambdaContext

PAIRS = [(phase, state) for phase in Phase for state in STEPS[phase]]
NOTHING_RUN = (Action.SEND, Action.RENEW, Action.REFUSE, Action.OVERTAKEN)


def test_there_is_a_step_for_each_answer_and_for_no_other() -> None:
    for phase in Phase:
        assert STEPS[phase].keys() == {*ANSWERS[phase.op], SILENCE}
    assert {phase.op for phase in Phase} | ACTIONS.keys() == ANSWERS.keys()
    for op, deeds in ACTIONS.items():
        assert deeds.keys() == ANSWERS[op].keys()


def test_what_may_run_is_sent_again_only_where_it_has_surely_not_begun() -> None:
    def again(phase: Phase) -> set[str]:
        return {state for state, step in STEPS[phase].items() if step.do in NOTHING_RUN}

    assert again(Phase.IN_DOUBT) == {State.UNSEEN, State.TAKEN, State.UNRUN}
    assert again(Phase.RUNNING) == {State.TAKEN, State.UNRUN}


def test_what_is_known_is_not_forgotten() -> None:
    for phase, state in PAIRS:
        do, then = STEPS[phase][state]
        assert then.started or do in NOTHING_RUN or phase is then is Phase.ASKING


class Script:
    """A function that answers a cell's requests so that it comes to a phase, then by a state, and well from then on."""

    def __init__(self, phase: Phase, state: str) -> None:
        self.before: list[str] = {Phase.IN_DOUBT: [SILENCE], Phase.RUNNING: [State.RUNNING]}.get(phase, [])
        self.states = [*self.before, state]
        self.ops: list[str] = []  # of the requests behind that answer
        self.shells = 0
        self.session = Session(FakeTransport(self.answer, LambdaContext), lambda: 0.0, "test", lambda: 0.5)

    def answer(self, event: Event, context: Any) -> dict[str, Any]:
        op = event["op"]
        if not self.states:
            self.ops.append(op)
        if op == Op.HELLO:
            self.shells += 1
            return self.reply(State.IDLE, shell=f"shell{self.shells}", seq=0)
        state = self.states.pop(0) if self.states else State.DONE
        if state == SILENCE:
            raise errors.Unanswered("the connection was lost")
        return self.reply(state, shell=event["shell"], seq=event["seq"])

    def reply(self, state: str, **more: Any) -> dict[str, Any]:
        output = {"at": 0, "chunks": [], "cwd": "/", "exit": 0, "total": 0, "why": "no room"}
        ended = {"cause": "exit", "exit": 0} if state == State.UNRUN else None
        return {"protocol": PROTOCOL, "environment": "one", "state": state, "ended": ended, **output, **more}

    def run(self, asks: bool) -> str:
        """The cell; why it was given up."""
        session, sleep = self.session, lambda seconds: None
        session.ping(Context(lambda cell_event: None, Interrupts(sleep=sleep), Usage()))
        session.remote.uptime = (lambda: 1e9) if asks else (lambda: session.remote.heard)
        try:
            session.run(Cell("true"), Context(lambda cell_event: None, Interrupts(sleep=sleep), Usage()))
        except errors.KernelError as error:
            return str(error)
        return ""


@pytest.mark.parametrize(("phase", "state"), PAIRS, ids=lambda one: one.name if isinstance(one, Phase) else one)
def test_the_exchange_does_what_the_table_says(phase: Phase, state: str) -> None:
    script = Script(phase, state)
    script.session.remote.shell, script.session.remote.environment, script.shells = "shell0", "one", 1
    why = script.run(asks=phase is Phase.ASKING)
    do, then = STEPS[phase][state]
    given_up: dict[Action, str] = {Action.OVERTAKEN: OVERTAKEN, Action.REFUSE: "nothing was run: no room"}
    if do is Action.LOSE or do is Action.SEEK:  # the environment is the right one, and its shell is not
        assert LOST[state] in why
        assert script.ops == []
    elif do in given_up:
        assert given_up[do] in why
        assert script.ops == []
    else:
        expected: dict[Action, Callable[[], list[str]]] = {
            Action.TAKE: lambda: [] if state == State.DONE else [Op.ATTACH],
            Action.SEND: lambda: [Op.RUN],
            Action.RENEW: lambda: [Op.HELLO, Op.RUN],
            Action.WAIT: lambda: [then.op],
        }
        assert (why, script.ops) == ("", expected[do]())


def test_a_takeover_is_called_one() -> None:
    assert "another kernel" in LOST[State.STALE]
    assert "ended" not in LOST[State.STALE] + LOST[State.GONE]


def test_a_kernel_whose_shell_another_one_takes_over(remote: InProcess) -> None:
    """After a restart in which it lived on: first in mid-command, then before one."""
    later = Session(remote.transport, lambda: 0.0, "test", epoch=99)

    def overtaken(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == Op.ATTACH:
            remote.transport.faults = None
            remote.transport.fake.invoke(later.remote.hello(0))
        return invoke()

    remote.transport.faults = overtaken
    with pytest.raises(errors.CommandLost, match=f"not run again: {LOST[State.STALE]}"):
        remote.run("sleep 50")
    with pytest.raises(errors.CommandLost, match=OVERTAKEN):
        remote.run("true")
