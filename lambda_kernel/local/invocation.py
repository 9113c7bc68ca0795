"""The data that goes into an environment and comes out of it."""

from __future__ import annotations

import json
import re
import signal
import uuid
from dataclasses import dataclass, field, replace

from .quotas import RESPONSE_BYTES

OUT_OF_MEMORY = "Runtime.OutOfMemory"


@dataclass(frozen=True)
class Invocation:
    """One event on its way to the function."""

    payload: bytes
    trace_id: str
    client_context: str | None = None
    tenant_id: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Answer:
    """The answer to one event, by the runtime or by Lambda.

    `status` and `error_type` are what the REPORT line says: an exception of the handler is an error for the caller
    (`failed`) that the report does not mention.
    """

    payload: bytes
    failed: bool = False
    status: str | None = None
    error_type: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What the caller gets: the answer, and the log's tail in base64."""

    answer: Answer
    log_tail: str


def timed_out(request_id: str, timeout_s: float) -> Answer:
    """Recorded from AWS (2025-11-25)."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return Answer(_error("Sandbox.Timedout", message), failed=True, status="timeout")


def exited(request_id: str, status: int) -> Answer:
    """Name how the runtime ended, in the words of Go's os package, which Lambda uses."""
    if status == 0:
        how = "Runtime exited without providing a reason"
    elif status > 128:
        how = f"Runtime exited with error: signal: {_signal_words(status - 128)}"
    else:
        how = f"Runtime exited with error: exit status {status}"
    payload = _error("Runtime.ExitError", f"RequestId: {request_id} Error: {how}")
    return Answer(payload, failed=True, status="error", error_type="Runtime.ExitError")


def killed(request_id: str) -> Answer:
    return exited(request_id, 128 + signal.SIGKILL)


def out_of_memory(request_id: str) -> Answer:
    """The caller gets `signal: killed`, and the report OutOfMemory, as seen on AWS."""
    return replace(killed(request_id), error_type=OUT_OF_MEMORY)


def too_large() -> Answer:
    """Recorded from AWS (2025-11-24)."""
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
    return Answer(_error("Function.ResponseSizeTooLarge", message), failed=True)


def init_error(payload: bytes, error_type: str) -> Answer:
    """Pass on awslambdaric's error about a module that cannot be loaded.

    The log names the types of a runtime or a function only (fatalerror.go of AWS's emulator): of a KeyError it says
    Runtime.Unknown.
    """
    known = re.search(r"(Runtime|Function)\.[A-Z][a-zA-Z]+", error_type)
    other = "Function.Unknown" if error_type.startswith("Function.") else "Runtime.Unknown"
    return Answer(payload, failed=True, status="error", error_type=error_type if known else other)


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}, separators=(",", ":")).encode()


def _signal_words(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()
