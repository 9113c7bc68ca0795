"""Asks before an experiment costs more than `%cost --warn` says."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..aws.prices import dollars
from ..errors import TooCostly
from ..experiments.estimate import most_usd, total_usd
from ..experiments.experiment import Experiment
from ..session.cell import Emit, InputRequest, Notice
from ..workspace.costs import Costs
from ..workspace.limited_control import StoppableControl

RARELY = 20
# How long a command may still run once it is to end: until its invocation and those that bring the signals are over.
ENDING_SECONDS = 10.0


@dataclass(frozen=True)
class Reckoning:
    """What is known of an experiment's runs before the first.

    run_usd: the most that one can cost before it is stopped; None: no price is known. stops: whether an interrupt
    reaches what runs. A command that none reaches goes on for as long as the function may run.
    """

    run_usd: float | None = None
    stops: bool = False


UNKNOWN = Reckoning()


class Approval:
    """Of one experiment: the engine's gate. The first run tells what the others will cost, and each one tells more.

    Until one has told it, only so many go on at once as cannot cost more than the amount together, but at least one.
    Once the user has refused, no run begins. Those that have begun may end, unless they cost more than the amount.
    """

    why = "the others wait until a run shows what they cost"

    def __init__(
        self,
        costs: Costs,
        emit: Emit,
        control: StoppableControl,
        reckoning: Reckoning,
        *,
        interactive: bool,
        agreed: bool,
    ) -> None:
        """interactive: whether there is a user who can answer; agreed: the user has agreed to any cost before."""
        self._costs, self._emit, self._control = costs, emit, control
        self._interactive, self._agreed = interactive, agreed
        self._up_to = costs.warn_usd
        self._before_usd, self._stops = costs.spent_usd, reckoning.stops
        self.most = math.inf
        if reckoning.run_usd and self._up_to is not None and not agreed:
            self.most = max(self._up_to // reckoning.run_usd, 1)
        self._next = 1
        self._usd, self._what, self._question = 0.0, "", ""
        self.closed = False

    @property
    def asks(self) -> bool:
        return bool(self._question)

    def look(self, experiment: Experiment) -> None:
        """Nothing is asked twice about the same runs, nor once the user has refused."""
        if self._up_to is None or self.asks:
            return
        spent_usd = self._costs.spent_usd - self._before_usd
        if self._stops and experiment.running and spent_usd > self._up_to:
            if not self.closed:
                what = f"{experiment.plan.name} has cost about {rounded(spent_usd)} so far"
                self._object(spent_usd, what, f"with {experiment.running:,} of its runs under way")
            self._control.stopped = self.closed
        elif not self.closed:
            self._look_ahead(experiment, self._up_to)

    def _look_ahead(self, experiment: Experiment, up_to: float) -> None:
        made, planned = len(experiment.rows), len(experiment.plan.runs)
        if made < self._next or made + experiment.running >= planned:
            return
        self._next = made + 1 + made // RARELY  # of thousands of runs each one tells little
        most = most_usd(experiment.plan, experiment.rows)
        usd = most if 0 < most <= up_to else total_usd(experiment.plan, experiment.rows)
        if usd is None:
            return
        self.most = math.inf
        if usd > up_to:
            what = f"{experiment.plan.name} will cost about {rounded(usd)} in all"
            self._object(usd, what, f"by {made:,} of its {planned:,} runs")

    def _object(self, usd: float, what: str, why: str) -> None:
        self._usd, self._what = usd, what
        if self._agreed:
            self._emit(Notice(f"{what}, {why}", "cost"))
            self._up_to = 2 * usd
        elif self._interactive:
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
        made, planned = len(experiment.rows) - experiment.number("interrupted"), len(experiment.plan.runs)
        if not self.closed or made == planned:
            return None
        what, amount = self._what, dollars(self._up_to or 0)
        if self._interactive:
            return TooCostly(f"{what}: it was stopped after {made:,} of {planned:,} runs, as you wished")
        return TooCostly(
            f"{what}, and more than {amount} needs your word: it was stopped after {made:,} of {planned:,} runs. "
            "Add --yes to let it go on, or set another amount with `%cost --warn USD`"
        )


def rounded(usd: float) -> str:
    return dollars(float(f"{usd:.3g}"))
