"""The log of one invocation: its last 4 KB, and the lines that Lambda itself writes around the function's output.

The lines' exact shape (tabs between the fields; a tab before the line feed, but not after a status) was recorded from
AWS by LocalStack's snapshot tests and in users' logs; Billed Duration contains the init phase since 2025-08-01
(https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from .quotas import LOG_TAIL_BYTES, VERSION


@dataclass(frozen=True)
class Report:
    """The figures of one REPORT line."""

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str | None = None
    error_type: str | None = None

    def line(self) -> bytes:
        fields = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration_ms:.2f} ms",
            f"Billed Duration: {math.ceil(self.duration_ms + (self.init_ms or 0))} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {self.max_memory_mb} MB",
        ]
        if self.init_ms is not None:
            fields.append(f"Init Duration: {self.init_ms:.2f} ms")
        return _line(fields, self.status, self.error_type)


def init_report(init_ms: float, phase: str, status: str, error_type: str | None) -> bytes:
    """Return the line about a failed init."""
    fields = [f"INIT_REPORT Init Duration: {init_ms:.2f} ms", f"Phase: {phase}"]
    return _line(fields, status, error_type)


class LogTail:
    """The last 4,096 bytes of a stream of any length, between one report and the next.

    What a background process writes after its invocation belongs to the next one, since here as on Lambda it is the
    next one that collects it.
    """

    def __init__(self) -> None:
        self._kept = b""

    def write(self, data: bytes) -> None:
        self._kept = (self._kept + data[-LOG_TAIL_BYTES:])[-LOG_TAIL_BYTES:]

    def start(self, request_id: str, after_init: bool) -> None:
        """Begin an invocation. Output of init comes before the START line, later output after it."""
        line = f"START RequestId: {request_id} Version: {VERSION}\n".encode()
        earlier, self._kept = self._kept, b""
        self.write(earlier + line if after_init else line + earlier)

    def end(self, report: Report) -> str:
        """End the invocation, and return its tail in base64."""
        if self._kept and not self._kept.endswith(b"\n"):
            self.write(b"\n")
        self.write(f"END RequestId: {report.request_id}\n".encode() + report.line())
        tail, self._kept = self._kept, b""
        return base64.b64encode(tail).decode()


def _line(fields: list[str], status: str | None, error_type: str | None) -> bytes:
    named = (("Status", status), ("Error Type", error_type))
    told = [f"{name}: {value}" for name, value in named if value is not None]
    return "\t".join([*fields, *told] if told else [*fields, ""]).encode() + b"\n"
