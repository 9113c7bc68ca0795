"""REPORT lines as Lambda, its documentation and its local emulator write them; any other bytes change nothing."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterable
from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.report import Report, Status, Totals, Trimmed, parse, trim

ID = "527cb862-4f5e-49a9-9ae4-a7edc90f0fda"
OTHER_ID = "b70435cc-261c-4438-b9b6-efe4c8f04b21"
START = f"START RequestId: {ID} Version: $LATEST\n"
END = f"END RequestId: {ID}\n"
WARM_LINE = (
    f"REPORT RequestId: {ID}\tDuration: 2.90 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)
WARM = Report(ID, 2.9, 3.0, 128, 36)


def text_line(report: Report) -> str:
    """Write a report as Lambda's text log does."""
    fields: list[tuple[str, object, str]] = [
        ("Duration", f"{report.duration_ms:.2f}", " ms"),
        ("Billed Duration", _whole(report.billed_duration_ms), " ms"),
        ("Memory Size", report.memory_size_mb, " MB"),
        ("Max Memory Used", report.max_memory_used_mb, " MB"),
        ("Init Duration", _two_digits(report.init_duration_ms), " ms"),
        ("Restore Duration", _two_digits(report.restore_duration_ms), " ms"),
        ("Billed Restore Duration", _whole(report.billed_restore_duration_ms), " ms"),
        ("Status", None if report.status == "success" else report.status, ""),
        ("Error Type", report.error_type, ""),
    ]
    written = "".join(f"\t{label}: {value}{unit}" for label, value, unit in fields if value is not None)
    return f"REPORT RequestId: {report.request_id}{written}\t\n"


def json_line(report: Report) -> str:
    """Write a report as Lambda's JSON log does."""
    metrics = {
        "durationMs": report.duration_ms,
        "billedDurationMs": report.billed_duration_ms,
        "memorySizeMB": report.memory_size_mb,
        "maxMemoryUsedMB": report.max_memory_used_mb,
        "initDurationMs": report.init_duration_ms,
        "restoreDurationMs": report.restore_duration_ms,
        "billedRestoreDurationMs": report.billed_restore_duration_ms,
    }
    record: dict[str, Any] = {
        "requestId": report.request_id,
        "status": report.status,
        "metrics": {key: value for key, value in metrics.items() if value is not None},
    }
    if report.error_type is not None:
        record["errorType"] = report.error_type
    return json.dumps({"time": "2024-05-20T16:29:45.022Z", "type": "platform.report", "record": record}) + "\n"


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}"


def _two_digits(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


TEXT = [
    pytest.param(
        f"REPORT RequestId: {ID}\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n",
        Report(ID, 3.01, 4, 128, 36, init_duration_ms=110.1),
        id="cold",
    ),
    pytest.param(WARM_LINE, WARM, id="warm"),
    pytest.param(
        f"{START}{END}REPORT RequestId: {ID} Duration: 3016.78 ms Billed Duration: 3101 ms Memory Size: 128 MB "
        "Max Memory Used: 31 MB Init Duration: 84.00 ms Status: timeout\n",
        Report(ID, 3016.78, 3101, 128, 31, init_duration_ms=84, status="timeout"),
        id="timeout, spaces as in the documentation",
    ),
    pytest.param(
        f"{START}2024-03-04T17:22:38.033Z {ID} Task timed out after 3.00 seconds\n\n{END}{WARM_LINE}",
        replace(WARM, status="timeout"),
        id="timeout of old",
    ),
    pytest.param(
        f"{START}{END}{WARM_LINE}2024-03-04T17:22:38.033Z {ID} Task timed out after 3.00 seconds\n\n",
        replace(WARM, status="timeout"),
        id="timeout of old, told after the report",
    ),
    pytest.param(
        f"{START}2024-03-04T17:22:38.033Z {OTHER_ID} Task timed out after 3.00 seconds\n{END}{WARM_LINE}",
        WARM,
        id="another request's timeout",
    ),
    pytest.param(
        "REPORT RequestId: 5b866fb1-7154-4af6-8078-6ef6ca4c2ddd Duration: 133.61 ms Billed Duration: 214 ms "
        "Memory Size: 128 MB Max Memory Used: 31 MB Init Duration: 80.00 ms Status: error "
        "Error Type: Runtime.ExitError",
        Report(
            "5b866fb1-7154-4af6-8078-6ef6ca4c2ddd",
            133.61,
            214,
            128,
            31,
            init_duration_ms=80,
            status="error",
            error_type="Runtime.ExitError",
        ),
        id="crash",
    ),
    pytest.param(
        f"{START}RequestId: {ID} Error: Runtime exited without providing a reason\nRuntime.ExitError\n{END}{WARM_LINE}",
        replace(WARM, status="error", error_type="Runtime.ExitError"),
        id="crash of old",
    ),
    pytest.param(
        f"{START}RequestId: {ID} Error: Runtime exited with error: exit status 127\n{END}{WARM_LINE}",
        replace(WARM, status="error"),
        id="crash of old, without its type",
    ),
    pytest.param(
        f"INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout\n{START}{END}{WARM_LINE}",
        WARM,
        id="init failed and was repeated",
    ),
    pytest.param(
        "INIT_REPORT Init Duration: 488.22 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n"
        f"{START}{END}{WARM_LINE}",
        replace(WARM, status="error", error_type="Runtime.ExitError"),
        id="init failed inside the invocation",
    ),
    pytest.param(
        f"RESTORE_REPORT Restore Duration: 1236.04 ms Status: error Error Type: Runtime.ExitError\n{WARM_LINE}",
        replace(WARM, status="error", error_type="Runtime.ExitError"),
        id="restore failed",
    ),
    pytest.param(
        f"{START}{END}REPORT RequestId: {ID}  Duration: 15.74 ms  Billed Duration: 147 ms Memory Size: 128 MB "
        "Max Memory Used: 56 MB  Init Duration: 130.49 ms\n"
        "XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1   SegmentId: 07f5xmpl2d1f6f85 Sampled: true\n",
        Report(ID, 15.74, 147, 128, 56, init_duration_ms=130.49),
        id="X-Ray",
    ),
    pytest.param(
        f"REPORT RequestId: {ID}\tDuration: 103085.64 ms\tBilled Duration: 103086 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 126 MB\tStatus: error\tError Type: Runtime.OutOfMemory",
        Report(ID, 103085.64, 103086, 128, 126, status="error", error_type="Runtime.OutOfMemory"),
        id="out of memory",
    ),
    pytest.param(
        f"REPORT RequestId: {ID}\tDuration: 1248.31 ms\tBilled Duration: 1542 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 94 MB\tInit Duration: 293.05 ms\tStatus: error\tError Type: Runtime.ExitError",
        Report(ID, 1248.31, 1542, 128, 94, init_duration_ms=293.05, status="error", error_type="Runtime.ExitError"),
        id="crash, by tabs",
    ),
    pytest.param(
        f"{START}{END}REPORT RequestId: {ID}\tDuration: 6.91 ms\tBilled Duration: 100 ms \tMemory Size: 128 MB\t"
        "Max Memory Used: 82 MB\n",
        Report(ID, 6.91, 100, 128, 82),
        id="of 2018, with a blank before a tab",
    ),
    pytest.param(
        f"REPORT RequestId: {ID}\tDuration: 306.34 ms\tBilled Duration: 610 ms\tMemory Size: 3009 MB\t"
        "Max Memory Used: 155 MB\tRestore Duration: 511.25 ms\tBilled Restore Duration: 303 ms\t\n",
        Report(ID, 306.34, 610, 3009, 155, restore_duration_ms=511.25, billed_restore_duration_ms=303),
        id="SnapStart",
    ),
    pytest.param(
        f"REPORT RequestId: {ID}\tInit Duration: 0.09 ms\tDuration: 12.00 ms\tBilled Duration: 12 ms\t"
        "Memory Size: 3008 MB\tMax Memory Used: 3008 MB\t\n",
        Report(ID, 12, 12, 3008, 3008, init_duration_ms=0.09),
        id="runtime interface emulator",
    ),
    pytest.param(
        f"REPORT RequestId: {ID}\tDuration: 2.90 ms\tStatus: unheard-of\t\n",
        Report(ID, 2.9, status="error"),
        id="unknown status",
    ),
    pytest.param((START + END + WARM_LINE).replace("\n", "\r\n"), WARM, id="CRLF"),
    pytest.param(f"no newline{END}{WARM_LINE}", WARM, id="output without a newline"),
    pytest.param(f"{END}late output{WARM_LINE}", WARM, id="output without a newline after the end"),
]

JSON = [
    pytest.param(
        '{"time":"2024-05-20T16:29:44.833Z","type":"platform.initStart","record":{"initializationType":"on-demand"}}\n'
        '{"time":"2024-05-20T16:29:45.019Z","type":"platform.runtimeDone","record":{"requestId":"4b142fc3",'
        '"status":"success","metrics":{"durationMs":11.185,"producedBytes":40}}}\n'
        '{"time":"2024-05-20T16:29:45.022Z","type":"platform.report","record":{"requestId":"4b142fc3","status":"success",'
        '"metrics":{"durationMs":11.642,"billedDurationMs":12,"memorySizeMB":128,"maxMemoryUsedMB":67,"initDurationMs":174.055}}}',
        Report("4b142fc3", 11.642, 12, 128, 67, init_duration_ms=174.055),
        id="cold",
    ),
    pytest.param(
        '{"time":"2026-07-09T06:05:50.581Z","type":"platform.report","record":{"requestId":"aec7a529","metrics":'
        '{"durationMs":5000.0,"billedDurationMs":5000,"memorySizeMB":128,"maxMemoryUsedMB":94},"status":"timeout"}}\n',
        Report("aec7a529", 5000, 5000, 128, 94, status="timeout"),
        id="timeout",
    ),
    pytest.param(
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":7.5},"status":"success"}}',
        Report("r", 7.5),
        id="managed instances",
    ),
    pytest.param(
        '{"time":"t","type":"platform.start","record":{"requestId":"r","version":"$LATEST","tenantId":"blue"}}\n'
        'printed\n{"timestamp":"t","level":"INFO","message":"logged","requestId":"r","tenantId":"blue"}\n'
        '{"time":"t","type":"platform.report","record":{"requestId":"r","tenantId":"blue","status":"success",'
        '"metrics":{"durationMs":2.5,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":36}}}\n',
        Report("r", 2.5, 3, 128, 36),
        id="a tenant's, with plain lines as Python prints them",
    ),
    pytest.param(
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":7.5},"status":"error",'
        '"errorType":"Runtime.ExitError","tracing":{"type":"X-Amzn-Trace-Id"}}}',
        Report("r", 7.5, status="error", error_type="Runtime.ExitError"),
        id="crash",
    ),
]


@pytest.mark.parametrize(("tail", "report"), TEXT + JSON)
def test_a_report_is_read(tail: str, report: Report) -> None:
    assert parse(tail) == report
    assert parse(tail.encode()) == report


@pytest.mark.parametrize(
    "tail",
    [
        "",
        START + END,
        "REPORT RequestId: \tDuration: 1.00 ms",
        f"REPORT RequestId: {ID}\n",
        f"REPORT RequestId: {ID}\tDuration: lots\t\n",
        f"REPORT RequestId: {ID}\tDuration: 1.00 MB\t\n",
        f"REPORT RequestId: {ID}\tDuration: {'9' * 5000} ms\t\n",
        f"he said: REPORT RequestId: {ID} Duration: 1.00 ms",
        "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout\n",
        '{"type":"platform.report"}',
        '{"type":"platform.report","record":[]}',
        '{"type":["platform.report"],"record":{}}',
        '{"type":"platform.report","record":{"requestId":1,"metrics":{"durationMs":1}}}',
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":NaN}}}',
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":Infinity}}}',
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":-1}}}',
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":true}}}',
        '{"type":"platform.report","record":' * 10_000,
        '{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":' + "9" * 5000 + "}}}",
    ],
    ids=lambda tail: tail[:60],
)
def test_no_report_is_none(tail: str) -> None:
    assert parse(tail) is None


def test_values_of_the_wrong_type_are_absent() -> None:
    record = {
        "requestId": "r",
        "status": ["success"],
        "errorType": 3,
        "metrics": {"durationMs": 1, "memorySizeMB": "x"},
    }
    assert parse(json.dumps({"type": "platform.report", "record": record})) == Report("r", 1.0, status="error")


def test_the_last_report_wins() -> None:
    forged = f"REPORT RequestId: {ID}\tDuration: 1.00 ms\tBilled Duration: 1 ms\t\n"
    assert parse(START + forged + END + WARM_LINE) == WARM
    assert parse(START + json_line(Report(ID, 1)) + END + WARM_LINE) == WARM
    assert parse(forged + json_line(WARM)) == WARM


def test_a_report_of_the_asked_request() -> None:
    other = Report(OTHER_ID, 1.0)
    assert parse(WARM_LINE + text_line(other), ID) == WARM
    assert parse(WARM_LINE + text_line(other), OTHER_ID) == other
    assert parse(WARM_LINE, OTHER_ID) is None


PLATFORM_LINES = [
    START,
    END,
    WARM_LINE,
    "INIT_START Runtime Version: python:3.13.v64\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0\n",
    "INIT_REPORT Init Duration: 1236.04 ms Phase: init Status: error Error Type: Extension.Crash\n",
    "RESTORE_START Runtime Version: java:21.v1\tRuntime Version ARN: arn\n",
    "RESTORE_REPORT Restore Duration: 1236.04 ms Status: timeout\n",
    "XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n",
    "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n",
    "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform]\n",
    '{"time":"t","type":"platform.start","record":{"requestId":"4b142fc3","version":"$LATEST"}}\n',
    json_line(WARM),
]


@pytest.mark.parametrize("line", PLATFORM_LINES)
def test_lambdas_lines_at_the_ends_are_taken_off(line: str) -> None:
    assert trim(line).text == trim(line.encode()).text == ""
    assert trim(line).framed
    assert trim(f"{START}one\n{line}two\n{END}{WARM_LINE}").text == f"one\n{line}two\n"


def test_what_is_trimmed_tells_of_the_invocation() -> None:
    end = END + WARM_LINE
    xray = "XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n"
    start = '{"time":"t","type":"platform.start","record":{"requestId":"r","version":"$LATEST"}}\n'
    assert trim(f"{START}x\n{end}{xray}") == Trimmed("x\n", started=True, framed=True, json=False, request_id=ID)
    assert trim(f"x\n{end}") == Trimmed("x\n", started=False, framed=True, json=False, request_id=ID)
    assert trim(f"{start}x\n{json_line(Report('r', 1))}") == Trimmed(
        "x\n", started=True, framed=True, json=True, request_id="r"
    )
    assert trim("x\n") == Trimmed("x\n", started=False, framed=False, json=False, request_id="")


@pytest.mark.parametrize(
    "text",
    [
        "START RequestId: what is that?\n",
        f"START RequestId: {OTHER_ID} Version: $LATEST\n",
        START,
        "END\n",
        f"END RequestId: {OTHER_ID}\n",
        "REPORT RequestId: see above\n",
        text_line(Report(OTHER_ID, 1)),
        json_line(Report(OTHER_ID, 1)),
        '{"type": "mine", "record": {}}\n',
        '{"message": "platform.start"}\n',
        "EXTENSION of the deadline\n",
        "a\x0bb\x1c\u2028c\n",
        "\n\n",
    ],
)
def test_output_that_is_not_lambdas_is_kept(text: str) -> None:
    assert trim(START + text + END + WARM_LINE).text == text


@given(cut=st.integers(0, 3), character=st.sampled_from("é€😀"))
def test_what_a_cut_leaves_of_a_character_is_dropped(cut: int, character: str) -> None:
    left = character.encode()[cut:]
    assert trim(left + b"x\n").text == ("x\n" if cut else f"{character}x\n")


hundredths = st.integers(0, 10**8).map(lambda number: number / 100)
whole = st.integers(0, 10**6)
statuses: st.SearchStrategy[Status] = st.sampled_from(["success", "timeout", "error", "failure"])
reports = st.builds(
    Report,
    request_id=st.uuids().map(str),
    duration_ms=hundredths,
    billed_duration_ms=st.none() | whole.map(float),
    memory_size_mb=st.none() | whole,
    max_memory_used_mb=st.none() | whole,
    init_duration_ms=st.none() | hundredths,
    restore_duration_ms=st.none() | hundredths,
    billed_restore_duration_ms=st.none() | whole.map(float),
    status=statuses,
)
failed = st.builds(
    lambda report, error_type: replace(report, status="error", error_type=error_type),
    reports,
    st.sampled_from(["Runtime.ExitError", "Runtime.OutOfMemory", "Extension.Crash"]),
)
# Text that is not one of Lambda's lines: those begin with a capital letter or a brace.
output = st.text(st.characters(codec="utf-8", exclude_characters="{ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@given(report=reports | failed, before=output)
def test_round_trip(report: Report, before: str) -> None:
    for line in (text_line(report), json_line(report)):
        assert parse(f"{before}\n{line}") == report


@given(report=reports, others=st.lists(reports), text=st.booleans())
def test_the_last_of_many_wins(report: Report, others: list[Report], *, text: bool) -> None:
    tail = "".join(map(text_line, others)) + "".join(map(json_line, others))
    assert parse(tail + (text_line(report) if text else json_line(report))) == report


@given(report=reports, before=st.text(), cut=st.integers(min_value=0))
def test_a_cut_before_the_report_changes_nothing(report: Report, before: str, cut: int) -> None:
    head = (before + "\n").encode("utf-8", "surrogatepass")
    for line in (text_line(report), json_line(report)):
        assert parse(head[min(cut, len(head)) :] + line.encode()) == report


@given(report=reports | failed, first=st.integers(0, 400), last=st.integers(0, 400))
def test_a_cut_report_is_read_as_it_stands_or_not_at_all(report: Report, first: int, last: int) -> None:
    for line in (text_line(report), json_line(report)):
        found = parse(line[first:last])
        assert found is None or (found.request_id, found.duration_ms) == (report.request_id, report.duration_ms)


@given(tail=st.binary() | st.text())
def test_anything_is_survived(tail: bytes | str) -> None:
    parse(tail)
    trim(tail)


LIKE_LAMBDA = st.lists(
    st.sampled_from(
        [*PLATFORM_LINES, "REPORT RequestId: ", "\tDuration: ", "1 ms", "{", '"platform.', "\r", "\n", ID, " "]
    )
)


@given(parts=LIKE_LAMBDA, cut=st.integers(0, 200))
def test_anything_like_a_log_is_survived(parts: list[str], cut: int) -> None:
    tail = "".join(parts)[cut:]
    parse(tail)
    trim(tail)


def added(reports: Iterable[Report]) -> Totals:
    return functools.reduce(operator.add, map(Totals.of, reports))


def test_totals_add_times_and_take_the_largest_memory() -> None:
    totals = added([Report(ID, 1.5, 2, 128, 40, init_duration_ms=80), Report(ID, 2.5), Report(ID, 1, 1, 128, 44)])
    assert (totals.invocations, totals.duration_ms, totals.billed_duration_ms) == (3, 5.0, 3)
    assert (totals.init_duration_ms, totals.memory_size_mb, totals.max_memory_used_mb) == (80, 128, 44)


def test_totals_of_what_no_report_has() -> None:
    assert added([Report(ID, 1.5), Report(ID, 2.5)]) == Totals(2, 4.0, None, None, None, None)


@given(first=st.lists(reports, min_size=1), second=st.lists(reports, min_size=1))
def test_totals_add_up(first: list[Report], second: list[Report]) -> None:
    assert astuple(added(first) + added(second)) == pytest.approx(astuple(added(first + second)))
