"""Asks before an experiment costs more than `%cost --warn` says."""

from __future__ import annotations

import math

from ..aws.prices import dollars
from ..errors import TooCostly
from ..experiments.engine import Experiment
from ..experiments.estimate import most_usd, total_usd
from ..session.cell import Control, Emit, InputRequest, Notice
from ..workspace.costs import Costs

RARELY = 20


class Approval:
    """Of one experiment: the engine's gate. The first run tells what the others will cost, and each one tells more.

    Once the user has refused, no run begins, and those that have begun may end.
    """

    most = math.inf

    def __init__(self, costs: Costs, emit: Emit, control: Control, *, attended: bool, agreed: bool) -> None:
        """attended: whether there is a user who can answer; agreed: the user has agreed to any cost before."""
        self._costs, self._emit, self._control = costs, emit, control
        self._attended, self._agreed = attended, agreed
        self._up_to = costs.warn_usd
        self._next = 1
        self._usd, self._what, self._question = 0.0, "", ""
        self.closed = False

    @property
    def asks(self) -> bool:
        return bool(self._question)

    def look(self, experiment: Experiment) -> None:
        """Nothing is asked twice about the same runs, nor once the user has refused."""
        made, planned = len(experiment.rows), len(experiment.plan.runs)
        if self._up_to is None or self.closed or self.asks:
            return
        if made < self._next or made + experiment.running >= planned:
            return
        self._next = made + 1 + made // RARELY  # of thousands of runs each one tells little
        if most_usd(experiment.plan, experiment.rows) <= self._up_to:
            return
        usd = total_usd(experiment.plan, experiment.rows)
        if usd is not None and usd > self._up_to:
            what = f"{experiment.plan.name} will cost about {dollars(float(f'{usd:.3g}'))} in all"
            self._object(usd, what, f"by {made:,} of its {planned:,} runs")

    def _object(self, usd: float, what: str, why: str) -> None:
        self._usd, self._what = usd, what
        if self._agreed:
            self._emit(Notice(f"{what}, {why}", "cost"))
            self._up_to = 2 * usd
        elif self._attended:
            self._question = f"{what}, {why}. Go on? [y/N] "
        else:
            self.closed = True

    def settle(self, seconds: float) -> None:
        """An interrupt is for the experiment, which then ends."""
        answer = self._control.request_input(InputRequest(self._question), seconds)
        if answer is None and not self._control.closed:
            return
        if answer and answer.strip().lower() in ("y", "yes"):
            self._up_to = 2 * self._usd
        else:
            self.closed = True
        self._question = ""

    def error(self, experiment: Experiment) -> TooCostly | None:
        """How many runs there are is known only when those that had begun are over."""
        if not self.closed:
            return None
        what, amount = self._what, dollars(self._up_to or 0)
        made, planned = len(experiment.rows) - experiment.number("interrupted"), len(experiment.plan.runs)
        if self._attended:
            return TooCostly(f"{what}: it was stopped after {made:,} of {planned:,} runs, as you wished")
        return TooCostly(
            f"{what}, and more than {amount} needs your word: it was stopped after {made:,} of {planned:,} runs. "
            "Add --yes to let it go on, or set another amount with `%cost --warn USD`"
        )
