"""What the magics that make experiments have in common: progress, the table, its file, and the cell's result."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from ..aws.usage import Usage
from ..errors import CommandLost, Refused, UsageError
from ..experiments.engine import Ahead, Clocks, Engine, Slot
from ..experiments.experiment import Experiment
from ..experiments.table_file import TableFile
from ..output import experiment_view, runs_plot, runs_view
from ..output.terminal import wrapped
from ..session.cell import Bound, Cell, Notice, Result, Shown
from ..session.context import Context
from ..transfer import Local, on_this_machine
from ..workspace.limited_control import StoppableControl
from .approval import UNKNOWN, Approval, Reckoning
from .arguments import Argument, nonempty
from .base import Call
from .output import writes

SHOW_SECONDS = 0.5
CSV = Argument(
    "--csv",
    "write the rows to a file on this machine; the first row replaces an old one",
    "FILE",
    read=nonempty,
    kinds=("local path",),
)
YES = Argument("--yes", "do not ask, whatever it will cost (`%cost --warn`)")


def outcome(experiment: Experiment) -> Result:
    """The result of the first run that failed, else of the last one. Raises errors.KernelError."""
    rows = experiment.rows
    if refusal := experiment.refused:
        missing = len(experiment.plan.runs) - len(rows)
        raise Refused(f"{missing:,} of {len(experiment.plan.runs):,} runs were not made: {refusal}")
    if experiment.stopped:
        timed_out = experiment.stopped == "timed out"
        return Result(130, interrupted=not timed_out, timed_out=timed_out)
    if lost := experiment.number("lost"):
        why = f": {experiment.error}" if experiment.error else ""
        raise CommandLost(f"{lost:,} of {len(rows):,} runs were lost. The last one{why or ': its shell ended'}")
    return Result(next((row.exit_code for row in rows if row.exit_code), 0))


@dataclass(frozen=True)
class Trial:
    """An experiment, and what it is made with. usage: counts it; ahead: as in Engine; sorts: as in ProgressView;
    reckoning: what is known of its cost."""

    experiment: Experiment
    slots: Sequence[Slot]
    usage: Usage
    ahead: Mapping[int, Ahead] | None = None
    sorts: bool = False
    reckoning: Reckoning = UNKNOWN


def carry_out(call: Call, cell: Cell, trial: Trial, file: TableFile | None) -> None:
    """Make it the last one, and show it. Whatever ends it, its rows are shown. Raises errors.KernelError."""
    workspace, experiment = call.workspace, trial.experiment
    workspace.experiment = experiment
    view = ProgressView(call, file, sorts=trial.sorts)
    control = StoppableControl(call.control, workspace.clock)
    approval = Approval(
        workspace.costs, call.emit, control, trial.reckoning, interactive=call.interactive, agreed=call.options.yes
    )
    clocks = Clocks(workspace.clock, lambda: datetime.now(timezone.utc), control.wait)
    context = Context(call.emit, control, trial.usage)
    cell = replace(cell, bound=cell.bound or Bound())
    engine = Engine(experiment, cell, trial.slots, context, clocks, show=view.show, ahead=trial.ahead, gate=approval)
    try:
        engine.carry_out()
    finally:
        view.finish(experiment)


def show_plot(experiment: Experiment, call: Call) -> None:
    screen = call.workspace
    runs_plot.show(experiment, call.emit, call.control, screen.columns, pictures=screen.pictures)


class ProgressView:
    """Shows how far an experiment is, and writes its rows to the file, if there is one.

    sorts: the table has the runs in the order of their numbers.
    """

    def __init__(self, call: Call, file: TableFile | None, *, sorts: bool) -> None:
        self._call, self._file, self._sorts = call, file, sorts
        self._emit, self._clock = call.emit, call.workspace.clock
        self._key, self._table_key = uuid.uuid4().hex, uuid.uuid4().hex
        self._written = 0  # rows, to the file
        self._shown, self._due = "", 0.0  # the progress, and when it is shown again

    def show(self, experiment: Experiment) -> None:
        new, self._written = experiment.rows[self._written :], len(experiment.rows)
        if self._file:
            self._file.add(new)
        if new and experiment_view.grows(experiment):
            self._show_table(experiment)
        following = experiment.plan.runs[len(experiment.rows) : len(experiment.rows) + 1]
        waits = any(run.pause_seconds >= SHOW_SECONDS for run in following)
        if waits or self._clock() >= self._due:
            self._due = self._clock() + SHOW_SECONDS
            self._show(experiment)

    def _show(self, experiment: Experiment, *, passing: bool = True) -> None:
        data = runs_view.progress(experiment)
        if data["text/plain"] != self._shown:
            self._shown = data["text/plain"]
            self._emit(Shown(self._key, data, runs_view.NOTICE, passing=passing))

    def finish(self, experiment: Experiment) -> None:
        self._show(experiment, passing=bool(experiment.rows))  # the table's head says the same
        if not experiment.rows:
            return
        if self._sorts:
            experiment.sort()
        if grows := experiment_view.grows(experiment):
            self._show_table(experiment)
        for cell_event in experiment_view.outputs(experiment):
            self._emit(cell_event)
        if not grows:
            self._show_table(experiment)
        show_plot(experiment, self._call)
        if experiment.stopped:
            self._emit(Notice(f"{experiment.stopped}: the rows so far are kept, and `%last` shows them again", "runs"))

    def _show_table(self, experiment: Experiment) -> None:
        shown, grows = shown_table(experiment, in_file=self._file is not None), experiment_view.grows(experiment)
        if grows:  # a live view is cut at the terminal's edge, and this one stays there
            text = wrapped(shown.data["text/plain"], self._call.workspace.columns)
            shown = replace(shown, data=shown.data | {"text/plain": text})
        self._emit(replace(shown, key=self._table_key, live=grows))


def shown_table(experiment: Experiment, *, in_file: bool) -> Shown:
    data = experiment_view.table(experiment, in_file=in_file)
    return Shown(uuid.uuid4().hex, data, runs_view.saved(experiment.rows))


@contextlib.contextmanager
def table_file(text: str | None, reads: str | None = None) -> Iterator[TableFile | None]:
    """The file on this machine, opened at once, so that a path that cannot be written is found out first. An old file
    stays as it is until there is a row.

    reads: another file, which the experiment reads.
    """
    if text is None:
        yield None
        return
    path = on_this_machine(text)
    name = Local().name(os.fsencode(path))
    with writes(name):
        if (there := path.exists()) and not path.is_file():  # to open a pipe would wait, and hear no interrupt
            raise UsageError(f"cannot write {name} on this machine: it is no regular file")
        if reads is not None and there and path.samefile(on_this_machine(reads)):
            raise UsageError(f"{name} is what this experiment reads, and --csv would replace it: name another file")
        file = path.open("a", encoding="utf-8", newline="")
    table = TableFile(file, name)
    try:
        with writes(name), file:
            yield table
    finally:
        if not there and not table.begun:
            path.resolve().unlink(missing_ok=True)
