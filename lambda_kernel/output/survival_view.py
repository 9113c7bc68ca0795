"""Shows for which pauses an idle environment has lived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..aws.error_text import LOCAL
from ..experiments.experiment import Experiment
from ..experiments.survival import IdlePlan, Sample, samples
from .figures import UNKNOWN, duration
from .runs_view import problems, unsaved
from .table import Cells, described

OTHERS = (
    "without tenant isolation Lambda may choose another environment while the first one lives: it counts as another"
)
HEAD = ("pause", "samples", "same environment", "idle for")


def table(experiment: Experiment, plan: IdlePlan, *, in_file: bool) -> dict[str, str]:
    """So far. in_file: a CSV file has all rows."""
    rows = experiment.rows
    head = f"{plan.name}: {len(rows):,} of {len(plan.runs):,} runs{problems(experiment)}"
    cells, notes = lines(plan, samples(plan, rows)), [*said(experiment, plan), *filter(None, [unsaved(rows, in_file)])]
    return described(head, cells, notes)


def lines(plan: IdlePlan, taken: Sequence[Sample]) -> Cells:
    in_time = [one for one in taken if not one.late]
    late = [one for one in taken if one.late]
    pauses = dict.fromkeys(plan.pauses)  # equal ones are one row
    of = [line(duration(pause), [one for one in in_time if one.planned_s == pause]) for pause in pauses]
    return [HEAD, *of, *([line("late", late)] if late else [])]


def line(name: str, taken: Sequence[Sample]) -> list[str]:
    if not taken:
        return [name, "0", UNKNOWN, UNKNOWN]
    alive, times = sum(one.same for one in taken), sorted(one.idle_s for one in taken)
    shortest, longest = duration(times[0]), duration(times[-1])
    measured = shortest if shortest == longest else f"{shortest} to {longest}"
    return [name, f"{len(taken):,}", f"{alive:,} ({100 * alive / len(taken):.0f} %)", measured]


def said(experiment: Experiment, plan: IdlePlan) -> Iterator[str]:
    left = sum(run.pause_seconds for run in plan.runs[len(experiment.rows) :])
    to_go = f", {duration(left)} to go" if left and not experiment.stopped else ""
    yield f"pauses: {duration(plan.pause_seconds)} in all{to_go}; nothing is invoked in them, and they cost nothing"
    if any(one.late for one in samples(plan, experiment.rows)):
        yield "late: this machine slept or was busy, so these pauses were longer than planned"
    yield emulators() if experiment.rows[0].region == LOCAL else OTHERS


def emulators() -> str:
    from ..local.settings import Settings

    idle = duration(Settings.idle_s)
    return f"this shows the local emulator's setting, not what Lambda does: it ends an environment after {idle} idle"
