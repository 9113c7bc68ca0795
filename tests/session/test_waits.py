"""What is told of a wait that takes long: with a clock that goes on when something waits, and no sleep."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.errors import Interrupted
from lambda_kernel.session.cell import Cell, CellEvent, Notice, Output, Waiting
from lambda_kernel.session.context import Context
from lambda_kernel.session.exchange import ANSWERS, STARTS
from lambda_kernel.session.session import Session
from lambda_kernel.session.waits import FIRST_SECONDS, LONG_SECONDS, waiting
from lambda_kernel.session.worker import Worker
from tests.support.clocked_control import Clocked, Stuck
from tests.support.in_process_session import InProcess, fresh


@pytest.mark.parametrize(("seconds", "told"), [(LONG_SECONDS - 0.1, False), (LONG_SECONDS, True)])
def test_what_takes_long_is_told_and_taken_back(seconds: float, told: bool) -> None:
    control, seen = Clocked(), list[CellEvent]()
    with waiting(control, seen.append, lambda: control.now, lambda: "for tea") as patient:
        patient.wait(seconds)
        assert seen == ([Waiting("for tea")] if told else [])
        patient.wait(1_000)
        patient.wait(1_000)
    assert seen == [Waiting("for tea"), Waiting("")]


def test_nothing_is_told_when_it_has_come_in_the_last_moment() -> None:
    control, seen = Clocked(), list[CellEvent]()
    with waiting(control, seen.append, lambda: control.now, lambda: "for tea") as patient:
        patient.wait(1_000, lambda: control.now >= LONG_SECONDS)
    assert seen == []


def test_a_wait_that_is_shown_otherwise_is_not_told() -> None:
    control, seen = Clocked(), list[CellEvent]()
    with waiting(control, seen.append, lambda: control.now, lambda: "") as patient:
        patient.wait(1_000)
        patient.wait(1_000)
    assert (seen, control.now) == ([], LONG_SECONDS + 1_000)


def test_it_is_taken_back_after_a_failure_as_well() -> None:
    control, seen = Clocked(), list[CellEvent]()

    def wait() -> None:
        with waiting(control, seen.append, lambda: control.now, lambda: "for tea") as patient:
            patient.wait(1_000)
            raise Interrupted("no tea")

    with pytest.raises(Interrupted):
        wait()
    assert seen == [Waiting("for tea"), Waiting("")]


class Slow:
    """A session whose answers to some requests come long after the wait for them is told."""

    def __init__(self, region: str, *slow: str) -> None:
        self.remote = InProcess(self.answer)
        self.remote.transport.region = region
        self.control, self.slow, self.since = Stuck(), list(slow), 0.0
        self.session = Session(self.remote.transport, lambda: self.control.now, "test", lambda: 0.5, caller=Worker())
        self.waits: list[tuple[str, float]] = []

    def answer(self, event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] in self.slow:
            self.slow.remove(event["op"])
            self.since = self.control.now + event.get("wait", 0.0)
            self.control.stick(self.since + LONG_SECONDS)
        return invoke()

    def run(self, code: str) -> list[CellEvent]:
        ran = fresh()

        def emit(cell_event: CellEvent) -> None:
            ran.cell_events.append(cell_event)
            if isinstance(cell_event, Waiting) and cell_event.text:
                self.waits.append((cell_event.text, round(self.control.now - self.since, 6)))

        self.session.run(Cell(code), Context(emit, self.control, ran.usage))
        return ran.cell_events


@pytest.fixture
def slow() -> Iterator[Callable[..., Slow]]:
    made: list[Slow] = []

    def make(*what: str) -> Slow:
        made.append(Slow(*what))
        return made[-1]

    yield make
    for one in made:
        one.remote.close()


@pytest.mark.parametrize(
    ("region", "words", "after"), [("local", ANSWERS, LONG_SECONDS), ("eu-west-1", STARTS, FIRST_SECONDS)]
)
def test_the_first_answer_is_waited_for(slow: Callable[..., Slow], region: str, words: str, after: float) -> None:
    """On AWS it is told soon, since that is a cold start."""
    remote = slow(region, "hello")
    assert remote.run("echo a") == [Waiting(words.format(function="fake")), Waiting(""), Output("stdout", b"a\n")]
    assert remote.waits == [(words.format(function="fake"), after)]


def test_an_answer_that_is_late_is_waited_for(slow: Callable[..., Slow]) -> None:
    """Later than the function may keep it, for a command that takes its time."""
    remote = slow("eu-west-1", "run")
    text = ANSWERS.format(function="fake")
    assert remote.run("echo a") == [Waiting(text), Waiting(""), Output("stdout", b"a\n")]
    assert remote.waits == [(text, LONG_SECONDS)]
    assert not any(isinstance(cell_event, Notice | Waiting) for cell_event in remote.run("echo b"))
