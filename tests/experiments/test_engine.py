"""The engine, with a session whose time passes by a fake clock, and with a real bash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.aws.usage import Usage
from lambda_kernel.experiments.engine import Ahead, Clocks, Engine, Slot
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.plan import repetitions
from lambda_kernel.report import Report
from lambda_kernel.session.cell import Cell, CellEvent, Output, Result, ThreadControl
from lambda_kernel.session.context import Context
from tests.support.faults import answer_lost
from tests.support.in_process_session import InProcess

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
INIT_S, RUN_S = 0.25, 0.01


@dataclass
class World:
    """A place where each run takes a hundredth of a second, and a new environment a quarter more.

    endings: what becomes of each run, in turn; interrupt_at: the time at which the user interrupts.
    """

    endings: list[Result | errors.KernelError] = field(default_factory=list)
    interrupt_at: float | None = None
    now: float = 1000.0
    control: ThreadControl = field(default_factory=ThreadControl)
    began: list[float] = field(default_factory=list)
    environments: int = 0

    def clock(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        if self.interrupt_at is not None and self.now <= self.interrupt_at < end:
            self.now, self.interrupt_at = self.interrupt_at, None
            self.control.interrupt()
        else:
            self.now = end

    def run(self, cell: Cell, context: Context) -> Result:
        self.began.append(self.now)
        number = len(self.began)
        self.pass_time(RUN_S)
        context.usage.add(f"run {number}", Report("id", RUN_S * 1000, 10.0, 128, 30))
        context.usage.environment_id = f"environment {self.environments}"
        context.emit(Output("stdout", b"same"))
        if context.control.interrupts:
            return Result(130, interrupted=True)
        if cell.seconds is not None and cell.seconds < RUN_S:
            return Result(130, timed_out=True)
        ending = self.endings[number - 1] if number <= len(self.endings) else Result(0)
        if isinstance(ending, errors.KernelError):
            raise ending
        return ending

    def reset(self, context: Context, cold: bool = False) -> None:
        assert cold
        self.environments += 1
        self.pass_time(INIT_S)
        context.usage.add(f"hello {self.environments}", Report("id", 5.0, 300.0, 128, 30, init_duration_ms=240.0))
        context.usage.environment_id = f"environment {self.environments}"

    def leave(self) -> None:
        self.pass_time(0.1)

    def carry_out(
        self,
        experiment: Experiment,
        code: str = "true",
        seconds: float | None = None,
        ahead: Mapping[int, Ahead] | None = None,
    ) -> Usage:
        usage = Usage()
        clocks = Clocks(self.clock, lambda: T0 + timedelta(seconds=self.now), self.pass_time)
        context = Context(lambda cell_event: None, self.control, usage)
        cell, slots = Cell(code, seconds=seconds, stdin=True), [Slot(self, "shell", "local")]
        Engine(experiment, cell, slots, context, clocks, show=lambda experiment: None, ahead=ahead).carry_out()
        return usage


def planned(count: int, pause: float = 0.0, cold: bool = False) -> Experiment:
    return Experiment(repetitions("test", count, pause, cold))


def test_what_was_done_ahead_is_a_part_of_the_slots_first_run() -> None:
    world, experiment, hello = World(), planned(2), Usage()
    hello.add("hello", Report("id", 5.0, 300.0, 128, 30, init_duration_ms=240.0))
    usage = world.carry_out(experiment, ahead={0: Ahead(hello, 5.0)})
    one, two = experiment.rows
    assert (one.wall_ms, one.init_duration_ms, one.invocations) == (5_010.0, 240.0, 2)
    assert one.start == (T0 + timedelta(seconds=995)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (two.wall_ms, two.invocations) == (10.0, 1)
    assert usage.invocations == 3


ENDINGS = st.sampled_from([Result(0), Result(3), errors.CommandLost("gone"), Result(1, ended="unresponsive")])


def outcome(how: Result | errors.KernelError) -> str:
    return "ok" if how == Result(0) else "failed" if how == Result(3) else "lost"


@given(st.lists(ENDINGS, min_size=1, max_size=30), st.booleans(), st.sampled_from([0.0, 0.5, 3600.0]))
def test_each_run_is_made_once_and_has_a_row(
    endings: list[Result | errors.KernelError], cold: bool, pause: float
) -> None:
    world, experiment = World(endings), planned(len(endings), pause, cold)
    usage = world.carry_out(experiment)
    assert len(world.began) == len(endings)
    assert [row.repetition for row in experiment.rows] == [*range(1, len(endings) + 1)]
    assert [row.outcome for row in experiment.rows] == [outcome(how) for how in endings]
    assert usage.invocations == sum(row.invocations for row in experiment.rows) == len(endings) * (2 if cold else 1)
    assert usage.cold_starts == world.environments == (len(endings) if cold else 0)
    assert usage.totals is not None
    assert usage.totals.billed_duration_ms == sum(row.billed_duration_ms or 0 for row in experiment.rows)
    assert {row.wall_ms for row in experiment.rows} == {260.0 if cold else 10.0}
    gaps = {round(after - before, 6) for before, after in pairwise(world.began)}
    assert gaps <= {round(RUN_S + pause + (0.1 + INIT_S if cold else 0), 6)}
    assert experiment.stopped is None
    assert sorted(run for fold in experiment.folds for run in fold.runs) == [*range(1, len(endings) + 1)]


@given(st.floats(0, 12), st.booleans())
def test_an_interrupt_at_any_moment_keeps_the_rows_and_starts_nothing_more(after: float, cold: bool) -> None:
    world, experiment = World(interrupt_at=1000 + after), planned(10, pause=1, cold=cold)
    world.carry_out(experiment)
    assert [row.repetition for row in experiment.rows] == [*range(1, len(experiment.rows) + 1)]
    assert all(row.outcome == "ok" for row in experiment.rows[:-1])
    if world.interrupt_at is not None:  # it came after the end
        assert (len(experiment.rows), experiment.stopped) == (10, None)
        return
    assert all(begun <= 1000 + after for begun in world.began)
    assert experiment.stopped == "interrupted"


def test_the_time_limit_is_of_all_runs_together() -> None:
    world, experiment = World(), planned(10, pause=1)
    world.carry_out(experiment, seconds=2.5)
    assert len(experiment.rows) == len(world.began) == 3
    assert (experiment.stopped, world.now) == ("timed out", 1002.5)
    world, experiment = World(), planned(10)
    world.carry_out(experiment, seconds=0.035)
    assert [row.outcome for row in experiment.rows] == ["ok", "ok", "ok", "timed out"]
    assert experiment.stopped == "timed out"


def test_an_error_that_the_next_run_would_meet_ends_it_with_the_rows() -> None:
    world = World([Result(0), errors.AccessDenied("you may not")])
    experiment = planned(5)
    with pytest.raises(errors.AccessDenied):
        world.carry_out(experiment)
    assert [row.outcome for row in experiment.rows] == ["ok"]
    assert len(world.began) == 2


def test_a_cold_start_alone() -> None:
    world, experiment = World(), planned(2, cold=True)
    world.carry_out(experiment, code=" \n")
    assert world.began == []
    [first, second] = experiment.rows
    assert (first.outcome, first.exit_code, first.cold_start) == ("ok", None, True)
    assert (first.init_duration_ms, first.wall_ms, first.environment_id) == (240.0, 250.0, "environment 1")
    assert second.start == "2026-01-01T00:16:40.450Z"  # after 1,000 s, leaving twice, and the first run


def test_a_real_shell_runs_it_once_each_though_answers_are_lost(remote: InProcess) -> None:
    faults = iter([answer_lost, answer_lost])
    remote.run("n=0")
    remote.transport.faults = lambda event, invoke: (
        next(faults, lambda event, invoke: invoke())(event, invoke) if event["op"] == "run" else invoke()
    )
    shown: list[CellEvent] = []
    experiment, usage = planned(3), Usage()
    clocks = Clocks(remote.session.connection.clock, lambda: T0, remote.sleep)
    context, slots = Context(shown.append, remote.transport.control, usage), [Slot(remote.session, "shell", "local")]
    Engine(experiment, Cell("echo $((n += 1)); cat"), slots, context, clocks, show=lambda experiment: None).carry_out()
    assert [(fold.data, fold.runs) for fold in experiment.folds] == [
        (b"1\n", [1]),
        (b"2\n", [2]),
        (b"3\n", [3]),
    ]
    assert usage.invocations == sum(row.invocations for row in experiment.rows)
    assert remote.run("echo $n").out == "3\n"
