"""Shows an experiment as its kind wants it."""

from __future__ import annotations

from collections.abc import Iterable

from ..experiments.comparison import Comparison
from ..experiments.experiment import Experiment
from ..experiments.survival import IdlePlan
from ..session.cell import CellEvent
from . import comparison_view, folds_view, runs_view, survival_view


def table(experiment: Experiment, *, in_file: bool) -> dict[str, str]:
    """in_file: a CSV file has all rows."""
    plan = experiment.plan
    if isinstance(plan, Comparison):
        return comparison_view.table(experiment, plan, in_file=in_file)
    if isinstance(plan, IdlePlan):
        return survival_view.table(experiment, plan, in_file=in_file)
    return runs_view.table(experiment, in_file=in_file)


def grows(experiment: Experiment) -> bool:
    """Whether its table is shown after each run, because it takes hours."""
    return isinstance(experiment.plan, IdlePlan)


def outputs(experiment: Experiment) -> Iterable[CellEvent]:
    if isinstance(experiment.plan, Comparison):
        return comparison_view.outputs(experiment)
    return folds_view.outputs(experiment)
