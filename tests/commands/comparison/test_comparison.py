"""What is the same, what differs, and what is no part of the comparison."""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import Any

import pytest

from lambda_kernel.commands.comparison import volatile
from lambda_kernel.commands.comparison.comparison import compare
from lambda_kernel.commands.comparison.environments import fields_of
from lambda_kernel.commands.comparison.figures import in_one, totals
from lambda_kernel.function.sent.display import VEGA_LITE
from lambda_kernel.magics.environment import KEYS

from .made import cell, error, figures, outcome, pair, run, shown, stream

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([stream("a\n")], [stream("a\n")]),
        ([stream("a\nb\n")], [stream(["a\n", "b\n"])]),
        ([stream("a\n"), stream("b\n")], [stream("a\nb\n")]),
        ([stream("a"), stream("b", "stderr")], [stream("b", "stderr"), stream("a")]),
        ([stream("done 12:30:05 in 3.2 ms\n")], [stream("done 12:31:59 in 17 ms\n")]),
        ([figures(1.0)], [figures(99.0, 300.0)]),
        ([shown({"text/plain": "[new environment]"}, {"lambda_notice": "replaced"})], []),
        ([shown({"text/plain": "[1]+  Done", "text/html": "[1]+ Done"}, {"lambda_notice": "job"})], []),
        ([shown({"text/plain": "1 ms"}, {"lambda_runs": []})], [shown({"text/plain": "2 ms"}, {"lambda_runs": []})]),
        ([shown({VEGA_LITE: {"a": 1}, "image/png": PNG})], [shown({VEGA_LITE: {"a": 2}, "image/png": PNG[:-8]})]),
        ([shown({"image/png": PNG})], [shown({"image/png": f"{PNG[:76]}\n{PNG[76:]}\n"})]),
        ([shown({"text/html": "<b>12:00:00</b>"})], [shown({"text/html": ["<b>", "13:00:00</b>"]})]),
    ],
)
def test_what_is_the_same(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert outcome(first, second) in ("same", "no output")


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ([stream("a\n")], [stream("b\n")], "+b"),
        ([stream("a\n")], [], "-a"),
        ([stream("a\n")], [stream("a\n", "stderr")], "+[stderr]"),
        ([], [error("ExitCode", "3")], "+[error] ExitCode: 3"),
        ([shown({"image/png": PNG})], [shown({"image/png": PNG[:-8]})], "-[image/png, 208 bytes, sha256 "),
        ([shown({"image/svg+xml": "<svg/>"})], [shown({"image/svg+xml": "<svg></svg>"})], "+[image/svg+xml, 11 bytes"),
        ([shown({"application/json": {"a": 1}})], [shown({"application/json": {"a": 2}})], "+[application/json, "),
    ],
)
def test_what_differs(first: list[dict[str, Any]], second: list[dict[str, Any]], line: str) -> None:
    [row] = pair(first, second).rows
    assert (row.outcome, row.results[0].diff) == ("different", "")
    assert any(shown.startswith(line) for shown in row.results[1].diff.splitlines())


def test_an_image_is_never_in_the_diff() -> None:
    [row] = pair([shown({"image/png": PNG})], [shown({"image/png": PNG[:-8]})]).rows
    assert PNG[:20] not in row.results[1].diff


def test_a_target_that_went_no_further_is_told_apart_from_one_that_printed_nothing() -> None:
    first = run("a", cell("one", stream("1\n")), cell("two", ran=False), cell("three", ran=False), problem="it died")
    others = [
        run(name, cell("one", stream("1\n")), cell("two", stream("2\n")), cell("three", ran=False)) for name in "bc"
    ]
    found = compare("a.ipynb", [first, *others])
    assert [row.outcome for row in found.rows] == ["same", "same, where it ran", "not run"]
    assert [result.outcome for result in found.rows[1].results] == ["not run", "same", "same"]
    assert found.problems == ("it died", "", "")


def test_each_target_is_compared_with_the_first_that_ran_the_cell() -> None:
    cells = [cell("one", ran=False), cell("one", stream("1\n")), cell("one", stream("2\n"))]
    [row] = compare("a", [run(name, one) for name, one in zip("abc", cells, strict=True)]).rows
    assert row.outcome == "different"
    assert row.results[2].diff.startswith("--- b\n+++ c\n")


def test_text_and_empty_cells_have_no_row_but_are_counted() -> None:
    text = {"cell_type": "markdown", "metadata": {}, "source": "# Title"}
    found = compare("a", [run(name, text, cell("\n "), cell("\n\nls\npwd")) for name in "ab"])
    assert [(row.number, row.code) for row in found.rows] == [(3, "ls …")]
    assert compare("a", [run(name, text) for name in "ab"]).rows == ()


def test_ids_that_the_figures_name_are_no_difference() -> None:
    def one(target: str, environment: str) -> Any:
        return run(target, cell("x", stream(f"I am {environment}.\n"), figures(environment_id=environment)))

    found = compare("a", [one("a", "0a1b2c3d4e5f"), one("b", "f5e4d3c2b1a0")])
    assert found.rows[0].outcome == "same"
    assert next(iter(found.rules.items()))[1] == 2
    assert compare("a", [one("a", "same"), one("b", "else")]).rows[0].outcome == "different"  # words, not ids


def test_the_users_rules_come_first_and_are_counted() -> None:
    runs = [run(name, cell("x", stream(f"build {name}7 at 12:00:00\n"))) for name in "ab"]
    assert compare("a", runs).rows[0].outcome == "different"
    found = compare("a", runs, volatile.ours([re.compile(r"build \w+ at \S+")]))
    assert found.rows[0].outcome == "same"
    rule, count = next(iter(found.rules.items()))
    assert (rule.meaning, count) == (r"--ignore build \w+ at \S+", 2)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("4b2c7a60-0c5a-4a52-9d2b-6f1f3a6d2f10", "<id>"),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "Root=<trace>;Sampled=1"),
        ("2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef", "<log stream>"),
        ("2026/11/30/shell[$LATEST]0123456789abcdef0123456789abcdef", "<log stream>"),
        ("2026-11-30T05:18:32.123Z", "<time>"),
        ("2026-11-30 05:18:32+0100 x", "<time> x"),
        ("2026-11-30 05:18 file", "<time> file"),
        ("Mon Nov 30 05:18:32 UTC 2026", "<time>"),
        ("Mon Nov  3 05:18:32 AM UTC 2026", "<time>"),
        ("Mon, 30 Nov 2026 05:18:32 +0000", "<time>"),
        ("at 05:18:32.5 sharp", "at <time> sharp"),
        ("epoch 1790000000.123 or 1790000000123", "epoch <time> or <time>"),
        ("real\t0m0.003s", "real\t<duration>"),
        ("took 1.5 ms, 3s and 10 seconds", "took <duration>, <duration> and <duration>"),
        ("12.5 MB/s, 3 KiB/s", "<rate>, <rate>"),
        ("cat /proc/1234/stat of pid 77, PID=5", "cat <pid>/stat of <pid>, <pid>"),
        ("[1] 4242\n[2]+ 17 x", "<pid>\n<pid> x"),
        ("\\1 \\g<0> it is 12:00:00", "\\1 \\g<0> it is <time>"),
        ("512 MB in /proc/self, version 1.2.3, 10.0.0.1", "512 MB in /proc/self, version 1.2.3, 10.0.0.1"),
        ("16384 files, 42 users, 3 seats, rapid 5", "16384 files, 42 users, 3 seats, rapid 5"),
        ("sha256 0123456789abcdef0123456789abcdef", "sha256 0123456789abcdef0123456789abcdef"),
    ],
)
def test_rules(text: str, cleaned: str) -> None:
    counts: Counter[volatile.Rule] = Counter()
    assert volatile.without(text, volatile.USUAL, counts) == cleaned
    assert bool(sum(counts.values())) == (text != cleaned)


def test_figures_stand_beside_each_other_and_are_summed_up() -> None:
    cells = [cell("x", figures(2.5, 100.0)), cell("y", figures(3.0)), cell("z")]
    found = compare("a", [run("a", *cells), run("b", *cells[:2], cell("z", ran=False))])
    assert [in_one(row.results[0].figures) for row in found.rows] == [
        "2.5 ms, init 100 ms, 30 of 128 MB, $0.00000025",
        "3 ms, 30 of 128 MB, $0.0000003",
        "-",
    ]
    assert in_one(totals(found)[0]) == "5.5 ms, init 100 ms, 30 of 128 MB, $0.00000055"


@pytest.mark.parametrize("odd", [{}, [1], "x" * 100_000, True, None])
def test_figures_that_are_none(odd: object) -> None:
    metadata = {"lambda": {"invocations": 1, "duration_ms": odd, "request_ids": odd, "environment_id": odd}}
    [row] = pair([shown({}, metadata)], []).rows
    assert in_one(row.results[0].figures) == "-"


def facts(**more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KEYS), "kernel": "Linux 6.1", "cpu_flags": ["a", "b", "c"], **more}


def test_the_environment_field_by_field() -> None:
    mounts = [{"path": "/tmp", "size_mb": 512, "free_mb": 500}]
    first = facts(uptime_s=1.5, mounts=mounts)
    second = facts(uptime_s=9.5, mounts=[mounts[0] | {"free_mb": 3}], cpu_flags=["a", "c", "d"], kernel="Linux 5.10")
    found = {field.name: field for field in fields_of([first, None, second])}
    assert (found["kernel"].outcome, found["kernel"].values) == ("different", ("Linux 6.1", "-", "Linux 5.10"))
    assert found["cpu_flags"].values == ("2 in common, 1 more: b", "-", "2 in common, 1 more: d")
    empty = {field.name: field for field in fields_of([facts(groups=["x"]), facts(groups=[])])}
    assert empty["groups"].values == ("x", "[]")
    assert (found["uptime_s"].outcome, found["mounts"].outcome) == ("changes by itself", "same")
    assert fields_of([first, None]) == ()


@pytest.mark.parametrize("value", ["\x1b[2J", "x" * 5_000, {"a": "\u202e"}, ["x" * 5_000]])
def test_the_environment_of_a_hostile_function(value: object) -> None:
    for field in fields_of([facts(os=value), facts()]):
        assert all(text.isprintable() and len(text) <= 201 for text in field.values)
