"""Runs side by side: real threads, and a time that passes when all of them sleep."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.aws.usage import Usage
from lambda_kernel.experiments.engine import Clocks, Engine, Slot
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.gate import Gate
from lambda_kernel.experiments.lanes import LaneControl
from lambda_kernel.experiments.plan import fleet, mapped
from lambda_kernel.experiments.schedule import PATIENCE_SECONDS
from lambda_kernel.report import Report
from lambda_kernel.session.cell import Cell, Control, Output, Result, ThreadControl, never
from lambda_kernel.session.context import Context

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
BUSY = errors.Throttled("too many", limit="the account's limit")
FULL = errors.Throttled("no more environments", limit="perhaps the quota", quota=True)


class Timeline:
    """now: seconds. It goes on to the next moment at which a sleeper wakes, as soon as all lanes sleep, and none is
    about to wake. started: whether there are all lanes."""

    def __init__(self) -> None:
        self.now, self.started = 1_000.0, False
        self._sleeping: dict[int, tuple[float, Callable[[], bool]]] = {}  # by thread: when it wakes, and if before
        self._news = threading.Condition()

    def sleep(self, seconds: float, over: Callable[[], bool]) -> None:
        me = threading.get_ident()
        with self._news:
            wakes = self.now + seconds
            self._sleeping[me] = wakes, over
            while not over() and self.now < wakes:
                lanes = sum(thread.name == "run" for thread in threading.enumerate())
                if self.started and len(self._sleeping) >= lanes:
                    self._go_on()
                self._news.wait(0.001)
            del self._sleeping[me]

    def _go_on(self) -> None:
        first = min(wakes for wakes, _ in self._sleeping.values())
        if first < math.inf and not any(over() for _, over in self._sleeping.values()):
            self.now = max(self.now, first)


class Whole(ThreadControl):
    """Of an experiment on a timeline: it has started all its lanes when it waits for them."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        self._timeline.started = True
        super().wait(seconds, until)


class VirtualControl(LaneControl):
    """Of a lane whose time is a timeline's."""

    def __init__(self, whole: Control, timeline: Timeline) -> None:
        super().__init__(whole, lambda: timeline.now)
        self._timeline = timeline

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        heard = self._heard
        self._timeline.sleep(seconds, lambda: self.interrupts > heard or until())
        self._heard = self.interrupts


@dataclass
class World:
    """A Lambda that takes so many runs at once.

    endings: by item; slots: how many tenants it takes; opens: when it takes the first run; late: it throttles the first
    run of each slot after its hello; on_run, on_busy: are told.
    """

    limit: int = 1_000
    endings: Sequence[Result | errors.KernelError] = ()
    slots: int = 1_000
    opens: float = 0.0
    late: bool = False
    seconds: float = 1.0
    time: Timeline = field(default_factory=Timeline)
    control: ThreadControl = field(init=False)
    on_run: Callable[[int], None] = lambda number: None
    on_busy: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    unreachable: Sequence[float] = ()  # from then until then
    running: Counter[int] = field(default_factory=Counter)  # by slot
    most: int = 0
    ran: list[str] = field(default_factory=list)
    invocations: int = 0

    def __post_init__(self) -> None:
        self.control = Whole(self.time)

    def enter(self, slot: int, item: str) -> int:
        with self.lock:
            now = self.time.now
            if self.unreachable and self.unreachable[0] <= now < self.unreachable[1]:
                raise errors.Unreachable("cannot reach it")
            if slot >= self.slots:
                raise FULL
            if self.running.total() >= self.limit or now < self.opens:
                self.on_busy()
                raise BUSY
            self.running[slot] += 1
            assert self.running[slot] == 1
            self.most = max(self.most, self.running.total())
            self.ran.append(item)
            return len(self.ran)

    def leave(self, slot: int) -> None:
        with self.lock:
            self.running[slot] -= 1

    def carry_out(
        self, experiment: Experiment, slots: int, seconds: float | None = None, gate: Gate | None = None
    ) -> Usage:
        usage = Usage()
        clocks = Clocks(
            lambda: self.time.now, lambda: T0, self.control.wait, lambda whole, _: VirtualControl(whole, self.time)
        )
        places = [Slot(Place(self, slot), "shell", "local", {"FLEET_ITEM": f"slot {slot}"}) for slot in range(slots)]
        cell, context = Cell("true", seconds=seconds), Context(lambda cell_event: None, self.control, usage)
        Engine(experiment, cell, places, context, clocks, show=self.show, gate=gate).carry_out()
        return usage

    def show(self, experiment: Experiment) -> None:
        assert len(experiment.rows) + experiment.running <= len(experiment.plan.runs)


@dataclass
class Place:
    world: World
    slot: int
    hello: bool = True

    def run(self, cell: Cell, context: Context) -> Result:
        world, item = self.world, cell.variables["FLEET_ITEM"]
        assert not cell.patient
        if self.hello:
            context.usage.add("hello", Report("id", 1.0, 1.0, 128, 30, init_duration_ms=100.0))
            self.hello = False
            if world.late:
                raise BUSY
        number = world.enter(self.slot, item)
        try:
            context.usage.add("run", Report("id", 1.0, 10.0, 128, 30))
            world.on_run(number)
            context.control.wait(world.seconds)
            context.emit(Output("stdout", item.encode()))
            if context.control.interrupts:
                return Result(130, interrupted=True)
            ending = world.endings[int(item)] if world.endings else Result(0)
            if isinstance(ending, errors.KernelError):
                raise ending
            return ending
        finally:
            world.leave(self.slot)

    def reset(self, context: Context, cold: bool = False) -> None: ...

    def leave(self) -> None: ...


ENDINGS = st.sampled_from([Result(0), Result(3), errors.CommandLost("gone"), errors.Unanswered("late")])


def items(count: int, at_once: int) -> Experiment:
    return Experiment(mapped("test", map(str, range(count)), at_once))


def shells(count: int, at_once: int | None = None) -> Experiment:
    return Experiment(fleet("test", count, at_once or count, "shell"))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(ENDINGS, min_size=2, max_size=25), st.integers(2, 6), st.integers(1, 6), st.integers(1, 6), st.booleans()
)
def test_every_item_runs_once_whatever_lambda_throttles_and_loses(
    endings: list[Result | errors.KernelError], slots: int, limit: int, taken: int, late: bool
) -> None:
    world, experiment = World(limit, endings, taken, late=late), items(len(endings), slots)
    usage = world.carry_out(experiment, slots)
    assert sorted(map(int, world.ran)) == [*range(len(endings))]
    assert world.most <= min(limit, taken)
    experiment.sort()
    assert [row.repetition for row in experiment.rows] == [*range(1, len(endings) + 1)]
    wanted = {Result(0): "ok", Result(3): "failed"}
    assert [row.outcome for row in experiment.rows] == [
        wanted.get(how, "lost") if isinstance(how, Result) else "lost" for how in endings
    ]
    kept = [run for fold in experiment.folds for run in fold.runs]
    assert sorted(kept + experiment.folds.unkept) == [*range(1, len(endings) + 1)]
    assert usage.invocations >= sum(row.invocations for row in experiment.rows)
    assert usage.cold_starts <= slots
    assert (experiment.running, experiment.stopped, experiment.refused) == (0, None, None)


def test_a_hello_before_a_throttle_is_in_the_row_of_the_run() -> None:
    world, experiment = World(late=True), shells(5)
    usage = world.carry_out(experiment, 5)
    assert {(row.cold_start, row.invocations, row.init_duration_ms) for row in experiment.rows} == {(True, 2, 100.0)}
    assert usage.invocations == 10


def test_each_run_goes_to_its_own_slot_and_has_its_variables() -> None:
    world, experiment = World(), shells(6, at_once=2)
    world.carry_out(experiment, 6)
    experiment.sort()
    assert [row.slot for row in experiment.rows] == [*range(6)]
    assert sorted(world.ran) == [f"slot {slot}" for slot in range(6)]
    assert world.most <= 2
    assert [fold.runs for fold in experiment.folds] == [[slot] for slot in range(6)]


def test_the_limit_is_found_out_and_told() -> None:
    world, experiment = World(limit=10, seconds=20.0), shells(50)
    world.carry_out(experiment, 50)
    assert len(experiment.rows) == 50
    assert experiment.limit.endswith(" at a time: the account's limit")
    queued = [row.queue_ms for row in experiment.rows]
    assert queued.count(0.0) >= 10
    assert max(queued) > 0
    assert world.most == 10


def test_what_was_busy_for_a_while_is_soon_used_in_full() -> None:
    """As after an interrupted fleet whose commands run on. One more a second would take a minute."""
    world, experiment = World(opens=1_005.0, seconds=2.0), shells(60)
    world.carry_out(experiment, 60)
    assert len(experiment.rows) == 60
    assert world.time.now < 1_025
    assert world.most > 20
    assert experiment.limit == "no more at once for a while: the account's limit"


def test_a_limit_that_stays_is_tried_by_one_run_at_a_time() -> None:
    world, experiment = World(limit=10, seconds=100.0), shells(20)
    busy: Counter[float] = Counter()

    def count() -> None:
        busy[world.time.now] += 1

    world.on_busy = count
    world.carry_out(experiment, 20)
    del busy[1_000.0]
    assert {*busy.values()} == {1}
    assert sum(busy.values()) < 20


@pytest.mark.parametrize("after", [PATIENCE_SECONDS / 3, 3 * PATIENCE_SECONDS])
def test_a_wait_for_the_first_run_has_an_end(after: float) -> None:
    world, experiment = World(opens=1_000 + after), shells(3)
    world.carry_out(experiment, 3)
    patient = after < PATIENCE_SECONDS
    assert len(experiment.rows) == (3 if patient else 0)
    assert (experiment.refused is None) == patient


def test_once_a_run_was_made_the_others_wait_for_as_long_as_it_takes() -> None:
    world, experiment = World(), shells(4, at_once=4)

    def close(number: int) -> None:
        if number == 1:
            world.opens = world.time.now + 3 * PATIENCE_SECONDS

    world.on_run = close
    world.carry_out(experiment, 4)
    assert (len(experiment.rows), experiment.refused) == (4, None)


def test_a_quota_of_environments_ends_it_with_the_rows() -> None:
    world, experiment = World(slots=3), shells(5)
    world.carry_out(experiment, 5)
    assert sorted(row.slot for row in experiment.rows) == [0, 1, 2]
    assert experiment.refused is FULL
    assert experiment.limit == "no more at once: perhaps the quota"


@pytest.mark.parametrize("at", [1, 5, 12, 20])
def test_an_interrupt_reaches_every_run_and_starts_no_more(at: int) -> None:
    world, experiment = World(seconds=5.0), items(20, 4)

    def interrupt(number: int) -> None:
        if number == at:
            world.control.interrupt()

    world.on_run = interrupt
    world.carry_out(experiment, 4)
    assert len(world.ran) == len(experiment.rows) <= at + 3
    assert experiment.stopped == "interrupted"
    assert not world.running.total()
    assert {row.outcome for row in experiment.rows} <= {"ok", "interrupted"}
    assert not [thread for thread in threading.enumerate() if thread.name == "run"]


def test_an_interrupt_ends_the_wait_for_a_turn() -> None:
    world, experiment = World(opens=1e9), shells(3)
    world.on_busy = world.control.interrupt
    world.carry_out(experiment, 3)
    assert (experiment.rows, experiment.stopped) == ([], "interrupted")


def test_the_time_limit_is_of_all_together() -> None:
    world, experiment = World(seconds=10.0), items(1_000, 2)
    world.carry_out(experiment, 2, seconds=200.0)
    assert experiment.stopped == "timed out"
    assert 0 < len(experiment.rows) < 1_000


def test_an_error_that_the_others_would_meet_ends_it() -> None:
    denied = errors.AccessDenied("you may not")
    world, experiment = World(endings=[Result(0), denied, *[Result(0)] * 98]), items(100, 2)
    with pytest.raises(errors.AccessDenied):
        world.carry_out(experiment, 2)
    assert {row.outcome for row in experiment.rows} == {"ok"}
    assert len(experiment.rows) < 10


@pytest.mark.parametrize("seconds", [PATIENCE_SECONDS / 3, 1e9])
def test_a_network_that_is_away_for_a_while_loses_no_run(seconds: float) -> None:
    world, experiment = World(), items(30, 3)

    def part(number: int) -> None:
        if number == 10:
            world.unreachable = (world.time.now, world.time.now + seconds)

    world.on_run = part
    world.carry_out(experiment, 3)
    back = seconds < PATIENCE_SECONDS
    assert (len(experiment.rows) == 30, experiment.refused is None) == (back, back)
    assert {row.outcome for row in experiment.rows} == {"ok"}


def test_an_address_that_is_wrong_is_told_at_once() -> None:
    world, experiment = World(unreachable=(0, 1e18)), items(30, 3)
    with pytest.raises(errors.Unreachable):
        world.carry_out(experiment, 3)
    assert (experiment.rows, experiment.running) == ([], 0)


@dataclass
class Pilots:
    """A gate that lets so many runs begin, and opens or closes after some. asked: it asks first."""

    most: float
    after: int
    opens: bool = True
    asked: bool = False
    why: str = "they wait"
    asks: bool = False
    closed: bool = False
    seen: list[tuple[int, int, str]] = field(default_factory=list)

    def look(self, experiment: Experiment) -> None:
        if self.most < math.inf and not self.closed:
            self.seen.append((experiment.running, experiment.waiting, experiment.limit))
            if len(experiment.rows) >= self.after:
                self.asks = self.asked
                if not self.asked:
                    self._decide()

    def settle(self, seconds: float) -> None:
        self._decide()
        self.asks = False

    def _decide(self) -> None:
        self.closed = not self.opens
        self.most = math.inf if self.opens else self.most

    def error(self, experiment: Experiment) -> errors.KernelError | None:
        return errors.TooCostly("no more") if self.closed else None


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(("limit", "late"), [(1_000, False), (2, True)])
@pytest.mark.parametrize(("most", "after"), [(1, 1), (3, 1), (3, 4)])
def test_a_gate_holds_runs_back_until_it_opens(most: int, after: int, limit: int, late: bool, asked: bool) -> None:
    world, experiment, gate = World(limit, late=late), items(30, 8), Pilots(most, after, asked=asked)
    world.carry_out(experiment, 8, gate=gate)
    assert sorted(map(int, world.ran)) == [*range(30)]
    assert max(running for running, _, _ in gate.seen) <= most
    assert world.most == (8 if limit > 8 else 2)
    assert (experiment.waiting, "they wait" in experiment.limit) == (0, False)


@pytest.mark.parametrize("asked", [False, True])
def test_a_gate_that_closes_lets_what_runs_end(asked: bool) -> None:
    world, experiment, gate = World(), items(30, 8), Pilots(3, 2, opens=False, asked=asked)
    with pytest.raises(errors.TooCostly):
        world.carry_out(experiment, 8, gate=gate)
    assert {row.outcome for row in experiment.rows} == {"ok"}
    assert 2 <= len(experiment.rows) == len(world.ran) <= 5
    assert experiment.stopped is None


def test_an_interrupt_reaches_who_waits_at_the_gate() -> None:
    world, experiment, gate = World(), items(30, 8), Pilots(1, 31)
    world.on_run = lambda number: world.control.interrupt()
    world.carry_out(experiment, 8, gate=gate)
    assert (len(experiment.rows), experiment.stopped) == (1, "interrupted")
