"""Percentiles, folds and files of rows."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel.experiments.folding import KEPT_BYTES, Collector, Folds, ranges
from lambda_kernel.experiments.row import KEYS, Ending
from lambda_kernel.experiments.statistics import (
    FEWEST,
    distribution,
    distributions,
    percentile,
    ratio,
    resampled_median,
)
from lambda_kernel.experiments.table_file import STDOUT, TableFile
from lambda_kernel.session.cell import CellEvent, InputEnded, Notice, Output, Truncated
from tests.support.rows import ROW

OK, FAILED = Ending("ok", 0), Ending("failed", 3)


@pytest.mark.parametrize(("percent", "value"), [(5, 15), (30, 20), (40, 20), (50, 35), (90, 50), (100, 50)])
def test_nearest_rank(percent: int, value: int) -> None:
    """The example of https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method"""
    assert percentile([15, 20, 35, 40, 50], percent) == value


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float]) -> None:
    found = distribution(values)
    assert found is not None
    for percent, value in ((50, found.p50), (90, found.p90), (99, found.p99), (100, found.max)):
        assert value in values
        assert sum(one <= value for one in values) >= len(values) * percent / 100
        assert sum(one < value for one in values) < len(values) * percent / 100
    assert found.count == len(values)


def test_runs_that_did_not_end_and_unknown_figures_do_not_count() -> None:
    lost, warm = replace(ROW, outcome="lost", wall_ms=9e9), replace(ROW, outcome="failed", init_duration_ms=None)
    found = distributions([ROW, lost, warm])
    assert {name: of.count for name, of in found.items()} == {
        "init_duration_ms": 1,
        "duration_ms": 2,
        "billed_duration_ms": 2,
        "wall_ms": 2,
    }
    assert found["wall_ms"].max == 20.5
    assert distributions([lost]) == {}


def collected(*cell_events: CellEvent) -> Collector:
    collector = Collector(lambda passed: None, set())
    for cell_event in cell_events:
        collector(cell_event)
    return collector


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=5),
            st.sampled_from([b"", b"e"]),
            st.sampled_from([OK, FAILED]),
        ),
        max_size=60,
    )
)
def test_every_run_is_in_its_folds_or_named_as_not_kept(runs: list[tuple[bytes, bytes, Ending]]) -> None:
    folds = Folds(most=8)
    for number, (out, err, how) in enumerate(runs, 1):
        stdout = folds.add(number, collected(Output("stdout", out), Output("stderr", err)), how)
        assert stdout in (out, None)
        assert stdout is not None or number in folds.unkept
    kept = list(folds)
    counted = Counter(run for fold in kept for run in fold.runs)
    for number, (out, err, how) in enumerate(runs, 1):
        mine = [(fold.stream, fold.data, fold.ending) for fold in kept if number in fold.runs]
        written = [(name, data, how) for name, data in (("stdout", out), ("stderr", err)) if data] or [("", b"", how)]
        assert set(mine) <= set(written)
        assert (number in folds.unkept) == (counted[number] < len(written))
    assert folds.size <= 8 + len(b"e")  # the first output of each stream finds room
    assert sum(len(fold.data) for fold in kept) == folds.size
    assert len({(fold.stream, fold.data, fold.ending) for fold in kept}) == len(kept)


def test_runs_that_were_ended_are_one_fold_whatever_their_exit_code() -> None:
    folds = Folds()
    for number, exit_code in enumerate((130, None, 143), 1):
        folds.add(number, collected(), Ending("timed out", exit_code))
    assert [fold.runs for fold in folds] == [[1, 2, 3]]


def test_the_first_output_is_kept_whatever_its_size() -> None:
    folds = Folds()
    big = b"x" * (KEPT_BYTES + 1)
    folds.add(1, collected(Output("stdout", big)), OK)
    folds.add(2, collected(Output("stdout", b"y"), Output("stderr", b"z")), OK)
    folds.add(3, collected(Output("stdout", big)), OK)
    assert [(fold.stream, fold.runs) for fold in folds] == [("stdout", [1, 3]), ("stderr", [2])]
    assert folds.unkept == [2]


def test_what_a_collector_keeps_and_passes_on_once() -> None:
    passed: list[CellEvent] = []
    notified: set[CellEvent] = set()
    job, shell, gap = Output("stdout", b"j", job=1), Notice("a new shell", "shell"), Truncated(5, 1)
    for _ in range(2):
        collector = Collector(passed.append, notified)
        for cell_event in (Output("stdout", b"a"), job, shell, gap, Output("stdout", b"b"), InputEnded()):
            collector(cell_event)
        assert collector.streams == {"stdout": b"ab", "stderr": b""}
        assert collector.left_out == gap
    assert passed == [job, shell, InputEnded(), job]


@given(st.sets(st.integers(1, 300)))
def test_ranges_name_each_number(numbers: set[int]) -> None:
    parts = [part.split("-") for part in ranges(numbers).split(",") if part]
    assert [n for part in parts for n in range(int(part[0]), int(part[-1]) + 1)] == sorted(numbers)
    assert all(int(after[0]) > int(before[-1]) + 1 for before, after in pairwise(parts))


def test_ranges_as_clustershell_writes_them() -> None:
    assert ranges([7, 3, 1, 2]) == "1-3,7"


def test_a_file_has_each_row_at_once() -> None:
    text = io.StringIO("old")
    file = TableFile(text)
    file.add([])
    assert text.getvalue() == "old"
    file.add([ROW])
    file.add([replace(ROW, target='a"b,c', exit_code=None, stdout=b'\xff,"\r\n\0'), replace(ROW, stdout=None)])
    [first, second, third] = csv.DictReader(io.StringIO(text.getvalue(), newline=""))
    assert list(first) == [*KEYS, STDOUT] == [*ROW.data(), STDOUT]
    assert [row[STDOUT] for row in (first, second, third)] == ["yes", '\ufffd,"\r\n\ufffd', ""]
    assert (first["wall_ms"], first["restore_duration_ms"], first["cold_start"]) == ("20.5", "", "True")
    assert (second["target"], second["exit_code"]) == ('a"b,c', "")
    assert float(second["duration_ms"]) == ROW.duration_ms


def test_the_median_of_a_sample_that_is_not_drawn_is_distributed_as_if_it_were() -> None:
    ordered, randomness = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], random.Random(7)
    quick = Counter(resampled_median(ordered, randomness) for _ in range(20_000))
    slow = Counter(percentile(sorted(randomness.choices(ordered, k=7)), 50) for _ in range(20_000))
    assert all(abs(quick[value] - slow[value]) < 400 for value in ordered)


@settings(max_examples=25)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30), st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30))
def test_a_ratio_lies_in_its_interval_which_few_values_have_not(values: list[float], base: list[float]) -> None:
    found = ratio(values, base, random.Random(0))
    assert found is not None
    assert (found.low is None) == (found.high is None) == (min(len(values), len(base)) < FEWEST)
    if found.low is not None and found.high is not None:
        assert found.low <= found.value <= found.high
        assert min(values) / max(base) <= found.low
    assert ratio(values, base, random.Random(0)) == found


def test_equal_functions_differ_by_noise_and_others_do_not() -> None:
    randomness = random.Random(3)

    def times(ms: float) -> list[float]:
        return [ms * randomness.lognormvariate(0, 0.2) for _ in range(20)]

    noise = [ratio(times(100), times(100), randomness) for _ in range(40)]
    assert sum(found is not None and found.noise for found in noise) >= 36
    real = [ratio(times(50), times(100), randomness) for _ in range(10)]
    assert not any(found is None or found.noise for found in real)


@pytest.mark.parametrize(("values", "base"), [([], [1.0]), ([1.0], []), ([1.0], [0.0, 1.0])])
def test_a_ratio_to_nothing_is_none(values: list[float], base: list[float]) -> None:
    assert ratio(values, base, random.Random(0)) is None
