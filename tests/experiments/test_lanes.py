"""Lanes: the threads of runs, their calls, and those that hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.experiments.engine import Clocks, Engine, Slot
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.lanes import LaneControl, in_lanes
from lambda_kernel.experiments.plan import mapped
from lambda_kernel.session.cell import Cell, Output, Result, ThreadControl
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from lambda_kernel.session.worker import Worker, inline
from tests.support.in_process_session import InProcess

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)


def two() -> Experiment:
    return Experiment(mapped("test", ("0", "1"), at_once=2))


@pytest.mark.parametrize(
    ("interrupted", "moments"),
    [
        (None, [(0, False), (24.9, False), (25, True)]),
        (3, [(2, False), (3, False), (7.9, False), (8, True)]),
        (22, [(24.9, False), (25, True)]),
    ],
)
def test_a_call_gets_its_grace_after_an_interrupt_and_after_its_limit(
    interrupted: float | None, moments: Sequence[tuple[float, bool]]
) -> None:
    now, whole = 0.0, ThreadControl()
    control = LaneControl(whole, lambda: now)

    def call() -> None:
        nonlocal now
        for moment, stuck in moments:
            now = moment
            if interrupted is not None and now >= interrupted:
                whole.interrupt()
            assert control.stuck() == stuck

    in_lanes(inline)(call, control, 5.0, 20.0)
    assert not control.stuck()
    assert in_lanes(inline)(lambda: 3, whole, 5.0) == 3


def test_a_session_in_a_lane_needs_no_second_thread() -> None:
    threads: list[str] = []

    def noted(event: Event, invoke: Callable[[], Reply]) -> Reply:
        threads.append(threading.current_thread().name)
        return invoke()

    remote, whole = InProcess(noted), ThreadControl()
    session = Session(remote.transport, time.monotonic, caller=in_lanes(Worker()))
    slots = [Slot(session, "shell", "local"), Slot(session, "shell", "local")]
    clocks = Clocks(time.monotonic, lambda: T0, whole.wait)
    context = Context(lambda cell_event: None, whole, Usage())
    Engine(two(), Cell("true"), slots, context, clocks, show=lambda _: None).carry_out()
    remote.close()
    assert threads == ["run"] * 3  # a hello, and two commands


@dataclass
class Hanging:
    """A place whose second run waits for an answer that does not come."""

    whole: ThreadControl
    go: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    def run(self, cell: Cell, context: Context) -> Result:
        context.usage.add("run", None)
        if cell.variables["FLEET_ITEM"] == "1":
            in_lanes(inline)(self.hang, context.control, 0.0)
            self.closed = context.control.closed
            context.emit(Output("stdout", b"too late"))
            self.over.set()
        return Result(0)

    def hang(self) -> None:
        self.whole.interrupt()
        self.go.wait(10)

    def reset(self, context: Context, cold: bool = False) -> None: ...

    def leave(self) -> None: ...


def test_a_lane_that_hangs_is_left_and_what_it_says_later_is_dropped() -> None:
    whole, experiment, usage = ThreadControl(), two(), Usage()
    place = Hanging(whole)
    clocks = Clocks(time.monotonic, lambda: T0, whole.wait)
    slots = [Slot(place, "shell", "local"), Slot(place, "shell", "local")]
    context = Context(lambda cell_event: None, whole, usage)
    Engine(experiment, Cell("true"), slots, context, clocks, show=lambda _: None).carry_out()
    rows = list(experiment.rows)
    assert [row.outcome for row in rows if row.repetition == 2] == ["interrupted"]
    assert (len(experiment.left), experiment.running) == (1, 0)
    assert usage.invocations == 3  # with the one that nobody waits for: Lambda bills it
    assert not place.over.is_set()
    place.go.set()
    assert place.over.wait(10)
    assert place.closed  # a session sends nothing more then
    assert experiment.rows == rows
