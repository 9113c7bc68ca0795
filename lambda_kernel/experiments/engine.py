"""Carries out an experiment's plan, several runs at once, by the same session code as a cell."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from .. import errors
from ..aws.usage import Usage
from ..session.cell import Cell, CellEvent, Control, Result
from ..session.command import TYPING_SECONDS
from ..session.context import Context
from ..session.replacement import UNKNOWN
from .experiment import Experiment
from .folding import Collector
from .gate import Gate, OpenGate
from .lanes import TICK_SECONDS, LaneControl, side_by_side
from .plan import Run
from .row import Begin, Ending, Row, measured
from .schedule import Schedule

# The run may have begun, and the next one can begin all the same. Every other error would meet the next run as well.
LOST = (errors.CommandLost, errors.Unanswered, errors.FunctionFailed)
STARTED = Ending("ok", None)  # a cold start without a command


class Place(Protocol):
    """A session, or what stands for one."""

    def run(self, cell: Cell, context: Context) -> Result: ...

    def reset(self, context: Context, cold: bool = False) -> None: ...

    def leave(self) -> None: ...


@dataclass(frozen=True)
class Slot:
    """Where the runs of a slot go. target, region: as their rows name it. variables: for its commands."""

    place: Place
    target: str
    region: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clocks:
    """seconds: for durations; now: the time in UTC, for the rows; sleep: until then, or an interrupt.

    lane: makes the Control of a run among others, which waits by that clock.
    """

    seconds: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    lane: Callable[[Control, Callable[[], float]], LaneControl] = LaneControl


@dataclass(frozen=True)
class Ahead:
    """What was done for a slot's next run before the engine began it. seconds: how long that took."""

    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Attempt:
    """One try at a run. number: of the slot; begun: by the engine's clock."""

    run: Run
    number: int
    slot: Slot
    cell: Cell
    control: Control
    usage: Usage
    output: Collector
    begin: Begin
    begun: float


class Engine:
    """Makes the runs of an experiment, each in a slot. With one at once they are made in the caller's thread."""

    def __init__(
        self,
        experiment: Experiment,
        cell: Cell,
        slots: Sequence[Slot],
        context: Context,
        clocks: Clocks,
        *,
        show: Callable[[Experiment], None],
        ahead: Mapping[int, Ahead] | None = None,
        gate: Gate | None = None,
    ) -> None:
        """The cell's time limit is that of all its runs, and begins now.

        show: is called before the first run and after each, and now and then while they go on; never twice at a time.
        ahead: by slot. gate: what decides whether further runs may begin; None: all may.
        """
        self._experiment, self._cell, self._slots = experiment, cell, slots
        self._emit, self._control, self._usage = context.emit, context.control, context.usage
        self._clocks, self._show = clocks, show
        self._ahead = dict(ahead or {})
        self._gate = gate or OpenGate()
        self._gate_moves = 0  # how often it has been opened or closed
        self._end = None if cell.seconds is None else clocks.seconds() + cell.seconds
        self._schedule = Schedule(experiment.plan, len(slots), clocks.seconds)
        self._lanes = min(experiment.plan.at_once, len(slots), len(experiment.plan.runs))
        self._alone = self._lanes <= 1
        self._lock = threading.Lock()
        self._idle: list[Control] = []  # of the lanes that wait for a run
        self._under_way: dict[Control, Attempt] = {}
        self._notified: set[CellEvent] = set()
        self._failure: BaseException | None = None

    def carry_out(self) -> None:
        """Raises errors.KernelError where going on makes no sense. The experiment has its rows in that case too."""
        self.tick()
        if self._alone:
            self._lane(self._control)
        else:
            controls = [self._clocks.lane(self._control, self._clocks.seconds) for _ in range(self._lanes)]
            side_by_side(controls, self, self._control)
        for ahead in self._ahead.values():
            self._usage.include(ahead.usage)
        if error := self._failure or self._gate.error(self._experiment):
            raise error

    def tick(self) -> None:
        with self._lock:
            self._tell()
        self._settle(TICK_SECONDS)

    def _tell(self) -> None:
        self._count()
        self._show(self._experiment)
        self._look()

    def _look(self) -> None:
        gate = self._gate
        before = (gate.most, gate.asks, gate.closed)
        gate.look(self._experiment)
        if (gate.most, gate.asks, gate.closed) != before:
            self._move()

    def _move(self) -> None:
        """The gate has been opened or closed, or a lane that had passed it is gone."""
        self._gate_moves += 1
        self._wake()

    def _settle(self, seconds: float) -> None:
        """In the caller's thread, and without the lock, for which the other lanes would wait as long as the user."""
        if self._gate.asks and not self._control.interrupts:
            self._gate.settle(seconds)
            with self._lock:
                self._count()
                self._move()

    def _count(self) -> None:
        experiment, schedule, gate = self._experiment, self._schedule, self._gate
        experiment.running = schedule.running
        held_back = not gate.closed and schedule.pending and (gate.asks or schedule.running >= gate.most)
        experiment.waiting = schedule.pending if schedule.refusal or held_back else 0
        experiment.limit = schedule.limit or (gate.why if held_back else "")

    def run(self, control: LaneControl) -> None:
        try:
            self._lane(control)
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            with self._lock:
                self._failure = self._failure or error
                self._wake()

    def leave(self, control: LaneControl) -> None:
        """Nobody waits any longer for the run of a lane. What becomes of it is not known."""
        with self._lock:
            if attempt := self._under_way.pop(control, None):
                self._experiment.left.append(attempt.number)
                attempt.usage.invocations += 1  # the one that is not answered
                ended = Ending("interrupted" if control.interrupts else "timed out", None)
                self._keep(attempt, ended, self._row(attempt, ended))
                self._move()

    def _lane(self, control: Control) -> None:
        """One run after another."""
        while taken := self._take(control):
            if not self._pause(taken[0]):
                with self._lock:
                    self._schedule.put_back(*taken)
            elif not self._try(self._attempt(*taken, control)):
                return

    def _attempt(self, run: Run, number: int, control: Control) -> Attempt:
        slot, begun = self._slots[number], self._clocks.seconds()
        if run.cold:
            slot.place.leave()  # its time is no part of the run
            begun = self._clocks.seconds()
        left = None if self._end is None else self._end - begun
        variables = {**slot.variables, **run.variables}
        cell = replace(self._cell, seconds=left, stdin=False, variables=variables, patient=self._alone)
        ahead, output = self._ahead.pop(number, None) or Ahead(), Collector(self._emit, self._notified)
        queued = 0.0 if run.tried is None else begun - run.tried
        begin = Begin(slot.target, slot.region, self._clocks.now() - timedelta(seconds=ahead.seconds), queued)
        return Attempt(run, number, slot, cell, control, ahead.usage, output, begin, begun - ahead.seconds)

    def _try(self, attempt: Attempt) -> bool:
        """False: the lane was left meanwhile. Raises errors.KernelError."""
        self._under_way[attempt.control] = attempt
        try:
            ended = self._ending(attempt)
        except BaseException as error:
            with self._lock:
                kept = self._under_way.pop(attempt.control, None) is attempt
                if kept and not self._put_back(attempt, error):
                    self._usage.include(attempt.usage)
                    raise
        else:
            row = self._row(attempt, ended)  # before, since the others wait for the lock
            with self._lock:
                kept = self._under_way.pop(attempt.control, None) is attempt
                if kept:
                    self._keep(attempt, ended, row)
        return kept

    def _put_back(self, attempt: Attempt, error: BaseException) -> bool:
        """Whether the run waits for another try, since nothing was run."""
        if isinstance(error, errors.Unreachable) and self._schedule.begun:  # else the address may be wrong
            error = errors.Throttled(str(error), 0, str(error), quota=True)
        if not isinstance(error, errors.Throttled):
            return False
        run = attempt.run
        tried = attempt.begun if run.tried is None else run.tried
        self._ahead[attempt.number] = Ahead(attempt.usage)  # such as a hello after which it was throttled
        self._schedule.throttled(replace(run, pause_seconds=0.0, tried=tried), attempt.number, error)
        return True

    def _take(self, control: Control) -> tuple[Run, int] | None:
        """The next run and its slot, when it may begin. None: there is none, or the experiment is to end."""
        while True:
            if self._alone:
                self._settle(TYPING_SECONDS)
            with self._lock:
                found = None if self._ends() else self._next()
                if found is None or isinstance(found, tuple):
                    if self._is_over():
                        self._wake()
                    return found
                self._idle.append(control)
                moves = self._gate_moves
            until = found if self._end is None else min(found, self._end - self._clocks.seconds())
            control.wait(until, lambda: self._is_over() or self._gate_moves != moves)  # noqa: B023 - it ends before
            with self._lock:
                self._idle.remove(control)

    def _next(self) -> tuple[Run, int] | float:
        """As that of the schedule."""
        if self._gate.asks or self._schedule.running >= self._gate.most:
            return 0.0 if self._alone else math.inf
        return self._schedule.next()

    def _wake(self) -> None:
        """The lanes that wait for a run, because there is one, or there will be none."""
        for control in self._idle:
            control.wake()

    def _is_over(self) -> bool:
        ended = self._failure is not None or self._experiment.stopped is not None or self._gate.closed
        return ended or not self._schedule.pending

    def _ends(self) -> bool:
        """Whether no run may begin. Notes why, if any is left."""
        experiment, schedule = self._experiment, self._schedule
        if not schedule.pending:
            return True
        if self._control.interrupts:
            experiment.stopped = "interrupted"
        elif self._end is not None and self._clocks.seconds() >= self._end:
            experiment.stopped = "timed out"
        elif schedule.hopeless:
            experiment.refused = schedule.refusal
        return bool(experiment.stopped or experiment.refused or self._failure or self._gate.closed)

    def _pause(self, run: Run) -> bool:
        """Wait for the run's time. Whether it may begin then."""
        clock, end = self._clocks.seconds, self._end
        due = clock() + run.pause_seconds
        if end is not None:
            due = min(due, end)
        while clock() < due and not self._control.interrupts:
            self._clocks.sleep(due - clock())
        return not self._control.interrupts and (end is None or clock() < end)

    def _row(self, attempt: Attempt, ended: Ending) -> Row:
        wall_ms = (self._clocks.seconds() - attempt.begun) * 1000
        run, usage, stdout = attempt.run, attempt.usage, bytes(attempt.output.streams["stdout"])
        return measured(run, attempt.number, attempt.begin, wall_ms, ended, usage=usage, stdout=stdout)

    def _keep(self, attempt: Attempt, ended: Ending, row: Row) -> None:
        """Keep the row of a run that is over, and tell."""
        experiment, usage, run = self._experiment, attempt.usage, attempt.run
        number = experiment.plan.number(attempt.number, run.repetition)
        experiment.rows.append(replace(row, stdout=experiment.folds.add(number, attempt.output, ended)))
        self._usage.include(usage)
        experiment.held |= run.cold and not usage.tenant
        if ended.outcome in ("interrupted", "timed out"):
            experiment.stopped = ended.outcome
        self._schedule.over(attempt.number)
        self._tell()

    def _ending(self, attempt: Attempt) -> Ending:
        place, cell, control = attempt.slot.place, attempt.cell, attempt.control
        context = Context(attempt.output, control, attempt.usage)
        try:
            if attempt.run.cold and not control.interrupts:
                place.reset(context, cold=True)
            if control.interrupts:
                return Ending("interrupted", None)
            return ending(place.run(cell, context)) if cell.code.strip() else STARTED
        except (errors.Interrupted, *LOST) as error:
            self._experiment.error = error
            return Ending("interrupted" if control.interrupts else "lost", None)


def ending(result: Result) -> Ending:
    """A shell that ended before it told the exit code has lost the run."""
    if result.interrupted:
        return Ending("interrupted", result.exit_code)
    if result.timed_out:
        return Ending("timed out", result.exit_code)
    if result.ended in UNKNOWN:
        return Ending("lost", None)
    return Ending("failed" if result.exit_code else "ok", result.exit_code)
