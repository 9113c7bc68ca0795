"""What goes wrong between a client and the function's end, as our errors."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from . import errors
from .errors import BadCredentials, BadSettings, KernelError, Unanswered, Unreachable
from .function import index as wire
from .place import ENGINES_KEYS, Place, Row, clean, mask
from .refusals import refused
from .report import Report

NOWHERE = Place()
# Whether the present invocation has left this machine. None: nobody looks.
LEFT: ContextVar[bool | None] = ContextVar("LEFT", default=None)

SIGNED_OUT = Row(BadCredentials, "not signed in to AWS for {it} ({error})", "run {login}, and try again")
SOURCE = Row(
    BadCredentials, "cannot get AWS credentials for {it} ({error})", "check the profile, or sign in anew with {login}"
)
SETTINGS = Row(BadSettings, "the AWS settings cannot be used for {it} ({error})", "check the AWS configuration files")
REGION = Row(BadSettings, "there is no such AWS region for {it} ({error})", "name another with --region")
CONFIG = Row(
    BadSettings,
    "the AWS configuration cannot be read for {it} ({error})",
    "mend that file, or name another in AWS_CONFIG_FILE",
)
OFFLINE = Row(
    Unreachable,
    "cannot reach Lambda for {it} ({error})",
    "check the network, the region and the endpoint",
    "restart the kernel, and with it the engine",
)
PROXY = Row(Unreachable, "cannot reach Lambda for {it} through the proxy ({error})", "check HTTPS_PROXY and NO_PROXY")
# Kept apart from "cannot reach": the request may have arrived.
SILENT = Row(Unanswered, "no answer from {it} ({error})", "check the network")
TLS = Row(
    Unanswered,
    "no secure connection to Lambda for {it} ({error})",
    "check the endpoint, the proxy, and AWS_CA_BUNDLE where it has a certificate of its own",
)
UNREAD = Row(Unanswered, "the answer of {it} cannot be read ({error})", "check the endpoint, or a proxy before it")

KEYS = ("botocore.credentials", "botocore.tokens", "botocore.auth")  # its modules that look for credentials and sign
# By botocore's names, since older releases lack some; the most specific one counts.
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
        "LoginError": SIGNED_OUT._replace(advice="run `aws login`, and try again"),
        "ProfileNotFound": Row(
            BadCredentials, "{error}", "name another with --profile, or make it with `aws configure --profile`"
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
            errors.Refused, "botocore does not take the request to {it} ({error})", "check the function's name"
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
        "HTTPError": UNREAD,  # of urllib3, whose errors botocore lets through while it reads
    }
)

AGAIN = "the next cell starts it again"
LOG = "its log in CloudWatch says more"
CANNOT_START = (
    "cannot be started ({type}: {message})",
    "check its handler, runtime and layers, or run `lambda-kernel deploy`",
)
# How a function did not come to its own end, and what to do; what its runtime ran is gone with it
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, and fatalerror.go of AWS's Runtime
# Interface Emulator).
ENDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Runtime.OutOfMemory": ("ran out of its memory{memory}", "give it more with `lambda-kernel deploy --memory`"),
        "Sandbox.Timedout": (
            "was ended by its timeout, and all its processes with it",
            "give it a longer one with `lambda-kernel deploy --timeout`",
        ),
        "Runtime.ExitError": ("lost its runtime ({message}), and all its processes with it", AGAIN),
        "Runtime.Unknown": ("lost its runtime ({message}), and all its processes with it", AGAIN),
        "Runtime.ImportModuleError": CANNOT_START,
        "Runtime.HandlerNotFound": CANNOT_START,
        "Runtime.MalformedHandlerName": CANNOT_START,
        "Runtime.UserCodeSyntaxError": CANNOT_START,
        "Runtime.UserCodeLoadError": CANNOT_START,
        "Runtime.InvalidEntrypoint": CANNOT_START,
        "Runtime.InvalidWorkingDir": CANNOT_START,
        "Runtime.InvalidTaskConfig": CANNOT_START,
        "Function.ResponseSizeTooLarge": ("gave an answer that is above Lambda's limit ({message})", LOG),
        "Runtime.TruncatedResponse": ("gave an answer that was cut ({message})", LOG),
    }
)
FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Extension": (
            "lost an extension ({type}: {message})",
            "check those of its layers that are not lambda-kernel's",
        ),
        "Sandbox": ("lost its execution environment ({type}: {message})", AGAIN),
    }
)
FAILED = ("failed ({type}: {message})", LOG)
INIT_FAILED = re.compile(rb"^INIT_REPORT .*Status: (?:error|timeout)|\"platform\.initReport\"", re.MULTILINE)
TIMED_OUT = re.compile(r"Task timed out after [0-9.]+ seconds")


def function_failed(
    payload: Any, request_id: str, report: Report | None, place: Place = NOWHERE, log: bytes = b""
) -> errors.FunctionFailed:
    told = payload if isinstance(payload, dict) else {"errorMessage": str(payload)}
    message = str(told.get("errorMessage", ""))
    error_type = _error_type(str(told.get("errorType", "")), message, report)
    what, advice = _end(error_type, log)
    memory = f" of {report.memory_size_mb} MB" if report and report.memory_size_mb else ""
    said = clean(message.partition("Error: ")[2] or message)
    text = what.format(type=error_type or "without a type", message=said, memory=memory)
    whole = json.dumps(payload)
    return errors.FunctionFailed(
        f"{place} {text}: {AGAIN if place.local else advice}", error_type, request_id, report, whole
    )


def _error_type(told: str, message: str, report: Report | None) -> str:
    """Lambda's name for it. A payload says Runtime.ExitError of what the report knows to be a lack of memory; the
    emulator's timeout has another name, and that of older Lambda has none."""
    if report and report.error_type == "Runtime.OutOfMemory":
        return report.error_type
    if told == "Sandbox.Timeout" or (not told and TIMED_OUT.search(message)):
        return "Sandbox.Timedout"
    return told


def _end(error_type: str, log: bytes) -> tuple[str, str]:
    if error_type == "Runtime.ExitError" and INIT_FAILED.search(log):
        return CANNOT_START
    return ENDS.get(error_type) or FAMILIES.get(error_type.partition(".")[0]) or FAILED


@contextlib.contextmanager
def mapped_errors(function: str, region: str, place: Place | None = None, watched: bool = False) -> Iterator[None]:
    """Raise what boto3 raises as ours. watched: the client tells when an invocation leaves (watch)."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    place, handled = place or Place(function, region), sys.exc_info()[1]
    before = LEFT.set(False if watched else None)
    known = (BotoCoreError, ResponseParserError, OSError, ValueError)
    try:
        yield
    except KernelError:
        raise
    except ClientError as error:
        raise refused(error.response, place, error.operation_name, LEFT.get()) from error
    except Exception as error:
        # botocore lets through what it stumbles over in an answer; the function may have run.
        if LEFT.get() or isinstance(error, known) or getting_credentials(error):
            raise client_side(error, place, LEFT.get(), handled) from error
        raise
    finally:
        LEFT.reset(before)


def watch(client: Any) -> None:
    """Have botocore tell when an invocation leaves: of what goes wrong before, as signing may, nothing has run."""
    client.meta.events.register("before-send.lambda.Invoke", _leave)


def _leave(**_: Any) -> None:
    LEFT.set(True)


def client_side(
    error: BaseException, place: Place, left: bool | None = None, handled: BaseException | None = None
) -> KernelError:
    """What went wrong on this machine or on the way. handled: an earlier exception, which says nothing of this one."""
    row = _row(error, left)
    kind = row.kind
    if issubclass(kind, Unanswered) and connecting(error, handled):
        kind = Unreachable
    return kind(place.sentence(row, error=clean(error)))


def _row(error: BaseException, left: bool | None) -> Row:
    """Refused and its kinds only where nothing can have run."""
    for_keys = not left and getting_credentials(error)
    row = next((CLIENT[name] for name in _names(error) if name in CLIENT), SOURCE if for_keys else SETTINGS)
    if left is False and issubclass(row.kind, Unanswered | Unreachable):
        return SOURCE
    if for_keys and not issubclass(row.kind, BadSettings):
        return SOURCE
    return UNREAD if left and row is SETTINGS else row


def _names(error: BaseException) -> list[str]:
    """Without Python's own classes, one of which is called ConnectionError as well."""
    return [kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(("botocore", "urllib3"))]


def connecting(error: BaseException, handled: BaseException | None = None) -> bool:
    """Whether it was raised while the connection was made (TCP, a proxy's tunnel, TLS), before any request."""
    return any(
        frame.f_code.co_name == "connect" and frame.f_globals.get("__name__") == "urllib3.connection"
        for link in _chain(error, handled)
        for frame, _ in traceback.walk_tb(link.__traceback__)
    )


def getting_credentials(error: BaseException) -> bool:
    """Whether it was raised while botocore looked for them or signed: of a credential_process that is not there, or
    prints what it should not, it lets Python's own errors through."""
    return any(frame.f_globals.get("__name__") in KEYS for frame, _ in traceback.walk_tb(error.__traceback__))


def _chain(error: BaseException | None, handled: BaseException | None = None) -> Iterator[BaseException]:
    """An exception and those that it was raised for, the latest first."""
    seen: set[int] = set()
    while error is not None and error is not handled and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def not_ours(payload: Any, function: str, met: bool = False) -> errors.NotOurs:
    """What an answer in another protocol means. Raises Unanswered for bare text in the name of a function that was met
    before: a proxy's page, say."""
    if met and isinstance(payload, str):
        raise Unanswered(f"the answer of `{mask(function)}` cannot be read: check the endpoint, or a proxy before it")
    if isinstance(payload, dict) and "protocol" in payload:
        theirs = payload["protocol"]
        newer = isinstance(theirs, int) and theirs > wire.PROTOCOL
        advice = "upgrade lambda-kernel" if newer else "run `lambda-kernel deploy`, which brings it up to date"
        return errors.NotOurs(
            f"`{mask(function)}` speaks protocol {clean(theirs)} and this kernel protocol {wire.PROTOCOL}: {advice}"
        )
    return errors.NotOurs(
        f"`{mask(function)}` is no shell function of lambda-kernel: name another with %use, or run "
        "`lambda-kernel deploy`"
    )


def garbled(function: str) -> errors.NotOurs:
    """An answer that has the protocol's number, and cannot be one."""
    return errors.NotOurs(
        f"`{mask(function)}` answered what lambda-kernel's shell function cannot answer: run `lambda-kernel deploy`, "
        "or look for what changes answers on their way"
    )


def original(error: KernelError) -> str:
    """All that is known of an error, unmasked: for the user's own eyes."""
    return "\n".join(dict.fromkeys(_told(link) for link in _chain(error)))


def _told(error: BaseException) -> str:
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
