"""Errors of boto3 and of functions as our errors."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NoReturn

from .. import errors
from ..errors import BadCredentials, BadSettings, KernelError, Unanswered, Unreachable
from ..function import index as wire
from ..report import Report
from ..untrusted import visible
from .api_errors import refused
from .error_text import ENGINES_KEYS, ErrorContext, Row, clean, mask

NOWHERE = ErrorContext()
# Whether the current invocation has left this machine. None: not known.
LEFT: ContextVar[bool | None] = ContextVar("LEFT", default=None)

SIGNED_OUT = Row(BadCredentials, "not signed in to AWS for {it} ({error})", "run {login} and try again")
SOURCE = Row(
    BadCredentials, "cannot get AWS credentials for {it} ({error})", "check the profile, or sign in again with {login}"
)
SETTINGS = Row(BadSettings, "the AWS settings cannot be used for {it} ({error})", "check the AWS configuration files")
REGION = Row(BadSettings, "there is no such AWS region for {it} ({error})", "name another one with --region")
CONFIG = Row(
    BadSettings,
    "the AWS configuration cannot be read for {it} ({error})",
    "correct that file, or name another one in AWS_CONFIG_FILE",
)
OFFLINE = Row(
    Unreachable,
    "cannot reach Lambda for {it} ({error})",
    "check the network, the region and the endpoint",
    "restart the kernel, which also restarts its local emulator; start one that you run by itself, or in a container",
)
PROXY = Row(Unreachable, "cannot reach Lambda for {it} through the proxy ({error})", "check HTTPS_PROXY and NO_PROXY")
# Not the same as "cannot reach": the request may have arrived.
SILENT = Row(Unanswered, "no answer from {it} ({error})", "check the network")
TLS = Row(
    Unanswered,
    "no secure connection to Lambda for {it} ({error})",
    "check the endpoint and the proxy, and set AWS_CA_BUNDLE if the proxy has its own certificate",
)
UNREAD = Row(Unanswered, "the answer of {it} cannot be read ({error})", "check the endpoint, or a proxy in between")

# botocore's modules that find credentials and sign requests.
KEYS = ("botocore.credentials", "botocore.tokens", "botocore.auth")
# By name, since older releases of botocore lack some. The most specific class counts.
CLIENT: Mapping[str, Row] = MappingProxyType(
    {
        "BotoCoreError": SETTINGS,
        "NoCredentialsError": Row(
            BadCredentials,
            "there are no AWS credentials for {it}",
            "run `aws configure` or {login}, or name a profile with --profile",
            ENGINES_KEYS,
        ),
        "PartialCredentialsError": SOURCE,
        "CredentialRetrievalError": SOURCE,
        "UnknownCredentialError": SOURCE,
        "RefreshWithMFAUnsupportedError": SOURCE,
        "MetadataRetrievalError": SOURCE,
        "InvalidConfigError": SOURCE,
        "SSOError": SIGNED_OUT,
        "TokenRetrievalError": SIGNED_OUT,
        "NoAuthTokenError": SIGNED_OUT,
        "UnknownTokenProviderError": SIGNED_OUT,
        "LoginError": SIGNED_OUT._replace(advice="run `aws login` and try again"),
        "ProfileNotFound": Row(
            BadCredentials, "{error}", "name another one with --profile, or create it with `aws configure --profile`"
        ),
        "NoRegionError": Row(BadSettings, "no AWS region is set for {it}", "name one with --region, or set AWS_REGION"),
        "InvalidRegionError": REGION,
        "UnknownRegionError": REGION,
        "UnknownEndpointError": REGION,
        "ServiceNotInRegionError": REGION,
        "ConfigParseError": CONFIG,
        "ConfigNotFound": CONFIG,
        "InvalidProxiesConfigError": SETTINGS._replace(advice="check HTTPS_PROXY and proxy_ca_bundle"),
        "ParamValidationError": Row(
            errors.Refused, "botocore does not accept the request to {it} ({error})", "check the function's name"
        ),
        "EndpointConnectionError": OFFLINE,
        "ConnectTimeoutError": OFFLINE,
        "ProxyConnectionError": PROXY,
        "SSLError": TLS,
        "HTTPClientError": SILENT,
        "ConnectionError": SILENT,
        "IncompleteReadError": UNREAD,
        "ChecksumError": UNREAD,
        "FlexibleChecksumError": UNREAD,
        "ResponseParserError": UNREAD,
        "HTTPError": UNREAD,  # of urllib3: botocore passes it on while it reads a body
    }
)

AGAIN = "the next cell starts it again"
LOG = "see its log in CloudWatch"
CANNOT_START = (
    "cannot be started ({type}: {message})",
    "check its handler, runtime and layers, or run `lambda-kernel deploy`",
)
# How a function can end without an answer, and what to do. What its runtime ran is gone
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, and fatalerror.go of AWS's Runtime
# Interface Emulator).
ENDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Runtime.OutOfMemory": (
            "ran out of memory{memory}",
            "give it more with `lambda-kernel deploy --memory`, or `%use local --memory` on the local emulator",
        ),
        "Sandbox.Timedout": (
            "reached its timeout, and all its processes ended",
            "give it a longer timeout with `lambda-kernel deploy --timeout`",
        ),
        "Runtime.ExitError": ("lost its runtime ({message}), and all its processes ended", AGAIN),
        "Runtime.Unknown": ("lost its runtime ({message}), and all its processes ended", AGAIN),
        "Runtime.ImportModuleError": CANNOT_START,
        "Runtime.HandlerNotFound": CANNOT_START,
        "Runtime.MalformedHandlerName": CANNOT_START,
        "Runtime.UserCodeSyntaxError": CANNOT_START,
        "Runtime.UserCodeLoadError": CANNOT_START,
        "Runtime.InvalidEntrypoint": CANNOT_START,
        "Runtime.InvalidWorkingDir": CANNOT_START,
        "Runtime.InvalidTaskConfig": CANNOT_START,
        "Function.ResponseSizeTooLarge": ("gave an answer above Lambda's limit ({message})", LOG),
        "Runtime.TruncatedResponse": ("gave an incomplete answer ({message})", LOG),
    }
)
FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Extension": (
            "lost an extension ({type}: {message})",
            "check its layers that are not from lambda-kernel",
        ),
        "Sandbox": ("lost its execution environment ({type}: {message})", AGAIN),
    }
)
TYPE_CHARACTERS, PAYLOAD_CHARACTERS = 100, 20_000
FAILED = ("failed ({type}: {message})", LOG)
INIT_FAILED = re.compile(rb"^INIT_REPORT .*Status: (?:error|timeout)|\"platform\.initReport\"", re.MULTILINE)
TIMED_OUT = re.compile(r"Task timed out after [0-9.]+ seconds")


def function_failed(
    payload: Any, request_id: str, report: Report | None, context: ErrorContext = NOWHERE, log: bytes = b""
) -> errors.FunctionFailed:
    fields = payload if isinstance(payload, dict) else {"errorMessage": str(payload)}
    message = str(fields.get("errorMessage", ""))
    error_type = _error_type(str(fields.get("errorType", "")), message, report)
    error_type = visible(error_type, TYPE_CHARACTERS)
    what, advice = _end(error_type, log)
    memory = f" of {report.memory_size_mb} MB" if report and report.memory_size_mb else ""
    reason = clean(message.partition("Error: ")[2] or message)
    text = what.format(type=error_type or "without a type", message=reason, memory=memory)
    whole = visible(json.dumps(payload), PAYLOAD_CHARACTERS)
    return errors.FunctionFailed(
        f"{context} {text}: {AGAIN if context.local else advice}", error_type, request_id, report, whole
    )


def _error_type(name: str, message: str, report: Report | None) -> str:
    """Lambda's name for the error.

    If memory ran out, only the report says so: the payload says Runtime.ExitError. For a timeout, AWS's emulator has
    another name, and older Lambda has none.
    """
    if report and report.error_type == "Runtime.OutOfMemory":
        return report.error_type
    if name == "Sandbox.Timeout" or (not name and TIMED_OUT.search(message)):
        return "Sandbox.Timedout"
    return name


def _end(error_type: str, log: bytes) -> tuple[str, str]:
    if error_type == "Runtime.ExitError" and INIT_FAILED.search(log):
        return CANNOT_START
    return ENDS.get(error_type) or FAMILIES.get(error_type.partition(".")[0]) or FAILED


@contextlib.contextmanager
def mapped_errors(context: ErrorContext, *, watched: bool = False) -> Iterator[None]:
    """Turn errors of boto3 into ours. watched: the client notes when an invocation leaves (see watch)."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    handled = sys.exc_info()[1]
    before = LEFT.set(False if watched else None)
    known = (BotoCoreError, ResponseParserError, OSError, ValueError)
    try:
        yield
    except KernelError:
        raise
    except ClientError as error:
        raise refused(error.response, context, error.operation_name, LEFT.get()) from error
    except Exception as error:
        # botocore passes on exceptions from reading a bad answer. The function may have run.
        if LEFT.get() or isinstance(error, known) or getting_credentials(error):
            raise client_side(error, context, LEFT.get(), handled) from error
        raise
    finally:
        LEFT.reset(before)


def watch(client: Any) -> None:
    """Let botocore note when an invocation leaves. If something fails before, such as signing, nothing has run."""
    client.meta.events.register("before-send.lambda.Invoke", _leave)


def _leave(**_: Any) -> None:
    LEFT.set(True)


def client_side(
    error: BaseException, context: ErrorContext, left: bool | None = None, handled: BaseException | None = None
) -> KernelError:
    """Our error for a failure on this machine or on the way. handled: an earlier exception, which is not the cause."""
    row = _row(error, left)
    kind = row.kind
    if issubclass(kind, Unanswered) and connecting(error, handled):
        kind = Unreachable
    return kind(context.sentence(row, error=clean(error)))


def _row(error: BaseException, left: bool | None) -> Row:
    """Refused and its subclasses only if nothing can have run."""
    for_keys = not left and getting_credentials(error)
    row = next((CLIENT[name] for name in _names(error) if name in CLIENT), SOURCE if for_keys else SETTINGS)
    if left is False and issubclass(row.kind, Unanswered | Unreachable):
        return SOURCE
    if for_keys and not issubclass(row.kind, BadSettings):
        return SOURCE
    return UNREAD if left and row is SETTINGS else row


def _names(error: BaseException) -> list[str]:
    """Names of its classes, without Python's own: Python has a ConnectionError as well."""
    return [kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(("botocore", "urllib3"))]


def connecting(error: BaseException, handled: BaseException | None = None) -> bool:
    """Whether it was raised while connecting (TCP, a proxy's tunnel, TLS), before any request."""
    return any(
        frame.f_code.co_name == "connect" and frame.f_globals.get("__name__") == "urllib3.connection"
        for link in _chain(error, handled)
        for frame, _ in traceback.walk_tb(link.__traceback__)
    )


def getting_credentials(error: BaseException) -> bool:
    """Whether it was raised while botocore looked for credentials or signed.

    If a credential_process is missing or prints nonsense, botocore passes on Python's own errors.
    """
    return any(frame.f_globals.get("__name__") in KEYS for frame, _ in traceback.walk_tb(error.__traceback__))


def _chain(error: BaseException | None, handled: BaseException | None = None) -> Iterator[BaseException]:
    """An exception and its causes, the latest first."""
    seen: set[int] = set()
    while error is not None and error is not handled and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def not_ours(payload: Any, function: str, met: bool = False) -> errors.NotOurs:
    """What an answer in another protocol means.

    Raises Unanswered for bare text from a function that has answered before: it may be a proxy's page.
    """
    if met and isinstance(payload, str):
        raise Unanswered(f"the answer of `{mask(function)}` cannot be read: check the endpoint, or a proxy in between")
    if isinstance(payload, dict) and "protocol" in payload:
        theirs = payload["protocol"]
        newer = isinstance(theirs, int) and theirs > wire.PROTOCOL
        advice = "upgrade lambda-kernel" if newer else "run `lambda-kernel deploy` to update it"
        return errors.NotOurs(
            f"`{mask(function)}` speaks protocol {clean(theirs)}, and this kernel speaks protocol {wire.PROTOCOL}: "
            f"{advice}"
        )
    return errors.NotOurs(
        f"`{mask(function)}` is not a shell function of lambda-kernel: name another one with %use, or run "
        "`lambda-kernel deploy`"
    )


def garbled(function: str) -> errors.NotOurs:
    """The error for an answer that has the protocol's number and is not valid."""
    return errors.NotOurs(
        f"`{mask(function)}` gave an answer that lambda-kernel's function never gives: run `lambda-kernel deploy`, "
        "or check for a proxy that changes answers"
    )


def raise_unmet(error: errors.FunctionFailed, function: str) -> NoReturn:
    """Raise what it means that a function failed at the first request.

    The article's function then runs `exec(undefined)`, and Node says so (ERR_INVALID_ARG_TYPE). An error of Lambda,
    whose type has a dot, does not tell what the function is.
    """
    if 'The "command" argument must be of type string' in str(error):
        raise errors.ShellPerCommand(f"`{mask(function)}` is the 2018 article's function: no session") from error
    if "." in error.error_type:
        raise error
    raise not_ours(None, function) from error


def original(error: KernelError) -> str:
    """All that is known about an error, with account ids: only for the user."""
    return "\n".join(dict.fromkeys(visible(_described(link), PAYLOAD_CHARACTERS) for link in _chain(error)))


def _described(error: BaseException) -> str:
    if isinstance(error, errors.FunctionFailed):
        return f"{error.error_type or 'no type'}, request {error.request_id or 'unknown'}: {error.payload}"
    response = getattr(error, "response", None)
    if not isinstance(response, dict) or "Error" not in response:
        return f"{type(error).__name__}: {error}"
    metadata = response.get("ResponseMetadata", {})
    return (
        f"{type(error).__name__}: {response['Error'].get('Code')}, HTTP status {metadata.get('HTTPStatusCode')}, "
        f"request {metadata.get('RequestId', 'unknown')}: {response['Error'].get('Message')}"
    )


def retrying(error: KernelError) -> str:
    """The notice while an invocation that was refused, or has no answer, is sent again."""
    what = "Throttled, retrying" if isinstance(error, errors.Throttled) else "Trying again"
    return f"{what}: {error}. Interrupt to give up."
