"""How long an idle environment lives: samples from rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.row import Outcome, Row
from lambda_kernel.experiments.survival import IdlePlan, Sample, idle, samples
from lambda_kernel.output import survival_view
from lambda_kernel.output.figures import duration
from tests.support.rows import ROW

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)


def made(number: int, at_s: float, environment: str | None = "a", wall_ms: float = 500.0) -> Row:
    start = (T0 + timedelta(seconds=at_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return replace(ROW, repetition=number, start=start, wall_ms=wall_ms, environment_id=environment)


def test_each_pause_comes_so_often_after_a_first_run() -> None:
    plan = idle("test", 2, [60, 300])
    assert [run.pause_seconds for run in plan.runs] == [0, 60, 60, 300, 300]
    assert plan.pause_seconds == 720


def test_pauses_are_measured_from_the_end_of_the_run_before() -> None:
    plan = idle("test", 1, [60, 300, 300])
    rows = [made(1, 0), made(2, 60.6), made(3, 361.2, "b"), made(4, 8000, "b")]
    found = samples(plan, rows)
    assert [(one.planned_s, round(one.idle_s, 3), one.same, one.late) for one in found] == [
        (60, 60.1, True, False),
        (300, 300.1, False, False),
        (300, 7638.3, True, True),
    ]


@pytest.mark.parametrize(
    ("planned", "measured", "late"), [(10, 15, False), (10, 15.1, True), (600, 660, False), (600, 661, True)]
)
def test_a_pause_is_late_beyond_a_bound(planned: float, measured: float, late: bool) -> None:
    assert Sample(planned, measured, same=True).late == late


def test_a_clock_that_is_set_back_makes_no_pause_shorter() -> None:
    [sample] = samples(idle("test", 1, [60]), [made(1, 0), made(2, -3600)])
    assert sample.idle_s == 60


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=7))
def test_a_sample_needs_two_known_environments(environments: list[str | None]) -> None:
    plan, rows = idle("test", 3, [60, 300]), []
    for number, environment in enumerate(environments, 1):
        rows.append(made(number, 400 * number, environment))
    known = [pair for pair in pairwise(environments) if None not in pair]
    assert [one.same for one in samples(plan, rows)] == [one == two for one, two in known]


@pytest.mark.parametrize("outcome", ["lost", "interrupted", "timed out"])
def test_a_run_without_an_end_tells_nothing_of_its_environment(outcome: Outcome) -> None:
    rows = [made(1, 0.0), made(2, 60.0), replace(made(3, 120.0), outcome=outcome), made(4, 180.0)]
    assert [one.same for one in samples(idle("", 3, [60.0]), rows)] == [True]
    failed = [*rows[:2], replace(rows[2], outcome="failed"), rows[3]]
    assert [one.same for one in samples(idle("", 3, [60.0]), failed)] == [True] * 3


def shown(plan: IdlePlan, rows: list[Row]) -> list[str]:
    return survival_view.table(Experiment(plan, rows), plan, in_file=False)["text/plain"].splitlines()


def test_the_table_has_all_pauses_from_the_beginning() -> None:
    plan = idle("%%repeat 2 --idle 1m,2h", 2, [60, 7200])
    rows = [made(1, 0), made(2, 60.5), made(3, 130, "b")]
    lines = shown(plan, rows)
    assert lines[:4] == [
        "%%repeat 2 --idle 1m,2h: 3 of 5 runs",
        "pause  samples  same environment  idle for",
        "1 min        1  1 (100 %)         1 min",
        "2 h          0  -                 -",
    ]
    assert lines[4] == "late         1  0 (0 %)           1 min 9 s"
    assert "pauses: 4 h 2 min in all, 4 h to go; nothing is invoked in them" in lines[5]
    assert lines[6].startswith("late: this machine slept or was busy")
    assert lines[7].startswith("without tenant isolation")


def test_on_the_emulator_it_is_the_emulators_setting() -> None:
    plan = idle("test", 1, [60])
    lines = shown(plan, [replace(made(1, 0), region="local")])
    assert lines[-1] == (
        "this shows the local emulator's setting, not what Lambda does: it ends an environment after 10 min idle"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (7384, "2 h 3 min"),
        (86400, "24 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
