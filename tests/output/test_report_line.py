"""The line of the report."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from lambda_kernel.aws.usage import Usage
from lambda_kernel.output.report_line import (
    FULL,
    LINE,
    PARTS,
    CellFacts,
    chosen,
    report_data,
    report_line,
    report_parts,
)
from lambda_kernel.report import Report
from lambda_kernel.workspace.workspace import Settings

LAST = Report("id", 6.91, 7, 128, 82)


def usage(*reports: Report | None) -> Usage:
    made = Usage()
    for number, report in enumerate(reports):
        made.add(f"id-{number}", report)
    return made


def facts(*reports: Report | None, exit_code: int | None = 0) -> CellFacts:
    return CellFacts(usage(*reports), 50, exit_code, "local")


def cold(init_ms: float) -> Report:
    return Report("id", 1.0, 2, 128, 36, init_ms)


@pytest.mark.parametrize(
    ("reports", "exit_code", "line"),
    [
        ([LAST], 0, "6.91 ms · billed 7 ms · 82 of 128 MB · local"),
        ([LAST], 3, "6.91 ms · billed 7 ms · 82 of 128 MB · exit code 3 · local"),
        (
            [Report("id", 3.01, 114, 128, 36, 110.10), LAST],
            0,
            "9.92 ms · billed 121 ms · 82 of 128 MB · cold start 110.1 ms · local",
        ),
        ([LAST] * 3, 0, "20.73 ms · billed 21 ms · 82 of 128 MB · 3 invocations · local"),
        ([Report("id", 75_000.0, 75_000, 128, 36)], 0, "1.2 min · billed 1.2 min · 36 of 128 MB · local"),
        ([Report("id", 10.0)], None, "10 ms · local"),
        ([Report("id", 10.0, None, None, 36)], None, "10 ms · 36 MB · local"),
        ([None], 0, "50 ms wall time · local"),
    ],
)
def test_the_report_line(reports: list[Report | None], exit_code: int | None, line: str) -> None:
    assert report_line(facts(*reports, exit_code=exit_code)) == line


@pytest.mark.parametrize(
    ("inits", "said"),
    [
        ([110.1], "cold start 110.1 ms"),
        ([129.17, 130.0, 128.4, 131.0, 137.6], "5 cold starts: 129, 130, 128, 131, 138 ms, 656.17 ms in all"),
        ([900.0] * 6, "6 cold starts: 900, 900, 900, 900, 900, 900 ms, 5.40 s in all"),
        ([900.0] * 7, "7 cold starts: 900, 900, 900, 900, 900, 900, … ms, 6.30 s in all"),
    ],
)
def test_several_cold_starts_are_not_one_long_one(inits: list[float], said: str) -> None:
    assert said in report_parts(facts(*map(cold, inits)))


def test_a_cold_start_that_tab_has_caused_is_one_more() -> None:
    made = facts(LAST)
    made.usage.name_cold_start(110.1)
    assert "cold start 110.1 ms" in report_parts(made)


def test_what_is_unusual_is_told() -> None:
    made = replace(facts(LAST), cut="30 of 1,000 lines shown", directory="/usr/share")
    made.usage.retries, made.usage.replaced, made.usage.restored = 3, True, True
    unusual = ["30 of 1,000 lines shown", "3 retries", "new environment", "state restored"]
    assert report_parts(made)[3:] == [*unusual, "in /usr/share", "local"]
    made.usage.retries = 1
    assert report_parts(made, shown=())[:2] == ["30 of 1,000 lines shown", "1 retry"]


@pytest.mark.parametrize(("length", "whole"), [(60, True), (61, False)])
def test_of_a_deep_directory_the_end_is_told(length: int, whole: bool) -> None:
    directory = f"/{'d' * (length - 1)}"
    [told] = [part for part in report_parts(replace(facts(LAST), directory=directory)) if part.startswith("in ")]
    assert told == (f"in {directory}" if whole else f"in …{directory[-59:]}")


def test_the_report_in_full() -> None:
    made = replace(facts(LAST), wall_ms=12, cost_usd=0.0000021)
    made.usage.environment_id, made.usage.replaced = "<env>", True
    line = report_line(made, FULL)
    assert line.endswith("new environment · 12 ms wall time · $0.0000021 · environment <env> · request id-0 · local")


def test_its_html_is_broken_between_its_parts_only() -> None:
    made = replace(facts(LAST), directory="/" + "long " * 12)
    made.usage.environment_id = "<env>"
    data = report_data(report_parts(made, FULL))
    page = data["text/html"]
    assert "environment &lt;env&gt;" in page
    assert html.unescape(re.sub("<[^>]*>", "", page)) == data["text/plain"]
    whole = re.findall(r'<span style="white-space: nowrap">([^<]*)</span>', page)
    assert whole[:2] == ["6.91 ms ·", "billed 7 ms ·"]
    assert not any("long" in part for part in whole)  # it would run out of the window


@pytest.mark.parametrize(
    ("mode", "changes", "parts"),
    [
        ("off", {}, set()),
        ("line", {}, LINE),
        ("full", {}, set(PARTS)),
        ("line", {"cost": True, "billed": False}, (LINE | {"cost"}) - {"billed"}),
        ("off", {"cost": True}, {"cost"}),
        ("full", {"place": True, "request": False}, set(PARTS) - {"request"}),
    ],
)
def test_its_parts_are_chosen(mode: str, changes: dict[str, bool], parts: set[str]) -> None:
    settings = Settings(report_parts=changes)
    settings.report = mode  # type: ignore[assignment]
    assert chosen(settings) == parts
