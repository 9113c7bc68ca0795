"""The Lambda API as clients call it: Invoke, and enough of the rest for them to work.

Paths, headers and error codes as in botocore's lambda service model, 2015-03-31.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
import re
import secrets
import time
import uuid
from collections.abc import Collection, Coroutine
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from .errors import ApiError, invalid_content, invalid_member, invalid_parameter, throttled, too_large
from .function_config import FunctionConfig
from .invocation import Invocation, Outcome
from .pool import Pool
from .quotas import (
    ASYNC_REQUEST_BYTES,
    CLIENT_CONTEXT_BYTES,
    MIB,
    NAME_PATTERN,
    QUALIFIER_LENGTH,
    QUALIFIER_PATTERN,
    REGION,
    REQUEST_BYTES,
    TENANT_ID_PATTERN,
    VERSION,
    function_arn,
)
from .settings import Settings
from .sigv4 import Claim, Verifier
from .web import KEPT_BYTES, Admission, Memory, Request, reply_error

_FUNCTIONS = "/2015-03-31/functions"
_ROUTE = re.compile(rf"{_FUNCTIONS}/([^/]+)(/invocations|/configuration|)/?")
_JSON = {"Content-Type": "application/json"}
# Of bodies that are on their way, all together: sixteen of the largest. What is more has to be sent again.
_MEMORY_BYTES = 96 * MIB
_CONNECTIONS = 64
# Too much at once of one caller: ThrottleReason in botocore's model.
_CALLER = "CallerRateLimitExceeded"
_FAILED = "the local emulator failed on %s %s"
_logger = logging.getLogger(__name__)


class InvokeApi:
    """Checks a request, runs it and answers it. An unexpected error is a ServiceException."""

    def __init__(self, settings: Settings, pool: Pool, verifier: Verifier) -> None:
        self._settings = settings
        self._pool = pool
        self._verifier = verifier
        self._memory = Memory(_MEMORY_BYTES)
        # Each event that runs has one.
        self._connections = _CONNECTIONS + settings.concurrency
        self._tasks: set[asyncio.Task[None]] = set()

    @cached_property
    def _config(self) -> FunctionConfig:
        return FunctionConfig(self._settings)

    def admit(self, request: Request) -> Admission | None:
        """Refuse by the headers what is not signed with our key or is too large. Its body is not kept."""
        try:
            claim = self._verifier.read(request.headers)
            if request.announced > KEPT_BYTES:
                _check_size(request.announced)
        except ApiError as error:
            reply_error(request, error)
            return None
        return Admission(functools.partial(self._handle, claim), self._memory, _refuse_for_now)

    def _handle(self, claim: Claim, request: Request) -> None:
        """Answer a request, now or later. A client that leaves does not stop its invocation, as on Lambda."""
        try:
            # So large a body was not kept, and its signature cannot be checked.
            if request.size > KEPT_BYTES:
                _check_size(request.size)
            self._verifier.check(claim, request.method, request.target, request.headers, request.body)
            if request.trust("invoke", self._connections):
                self._route(request)
            else:
                _refuse_for_now(request)
        except ApiError as error:
            reply_error(request, error)
        except Exception:
            _logger.exception(_FAILED, request.method, request.path)
            _reply_failure(request)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _route(self, request: Request) -> None:
        found = _ROUTE.fullmatch(request.path)
        if request.method == "POST" and found and found[2] == "/invocations":
            self._check_name(request, found[1], invoked=True)
            self._invoke(request)
        elif request.method == "GET" and request.path.rstrip("/") == _FUNCTIONS:
            _reply_json(request, self._config.functions())
        elif request.method == "GET" and found and found[2] != "/invocations":
            self._check_name(request, found[1])
            _reply_json(request, self._config.configuration if found[2] else self._config.function())
        else:
            offered = "Invoke, GetFunction, GetFunctionConfiguration and ListFunctions"
            raise ApiError(404, "UnknownOperationException", f"The local emulator offers {offered} only.")

    def _check_name(self, request: Request, quoted: str, invoked: bool = False) -> None:
        """Accept a name, a partial or a full ARN, each with or without $LATEST.

        The errors are as recorded from AWS: LocalStack, tests/aws/services/lambda_/test_lambda_api.snapshot.json.
        """
        [asked] = parse_qs(request.query).get("Qualifier", [""])[:1]
        parts = _read_name(unquote(quoted), asked)
        if parts["qualifier"] and asked not in ("", parts["qualifier"]):
            raise invalid_parameter(
                "The derived qualifier from the function name does not match the specified qualifier."
            )
        if parts["region"] not in (None, REGION):
            message = f"Functions from '{parts['region']}' are not reachable in this region ('{REGION}')"
            raise ApiError(404, "ResourceNotFoundException", message)
        # Invoke alone names the version that was meant where none was given.
        qualifier = parts["qualifier"] or asked or (VERSION if invoked else "")
        if parts["name"] != self._settings.function or qualifier not in ("", VERSION):
            arn = ":".join([function_arn(parts["name"] or ""), *([qualifier] if qualifier else [])])
            raise ApiError(404, "ResourceNotFoundException", f"Function not found: {arn}")

    def _invoke(self, request: Request) -> None:
        starts = {"Event": self._queue, "RequestResponse": self._answer, "DryRun": self._skip}
        kind = _choice(request, "InvocationType", starts, "RequestResponse")
        _choice(request, "LogType", ("None", "Tail"), "None")
        _check_size(request.size)
        if kind == "Event" and request.size > ASYNC_REQUEST_BYTES:
            limit = f"limit {ASYNC_REQUEST_BYTES} bytes"
            raise too_large(f"{request.size} byte payload is too large for the Event invocation type ({limit})")
        starts[kind](request, self._read(request))

    def _read(self, request: Request) -> Invocation:
        # Nothing sent is an empty event to the function.
        payload = request.body or b"{}"
        try:
            json.loads(payload, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            told = f"Could not parse request body into json: Could not parse payload into json: {error}"
            raise invalid_content(told) from None
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
        return Invocation(
            payload,
            request.headers.get("X-Amzn-Trace-Id", trace),
            _client_context(request),
            self._tenant(request),
        )

    def _tenant(self, request: Request) -> str | None:
        tenant_id = request.headers.get("X-Amz-Tenant-Id")
        if self._settings.tenancy and tenant_id is None:
            raise invalid_parameter(
                "The invoked function is enabled with tenancy configuration. "
                "Add a valid tenant ID in your request and try again."
            )
        if not self._settings.tenancy and tenant_id is not None:
            raise invalid_parameter(
                "The invoked function is not enabled with tenancy configuration. "
                "Remove the tenant ID from your request and try again."
            )
        if tenant_id is not None and not re.fullmatch(TENANT_ID_PATTERN, tenant_id):
            raise invalid_member("tenantId", tenant_id, f"satisfy regular expression pattern: {TENANT_ID_PATTERN}")
        return tenant_id

    def _answer(self, request: Request, invocation: Invocation) -> None:
        async def run() -> None:
            outcome = await self._pool.run(invocation)
            _reply_outcome(request, invocation, outcome)

        self._spawn(request, run())

    def _queue(self, request: Request, invocation: Invocation) -> None:
        """Run once in the background. Lambda would try a failed event twice more, which nobody needs here."""
        request.reply(202, {**_JSON, "x-amzn-RequestId": invocation.request_id})
        self._spawn(request, self._pool.run_when_free(invocation))

    def _skip(self, request: Request, invocation: Invocation) -> None:
        request.reply(204, {"x-amzn-RequestId": invocation.request_id})

    def _spawn(self, request: Request, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except ApiError as error:
                reply_error(request, error)
            except Exception:
                _logger.exception(_FAILED, request.method, request.path)
                _reply_failure(request)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _choice(request: Request, name: str, values: Collection[str], default: str) -> str:
    """Return a header that may have some values only. Its name is the member's in botocore's service model."""
    header = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name)
    value = request.headers.get(f"X-Amz-{header}", default)
    if value not in values:
        member = name[0].lower() + name[1:]
        raise invalid_member(member, value, f"satisfy enum value set: [{', '.join(values)}]")
    return value


def _read_name(name: str, qualifier: str) -> dict[str, str | None]:
    """Take a function's name apart. It and a qualifier have to be of their form."""
    found = re.fullmatch(NAME_PATTERN, name)
    if found is None:
        raise invalid_member("functionName", name, f"satisfy regular expression pattern: {NAME_PATTERN}")
    if len(qualifier) > QUALIFIER_LENGTH:
        raise invalid_member("qualifier", qualifier, f"have length less than or equal to {QUALIFIER_LENGTH}")
    if qualifier and not re.fullmatch(QUALIFIER_PATTERN, qualifier):
        raise invalid_member("qualifier", qualifier, f"satisfy regular expression pattern: {QUALIFIER_PATTERN}")
    return found.groupdict()


def _reply_failure(request: Request) -> None:
    reply_error(request, ApiError(500, "ServiceException", "The local emulator failed; its log says why."))


def _reply_json(request: Request, body: dict[str, Any]) -> None:
    request.reply(200, {**_JSON, "x-amzn-RequestId": str(uuid.uuid4())}, json.dumps(body).encode())


def _reply_outcome(request: Request, invocation: Invocation, outcome: Outcome) -> None:
    headers = {
        **_JSON,
        "x-amzn-RequestId": invocation.request_id,
        "X-Amz-Executed-Version": VERSION,
        "X-Amzn-Trace-Id": invocation.trace_id,
    }
    if outcome.answer.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if request.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = outcome.log_tail
    request.reply(200, headers, outcome.answer.payload)


def _refuse_for_now(request: Request) -> None:
    reply_error(request, throttled(_CALLER))


def _check_size(size: int) -> None:
    if size > REQUEST_BYTES:
        raise too_large(f"Request must be smaller than {REQUEST_BYTES} bytes for the InvokeFunction operation")


def _client_context(request: Request) -> str | None:
    encoded = request.headers.get("X-Amz-Client-Context")
    if not encoded:
        return None
    if len(encoded) > CLIENT_CONTEXT_BYTES:
        raise invalid_content(f"Client context must be at most {CLIENT_CONTEXT_BYTES} bytes of Base64.")
    try:
        # Written anew, since it travels on in a header, where a line feed would end it.
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except ValueError:
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Unrecognized token '{name}'")
