"""The Lambda API as clients call it: Invoke, and enough of the rest for them to work.

Paths, headers and error codes as in botocore's lambda service model, 2015-03-31.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import secrets
import time
import uuid
from collections.abc import Coroutine
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from .errors import ApiError, invalid_content, invalid_parameter
from .function_config import FunctionConfig
from .invocation import Invocation, Outcome
from .limits import ASYNC_REQUEST_BYTES, REGION, REQUEST_BYTES, TENANT_ID_PATTERN, VERSION, function_arn
from .pool import Pool
from .settings import Settings
from .sigv4 import Verifier
from .web import KEPT_BYTES, Request

_FUNCTIONS = "/2015-03-31/functions"
_ROUTE = re.compile(rf"{_FUNCTIONS}/([^/]+)(/invocations|/configuration|)/?")
_JSON = {"Content-Type": "application/json"}
_FAILED = "the local engine failed on %s %s"
_logger = logging.getLogger(__name__)


class InvokeApi:
    """Checks a request, runs it, answers it; an unforeseen error is a ServiceException, never silence."""

    def __init__(self, settings: Settings, pool: Pool, verifier: Verifier) -> None:
        self._settings = settings
        self._pool = pool
        self._verifier = verifier
        self._tasks: set[asyncio.Task[None]] = set()

    @cached_property
    def _config(self) -> FunctionConfig:
        return FunctionConfig(self._settings)

    def handle(self, request: Request) -> None:
        """Answer a request, now or later. A client that leaves does not stop its invocation, as on Lambda."""
        try:
            # So large a body was not kept, and its signature cannot be checked.
            if request.size > KEPT_BYTES:
                _check_size(request, REQUEST_BYTES)
            self._verifier.check(request.method, request.target, request.headers, request.body)
            self._route(request)
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
            self._check_name(request, found[1])
            self._invoke(request)
        elif request.method == "GET" and request.path.rstrip("/") == _FUNCTIONS:
            _reply_json(request, self._config.functions())
        elif request.method == "GET" and found and found[2] != "/invocations":
            self._check_name(request, found[1])
            _reply_json(request, self._config.configuration if found[2] else self._config.function())
        else:
            offered = "Invoke, GetFunction, GetFunctionConfiguration and ListFunctions"
            raise ApiError(404, "UnknownOperationException", f"The local engine offers {offered} only.")

    def _check_name(self, request: Request, quoted: str) -> None:
        """Accept a name, a partial or a full ARN, each with or without $LATEST."""
        arn, _, name = unquote(quoted).rpartition("function:")
        name, _, qualifier = name.partition(":")
        [asked] = parse_qs(request.query).get("Qualifier", [""])[:1]
        # Both errors as AWS words them: LocalStack, services/lambda_/api_utils.py.
        if qualifier and asked not in ("", qualifier):
            raise invalid_parameter(
                "The derived qualifier from the function name does not match the specified qualifier."
            )
        qualifier = qualifier or asked or VERSION
        region = (arn.split(":") + [""] * 4)[3]
        if region not in ("", REGION):
            message = f"Functions from '{region}' are not reachable in this region ('{REGION}')"
            raise ApiError(404, "ResourceNotFoundException", message)
        if name != self._settings.function or qualifier != VERSION:
            arn = function_arn(name) + ("" if qualifier == VERSION else f":{qualifier}")
            raise ApiError(404, "ResourceNotFoundException", f"Function not found: {arn}")

    def _invoke(self, request: Request) -> None:
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        start = {"RequestResponse": self._answer, "Event": self._queue, "DryRun": self._skip}.get(kind)
        if start is None:
            raise invalid_parameter(f"'{kind}' is not an invocation type: RequestResponse, Event or DryRun.")
        _check_size(request, ASYNC_REQUEST_BYTES if kind == "Event" else REQUEST_BYTES)
        start(request, self._read(request))

    def _read(self, request: Request) -> Invocation:
        # Nothing sent is an empty event to the function.
        payload = request.body or b"{}"
        try:
            json.loads(payload, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise invalid_content(f"Could not parse request body into json: {error}") from None
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
            raise invalid_parameter(f"The tenant ID must match {TENANT_ID_PATTERN}.")
        return tenant_id

    def _answer(self, request: Request, invocation: Invocation) -> None:
        async def run() -> None:
            outcome = await self._pool.run(invocation)
            _reply_outcome(request, invocation, outcome)

        self._spawn(request, run())

    def _queue(self, request: Request, invocation: Invocation) -> None:
        """Run once in the background. Lambda would try a failed event twice more; nobody waits here for that."""
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


def reply_error(request: Request, error: ApiError) -> None:
    """Answer as Lambda does: the code in a header, the text in the body."""
    headers = {**_JSON, "x-amzn-ErrorType": error.code, "x-amzn-RequestId": str(uuid.uuid4())}
    if error.status == 429:
        headers["Retry-After"] = "1"
    request.reply(error.status, headers, json.dumps(error.body()).encode())


def _reply_failure(request: Request) -> None:
    reply_error(request, ApiError(500, "ServiceException", "The local engine failed; its log says why."))


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


def _check_size(request: Request, most: int) -> None:
    if request.size > most:
        message = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
        raise ApiError(413, "RequestTooLargeException", message)


def _client_context(request: Request) -> str | None:
    encoded = request.headers.get("X-Amz-Client-Context")
    if not encoded:
        return None
    try:
        # Written anew, since it travels on in a header, where a line feed would end it.
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except ValueError:
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Unrecognized token '{name}'")
