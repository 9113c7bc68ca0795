"""Shows an experiment: its progress, and its rows and percentiles as tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ..experiments.experiment import Experiment
from ..experiments.row import Row
from ..experiments.statistics import distributions
from . import environments_view
from .figures import UNKNOWN, number
from .style import normal
from .table import Cells, described

KEY = "lambda_runs"
NOTICE: dict[str, object] = {"lambda_notice": "runs"}  # how far it is, is no output of the cell
SAVED = 1_000  # rows in the metadata of a notebook's output: some 500 kB
SHOWN = 20
HELD = (
    "the function has no tenant isolation: to get a new environment the kernel keeps all others busy for a second, "
    "and durations and wall times include that"
)
HEAD = ("run", "outcome", "init ms", "duration ms", "billed ms", "wall ms", "memory MB", "environment")
FIGURE_NAMES = {
    "init_duration_ms": "init ms",
    "restore_duration_ms": "restore ms",
    "duration_ms": "duration ms",
    "billed_duration_ms": "billed ms",
    "wall_ms": "wall ms",
}


def progress(experiment: Experiment) -> dict[str, str]:
    done, planned = len(experiment.rows), len(experiment.plan.runs)
    line = f"{done:,} of {planned:,} runs" + under_way(experiment) + problems(experiment)
    bar = f'<progress value="{done}" max="{planned}"></progress> ' if done < planned and not experiment.stopped else ""
    return {"text/plain": line, "text/html": normal(f"{bar}{html.escape(line)}")}


def under_way(experiment: Experiment) -> str:
    if not experiment.plan.fleet:
        return ""
    over = experiment.stopped or experiment.refused  # what waits then will not run
    counts = {"running": experiment.running, "waiting": 0 if over else experiment.waiting}
    said = "".join(f", {count:,} {name}" for name, count in counts.items() if count)
    return said + (f" ({experiment.limit})" if experiment.limit else "")


def problems(experiment: Experiment) -> str:
    counts = {name: experiment.number(name) for name in ("failed", "lost")}
    said = "".join(f", {count:,} {name}" for name, count in counts.items() if count)
    if not (stopped := experiment.stopped):
        return said
    under_way = experiment.number(stopped)
    return f"{said}, {under_way:,} {stopped}" if under_way else f"{said}, {stopped}"


def table(experiment: Experiment, *, in_file: bool) -> dict[str, str]:
    """The first rows, the percentiles, and what there is to say about them. in_file: a CSV file has all rows."""
    rows, plan = experiment.rows, experiment.plan
    lines = environments_view.table(rows, items=plan.unit == "item") if plan.fleet else [HEAD, *map(row_cells, rows)]
    counted = environments_view.counted(rows) if plan.fleet else ""
    where = f" in {counted}" if counted else ""
    head = f"{plan.name}: {len(rows):,} of {len(plan.runs):,} runs{where}{problems(experiment)}"
    held, limit = HELD if experiment.held else "", experiment.limit
    notes = [text for text in (more(lines), limit, cold(experiment), held, unsaved(rows, in_file)) if text]
    return described(head, lines[: SHOWN + 1], notes, percentiles(rows))


def saved(rows: Sequence[Row]) -> dict[str, object]:
    return {KEY: [row.data() for row in rows[:SAVED]]}


def more(lines: Cells) -> str:
    hidden = len(lines) - 1 - SHOWN
    return f"and {hidden:,} more" if hidden > 0 else ""


def cold(experiment: Experiment) -> str:
    """Without tenants Lambda chooses the environment, which may be a warm one that the kernel has not met."""
    asked = {run.repetition for run in experiment.plan.runs if run.cold}
    warm = [row for row in experiment.rows if row.repetition in asked and row.outcome == "ok" and not row.cold_start]
    if not warm:
        return ""
    return f"{len(warm):,} of the new environments had been started before, or Lambda told no Init Duration"


def unsaved(rows: Sequence[Row], in_file: bool) -> str:
    if len(rows) <= SAVED:
        return ""
    where = "the CSV file has all" if in_file else "`%last --csv FILE` writes all"
    return f"the notebook keeps the first {SAVED:,} rows; {where}"


def row_cells(row: Row) -> list[str]:
    outcome = f"exit code {row.exit_code}" if row.outcome == "failed" else row.outcome
    figures = (row.init_duration_ms, row.duration_ms, row.billed_duration_ms, row.wall_ms, row.max_memory_used_mb)
    return [str(row.repetition), outcome, *map(number, figures), row.environment_id or UNKNOWN]


def percentiles(rows: Sequence[Row]) -> Cells:
    """Empty if no run has come to its end."""
    head = ["nearest rank", "runs", "p50", "p90", "p99", "max"]
    lines = [
        [FIGURE_NAMES[name], f"{of.count:,}", *map(number, (of.p50, of.p90, of.p99, of.max))]
        for name, of in distributions(rows).items()
    ]
    return [head, *lines] if lines else []
