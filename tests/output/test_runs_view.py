"""How far an experiment is."""

from __future__ import annotations

from dataclasses import replace

from lambda_kernel.errors import Throttled
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.plan import fleet
from lambda_kernel.output.runs_view import progress
from tests.support.rows import ROW


def test_what_waits_is_told_as_long_as_it_may_run() -> None:
    experiment = Experiment(fleet("%%fleet 9", 9, 9, "run"), [ROW], running=2, waiting=6)
    assert progress(experiment)["text/plain"] == "1 of 9 runs, 2 running, 6 waiting"
    ended = replace(experiment, running=0)
    for over in (replace(ended, stopped="interrupted"), replace(ended, refused=Throttled("no more"))):
        assert "waiting" not in progress(over)["text/plain"]
