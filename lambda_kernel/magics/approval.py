"""Asks before an experiment costs more than `%cost --warn` says."""

from __future__ import annotations

from ..aws.prices import dollars
from ..errors import TooCostly
from ..experiments.engine import Experiment
from ..experiments.estimate import most_usd, total_usd
from ..session.cell import Control, Emit, InputRequest, Notice
from ..session.command import TYPING_SECONDS
from ..workspace.costs import Costs

RARELY = 20


class Approval:
    """Of one experiment. The first run tells what the others will cost, and each one tells more.

    asks: whether there is a user who can answer; agreed: the user has agreed to any cost before.
    """

    def __init__(self, costs: Costs, emit: Emit, control: Control, *, asks: bool, agreed: bool) -> None:
        self._costs, self._emit, self._control = costs, emit, control
        self._asks, self._agreed = asks, agreed
        self._up_to = costs.warn_usd
        self._next = 1

    def before_run(self, experiment: Experiment) -> None:
        """Raises errors.TooCostly if no further run may begin. Nothing is asked twice about the same runs."""
        made, planned = len(experiment.rows), len(experiment.plan.runs)
        if made < self._next or made >= planned or self._up_to is None:
            return
        self._next = made + 1 + made // RARELY  # of thousands of runs each one tells little
        if most_usd(experiment.plan, experiment.rows) <= self._up_to:
            return
        usd = total_usd(experiment.plan, experiment.rows)
        if usd is None or usd <= self._up_to:
            return
        what = f"{experiment.plan.name} will cost about {dollars(float(f'{usd:.3g}'))} in all"
        if self._agreed:
            self._emit(Notice(f"{what}, by {made:,} of its {planned:,} runs", "cost"))
        elif not self._asks:
            raise TooCostly(
                f"{what}, and more than {dollars(self._up_to)} needs your word: it was stopped after {made:,} of "
                f"{planned:,} runs. Add --yes to let it go on, or set another amount with `%cost --warn USD`"
            )
        elif not self._says_yes(f"{what}, by {made:,} of its {planned:,} runs. Go on? [y/N] "):
            raise TooCostly(f"{what}: it was stopped after {made:,} of {planned:,} runs, as you wished")
        self._up_to = 2 * usd

    def _says_yes(self, question: str) -> bool:
        """An interrupt is for the experiment, which then ends."""
        while not (self._control.interrupts or self._control.closed):
            answer = self._control.request_input(InputRequest(question), TYPING_SECONDS)
            if answer is not None:
                return answer.strip().lower() in ("y", "yes")
        return True
