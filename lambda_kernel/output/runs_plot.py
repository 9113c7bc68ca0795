"""Shows the plot of an experiment, as its kind wants it. What draws is imported with the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..experiments.comparison import Comparison, by_slot, counted, durations
from ..experiments.curve import curve
from ..experiments.experiment import Experiment
from ..experiments.row import Row
from ..experiments.survival import IdlePlan, samples
from ..session.cell import Control, Emit

if TYPE_CHECKING:
    from .plots.plot import Plot
    from .plots.survival import Pause


def show(experiment: Experiment, emit: Emit, control: Control, columns: int | None, *, pictures: bool) -> None:
    """Nothing, if there is too little to draw. columns: of the terminal, if there is one whose width is known.
    pictures: whether the front end can show them."""
    from .plots import show

    found = plot(experiment, columns)
    if pictures:
        show.show(found, emit, control)
    else:
        show.in_characters(found, emit)


def plot(experiment: Experiment, columns: int | None = None) -> Plot | None:
    from .plots import characters, cost, ecdf, survival, timeline

    room = characters.room(columns)
    plan, rows = experiment.plan, experiment.rows
    if isinstance(plan, Comparison):
        return cost.plot(plan.name, curve(rows)) or ecdf.of_targets(plan.name, times(plan, rows), room)
    if isinstance(plan, IdlePlan):
        return survival.plot(plan.name, pauses(plan, rows), room)
    return timeline.plot(plan.name, rows, room) if plan.fleet else ecdf.plot(plan.name, rows, room)


def times(plan: Comparison, rows: Sequence[Row]) -> dict[str, list[float]]:
    """Durations by target. The emulator's runs have no price, so that no curve of cost can be drawn."""
    often = Counter(plan.targets)
    names = [f"{name} ({slot + 1})" if often[name] > 1 else name for slot, name in enumerate(plan.targets)]
    return {names[slot]: durations(counted(made)) for slot, made in by_slot(rows).items()}


def pauses(plan: IdlePlan, rows: Sequence[Row]) -> list[Pause]:
    """Those that were as long as planned."""
    from .plots.survival import Pause

    taken = [one for one in samples(plan, rows) if not one.late]
    same = {pause: [one.same for one in taken if one.planned_s == pause] for pause in plan.pauses}
    return [Pause(pause, sum(of), len(of)) for pause, of in same.items()]
