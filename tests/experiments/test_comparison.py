"""What the runs on several targets say of each, and the curve of cost against duration."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel.experiments.comparison import Figures, comparison, figures, ratios
from lambda_kernel.experiments.curve import Point, curve
from lambda_kernel.experiments.estimate import most_usd, total_usd
from lambda_kernel.experiments.plan import Plan, Run, repetitions
from lambda_kernel.experiments.row import Row
from lambda_kernel.experiments.statistics import Ratio
from tests.support.rows import ROW


def made(slot: int, *times: float, target: str = "", **figures: object) -> list[Row]:
    usual = {"slot": slot, "target": target or f"target {slot}", "cold_start": False, "init_duration_ms": None}
    return [
        replace(ROW, duration_ms=time, repetition=number, **{**usual, **figures})  # type: ignore[arg-type]
        for number, time in enumerate(times, 1)
    ]


def test_runs_alternate_after_those_for_warming_up() -> None:
    plan = comparison("test", ["a", "b"], 2, 1)
    assert plan.runs == (Run(0, 0), Run(1, 0), Run(0, 1), Run(1, 1), Run(0, 2), Run(1, 2))
    assert plan.targets == ("a", "b")


def test_figures_of_each_target() -> None:
    rows = made(0, 4.0, 1.0, 3.0, 2.0, cost_usd=0.000002) + made(1, 9.0, cost_usd=None, memory_size_mb=None)
    [first, second] = figures(rows, [180.0, None])
    assert first == Figures(0, "target 0", 4, 4, 2.0, 4.0, 1.0, 180.0, 128, 30, 2.0, "", "00")
    assert (second.median_ms, second.init_ms, second.memory_mb, second.million_usd) == (9.0, None, None, None)
    assert second.output == "same"


def test_what_does_not_count() -> None:
    """Runs for warming up, and those that did not end well. But an Init Duration is one, whoever met it."""
    warmup = [replace(ROW, repetition=0, duration_ms=900.0, init_duration_ms=200.0)]
    failed = [replace(ROW, repetition=9, duration_ms=0.1, outcome="failed", exit_code=127, init_duration_ms=None)]
    [one] = figures([*warmup, *made(0, 5.0, 6.0), *failed])
    assert (one.runs, one.planned, one.median_ms, one.min_ms, one.init_ms) == (2, 3, 5.0, 5.0, 200.0)
    [none] = figures(failed)
    assert (none.runs, none.planned, none.median_ms, none.usual, none.output) == (0, 1, None, None, "")
    assert [figures([]), ratios([], random.Random(0)), curve([])] == [[], [], []]


def test_a_cold_start_is_no_part_of_a_million_runs() -> None:
    cold = replace(ROW, repetition=1, cold_start=True, cost_usd=1.0)
    warm = made(0, 1.0, 2.0, cost_usd=0.5)[1:]
    assert [one.million_usd for one in figures([cold, *warm])] == [500_000]
    assert [one.million_usd for one in figures([cold])] == [1_000_000]


@pytest.mark.parametrize(
    ("first", "second", "output"),
    [("aa", "aa", "same"), ("aa", "bb", "different"), ("aa", "ab", "varies"), ("ab", "bb", "different")],
)
def test_outputs_are_the_same_or_not(first: str, second: str, output: str) -> None:
    rows = [
        replace(row, stdout_sha256=digest)
        for slot, digests in enumerate((first, second))
        for row, digest in zip(made(slot, 1.0, 2.0), digests, strict=True)
    ]
    [one, two] = figures(rows)
    assert two.output == output
    assert one.output == ("varies" if first == "ab" else "")


def test_ratios_are_to_the_first_target() -> None:
    rows = made(0, *[2.0] * 6) + made(1, *[1.0] * 6) + made(2, *[1.0] * 5) + made(3)
    assert ratios(rows, random.Random(0)) == [None, Ratio(0.5, 0.5, 0.5), Ratio(0.5)]


@given(st.permutations(range(3)))
@settings(max_examples=6)
def test_cheapest_fastest_and_balanced(order: list[int]) -> None:
    """The one in the middle has nearly the best of both."""
    of = [
        made(slot, *[time] * 6, cost_usd=usd)
        for slot, (time, usd) in enumerate(((100, 1e-6), (20, 1.1e-6), (10, 4e-6)))
    ]
    points = curve([row for at in order for row in of[at]])
    assert [point.marks for point in points] == [("cheapest",), ("balanced",), ("fastest",)]
    assert [(point.duration_ms, point.million_usd) for point in points] == [(100, 1.0), (20, 1.1), (10, 4.0)]
    few = [row for rows in of for row in rows if row.repetition < 6]
    assert {point.marks for point in curve(few)} == {()}


def test_what_may_be_chance_marks_no_target() -> None:
    """The medians differ by less than the runs of one target do."""
    one, two = ([10.0, 11.0, 12.0, 13.0, 14.0, 15.0 + more] for more in (0, 1))
    rows = made(0, *one, cost_usd=1e-6) + made(1, *two, cost_usd=1e-6)
    assert [point.marks for point in curve(rows)] == [(), ()]
    far = made(2, *[90.0] * 6, cost_usd=9e-7)
    assert [point.marks for point in curve(rows + far)] == [*[("fastest", "balanced")] * 2, ("cheapest",)]
    costs = [replace(row, cost_usd=1e-6 + (row.repetition - 3) * 1e-7) for row in (*rows, *far)]
    assert "cheapest" not in {mark for point in curve(costs) for mark in point.marks}


def test_points_without_a_price_are_none_and_one_alone_is_best_at_nothing() -> None:
    rows = made(0, *[5.0] * 6, cost_usd=None) + made(1, *[6.0] * 6, cost_usd=2e-6, memory_size_mb=512)
    assert curve(rows) == [Point(1, "target 1", 512, 6.0, 6.0, 6.0, 2.0)]
    one = [*made(0, *[5.0] * 6, cost_usd=1e-6, memory_size_mb=512), *made(1, *[5.0] * 6, cost_usd=1e-6)]
    assert [(point.slot, point.marks) for point in curve(one)] == [(1, ()), (0, ())]


PRICES = st.none() | st.floats(0, 1)


@given(st.integers(1, 20), st.lists(PRICES, max_size=20))
def test_the_estimate_is_right_in_the_end(count: int, costs: list[float | None]) -> None:
    plan = repetitions("test", count)
    rows = [replace(row, cost_usd=cost) for row, cost in zip(made(0, *[1.0] * count), costs, strict=False)]
    total, spent = total_usd(plan, rows), sum(row.cost_usd or 0 for row in rows)
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    assert (total or 0) <= most_usd(plan, rows) + 1e-9
    if total is None:
        assert not known
    elif len(rows) == count:
        assert total == pytest.approx(spent)
    else:
        assert spent + min(known) * (count - len(rows)) <= total + 1e-9
        assert total <= spent + max(known) * (count - len(rows)) + 1e-9


def test_the_estimate_knows_what_a_run_will_meet() -> None:
    """A slot that is used for the first time is a new environment, which a tenant pays for."""
    [cold, warm, *_] = made(0, 1.0, 1.0, 1.0)
    cold, warm = replace(cold, cold_start=True, cost_usd=10.0), replace(warm, cost_usd=1.0)
    plan = Plan("test", (Run(0, 1), Run(0, 2), Run(0, 3), Run(1, 1), Run(0, 4, cold=True)))
    assert total_usd(plan, []) is None
    assert total_usd(plan, [cold]) == 50.0  # all that is known
    assert total_usd(plan, [cold, warm]) == 10 + 1 + 1 + 10 + 10
    dear = comparison("test", ["a", "b"], 3)
    rows = [replace(made(slot, 1.0)[0], cost_usd=cost) for slot, cost in enumerate((1.0, 100.0))]
    assert (total_usd(dear, rows), most_usd(dear, rows)) == (303.0, 600.0)
