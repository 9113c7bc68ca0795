"""Reads what Lambda's log says about an invocation: the REPORT line, in text and in JSON.

The log is not trusted. It may be cut anywhere, contain any bytes, and contain output of the user that looks like a line
of Lambda. A missing value is None. Nothing here raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Status = Literal["success", "timeout", "error", "failure"]
_STATUSES: Mapping[str, Status] = MappingProxyType({"success": "success", "timeout": "timeout", "failure": "failure"})


@dataclass(frozen=True)
class Report:
    """One invocation as Lambda measured it: durations in milliseconds, memory in MB of 1,024 KB."""

    request_id: str
    duration_ms: float
    billed_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    billed_restore_duration_ms: float | None = None
    status: Status = "success"
    error_type: str | None = None
    measured: bool = False  # by the function itself, because there was no log


@dataclass(frozen=True)
class Trimmed:
    """A log tail without Lambda's own lines at both ends.

    started: whether there was the line that an invocation begins with; framed: whether there was any such line; json:
    whether they were JSON; request_id: empty if no line tells it.
    """

    text: str
    started: bool
    framed: bool
    json: bool
    request_id: str


@dataclass(frozen=True)
class Totals:
    """Sums over several invocations: times in milliseconds are added up, memory in MB is the largest.

    None: no report has the value.
    """

    invocations: int
    duration_ms: float
    billed_duration_ms: float | None
    init_duration_ms: float | None
    memory_size_mb: int | None
    max_memory_used_mb: int | None
    restore_duration_ms: float | None = None

    @classmethod
    def of(cls, report: Report) -> Totals:
        """One invocation's."""
        return cls(
            invocations=1,
            duration_ms=report.duration_ms,
            billed_duration_ms=report.billed_duration_ms,
            init_duration_ms=report.init_duration_ms,
            memory_size_mb=report.memory_size_mb,
            max_memory_used_mb=report.max_memory_used_mb,
            restore_duration_ms=report.restore_duration_ms,
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            invocations=self.invocations + other.invocations,
            duration_ms=self.duration_ms + other.duration_ms,
            billed_duration_ms=_sum(self.billed_duration_ms, other.billed_duration_ms),
            init_duration_ms=_sum(self.init_duration_ms, other.init_duration_ms),
            memory_size_mb=_max(self.memory_size_mb, other.memory_size_mb),
            max_memory_used_mb=_max(self.max_memory_used_mb, other.max_memory_used_mb),
            restore_duration_ms=_sum(self.restore_duration_ms, other.restore_duration_ms),
        )


# Lambda separates the fields by tabs, and its documentation by spaces. Longer labels come first, so that `Billed
# Duration` is not taken for `Duration`.
_FIELD = re.compile(
    r"(?<![^\t ])(?P<label>Billed Restore Duration|Billed Duration|Restore Duration|Init Duration|Duration"
    r"|Memory Size|Max Memory Used|Status|Error Type|Phase): (?P<value>[^\t ]+)(?P<unit> ms| MB)?(?![^\t ])"
)
_UNITS = MappingProxyType({"Memory Size": " MB", "Max Memory Used": " MB", "Status": "", "Error Type": "", "Phase": ""})
_LATER_BYTES = bytes(range(0x80, 0xC0))  # of characters in UTF-8
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")

_REQUEST_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_REPORT = re.compile(r"REPORT RequestId: (?P<id>[^\t ]+)[\t ]+(?P<fields>(?:Init )?Duration: .*)")
# If output has no newline at its end, Lambda's line follows on the same line.
_GLUED = re.compile(rf"END RequestId: {_REQUEST_ID}\Z|REPORT RequestId: {_REQUEST_ID}\t(?:Init )?Duration: .*")
_FIRST = re.compile(
    r"START RequestId: (?P<id>[^\t ]+) Version: [^\t ]+|INIT_START Runtime Version: .*"
    r"|(?:INIT|RESTORE)_REPORT (?:Init|Restore) Duration: .*|RESTORE_START .*"
    r"|(?:EXTENSION|LOGS|TELEMETRY)[\t ]+Name: .*"
)
_LAST = re.compile(r"(?:END|REPORT) RequestId: (?P<id>[^\t ]+)(?:[\t ]+(?:Init )?Duration: .*)?|XRAY TraceId: .*")

# If a REPORT has no Status, these lines tell it. Both styles are on AWS's page lambda-runtime-environment.
_OLD_TIMEOUT = re.compile(r"[0-9-]{10}T[0-9:.]+Z (?P<id>[^\t ]+) Task timed out after [0-9.]+ seconds")
_OLD_CRASH = re.compile(r"RequestId: (?P<id>[^\t ]+) Error: Runtime exited .*")
_PHASE_REPORT = re.compile(r"(?:INIT|RESTORE)_REPORT (?P<fields>(?:Init|Restore) Duration: .*)")
_ERROR_TYPE = re.compile(r"[A-Z][A-Za-z]*\.[A-Za-z]+")


def parse(tail: bytes | str, request_id: str | None = None) -> Report | None:
    """Return the last report in a log tail (a decoded LogResult), of one request if an id is given.

    The last one, because Lambda writes it when the user's code has finished, so no output can follow.
    """
    lines = [line for line, _ in _lines(tail)]
    for line in reversed(lines):
        report = _parse_json(line) if line.startswith("{") else _parse_text(line, lines)
        if report and request_id in {None, report.request_id}:
            return report
    return None


def trim(tail: bytes | str) -> Trimmed:
    """Remove the lines that Lambda writes before and after the function's output."""
    lines = [raw for _, raw in _lines(tail)]
    after = list(_platform_lines(reversed(lines), _LAST, None))
    request_id = next((line.request_id for line in after if line.request_id), None)
    rest = lines[: len(lines) - len(after)]
    before = list(_platform_lines(rest, _FIRST, request_id))
    own = after + before
    return Trimmed(
        text="".join(rest[len(before) :]),
        started=any(line.starts for line in own),
        framed=bool(own),
        json=any(line.json for line in own),
        request_id=next((line.request_id for line in own if line.request_id), ""),
    )


def _lines(tail: bytes | str) -> Iterator[tuple[str, str]]:
    """Yield each line without and with its end. Only a newline ends one: str.splitlines knows nine more."""
    text = tail if isinstance(tail, str) else _decode(tail)
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text):
        yield raw.rstrip("\r\n"), raw


@dataclass(frozen=True)
class _PlatformLine:
    request_id: str | None
    starts: bool
    json: bool


def _platform_lines(lines: Iterable[str], form: re.Pattern[str], request_id: str | None) -> Iterator[_PlatformLine]:
    """Yield Lambda's lines up to the first that is none, or is another request's: a command may print such ones."""
    for raw in lines:
        line = _platform_line(raw.rstrip("\r\n"), form)
        if line is None or (request_id and line.request_id not in {None, request_id}):
            return
        request_id = request_id or line.request_id
        yield line
        if line.starts and not line.json:
            return


def _platform_line(line: str, form: re.Pattern[str]) -> _PlatformLine | None:
    if found := _platform_record(line):
        kind, record = found
        request_id = record.get("requestId")
        return _PlatformLine(request_id if isinstance(request_id, str) else None, kind == "platform.start", json=True)
    match = form.fullmatch(line)
    return match and _PlatformLine(match["id"], line.startswith("START"), json=False)


def _parse_text(line: str, lines: list[str]) -> Report | None:
    match = _REPORT.fullmatch(line)
    if match is None:
        glued = _GLUED.search(line)
        match = glued and _REPORT.fullmatch(glued.group())
    if match is None:
        return None
    fields = _fields(match["fields"])
    duration_ms = _number(fields.get("Duration"))
    if duration_ms is None:
        return None
    status, error_type = _status(fields) or _old_status(match["id"], lines)
    return Report(
        request_id=match["id"],
        duration_ms=duration_ms,
        billed_duration_ms=_number(fields.get("Billed Duration")),
        memory_size_mb=_integer(fields.get("Memory Size")),
        max_memory_used_mb=_integer(fields.get("Max Memory Used")),
        init_duration_ms=_number(fields.get("Init Duration")),
        restore_duration_ms=_number(fields.get("Restore Duration")),
        billed_restore_duration_ms=_number(fields.get("Billed Restore Duration")),
        status=status,
        error_type=error_type,
    )


def _fields(text: str) -> dict[str, str]:
    matches = _FIELD.finditer(text)
    return {
        match["label"]: match["value"]
        for match in matches
        if _UNITS.get(match["label"], " ms") == (match["unit"] or "")
    }


def _status(fields: Mapping[str, str]) -> tuple[Status, str | None] | None:
    if "Status" not in fields:
        return None
    return _known_status(fields["Status"]), fields.get("Error Type")


def _known_status(value: object) -> Status:
    return _STATUSES.get(value, "error") if isinstance(value, str) else "error"


def _old_status(request_id: str, lines: list[str]) -> tuple[Status, str | None]:
    """Look for the lines that tell how an invocation ended when its REPORT does not."""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        timeout = _OLD_TIMEOUT.fullmatch(line)
        if timeout and timeout["id"] == request_id:
            return "timeout", None
        crash = _OLD_CRASH.fullmatch(line)
        if crash and crash["id"] == request_id:
            return "error", following if _ERROR_TYPE.fullmatch(following) else None
        phase = _PHASE_REPORT.fullmatch(line)
        fields = _fields(phase["fields"]) if phase else {}
        status = _status(fields)
        # A failed init is repeated inside the invocation; it is final only when it failed there.
        if status and status[0] != "success" and fields.get("Phase") != "init":
            return status
    return "success", None


def _decode(tail: bytes) -> str:
    """A cut through a character leaves its last bytes, which are no character of their own."""
    return tail.lstrip(_LATER_BYTES).decode("utf-8", "replace")


def _platform_record(line: str) -> tuple[str, dict[str, Any]] | None:
    """Return type and record of a JSON line of Lambda's; one of the application's has neither."""
    if '"platform.' not in line:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind, record = (event.get("type"), event.get("record")) if isinstance(event, dict) else (None, None)
    if not isinstance(kind, str) or not kind.startswith("platform.") or not isinstance(record, dict):
        return None
    return kind, record


def _parse_json(line: str) -> Report | None:
    kind, record = _platform_record(line) or ("", {})
    request_id, metrics = record.get("requestId"), record.get("metrics")
    if kind != "platform.report" or not isinstance(request_id, str) or not isinstance(metrics, dict):
        return None
    duration_ms = _number(metrics.get("durationMs"))
    if duration_ms is None:
        return None
    error_type = record.get("errorType")
    return Report(
        request_id=request_id,
        duration_ms=duration_ms,
        billed_duration_ms=_number(metrics.get("billedDurationMs")),
        memory_size_mb=_integer(metrics.get("memorySizeMB")),
        max_memory_used_mb=_integer(metrics.get("maxMemoryUsedMB")),
        init_duration_ms=_number(metrics.get("initDurationMs")),
        restore_duration_ms=_number(metrics.get("restoreDurationMs")),
        billed_restore_duration_ms=_number(metrics.get("billedRestoreDurationMs")),
        status=_known_status(record.get("status", "success")),
        error_type=error_type if isinstance(error_type, str) else None,
    )


def _number(value: object) -> float | None:
    """Return a finite number that is not negative, from a field's text or a JSON value."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 else None


def _integer(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def _max(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
