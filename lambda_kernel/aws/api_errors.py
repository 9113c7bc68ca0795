"""The error codes of Lambda's API, each as one of our errors.

The codes are in botocore's model of Invoke (lambda/2015-03-31/service-2.json), which says what each means, and in the
list of errors that all AWS services share (https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import (
    AccessDenied,
    BadCredentials,
    KernelError,
    NotReady,
    Refused,
    Throttled,
    Unanswered,
    Unreachable,
    WrongTenancy,
)
from .error_text import ENGINES_KEYS, ErrorContext, Row, clean

AFTER_SECONDS = 60.0  # how long the kernel tries to start a command

UNREADABLE = Row(
    Refused, "Lambda cannot read the request to {it} ({message})", "check the endpoint, or a proxy in between"
)
TOO_LARGE = Row(
    Refused,
    "the cell is too large for {it}: {size} bytes as JSON, and Lambda takes at most {limit}",
    "split it into several cells, or fetch the data inside Lambda, for example from S3",
    "split it into several cells",
)
LATER = Row(
    NotReady, "{it} is not ready ({message})", "wait a moment, or look at its state with `lambda-kernel status`"
)
CODE = Row(Refused, "Lambda cannot run the code of {it} ({message})", "deploy it again with `lambda-kernel deploy`")
SNAPSHOT = Row(
    Refused, "Lambda cannot restore the snapshot of {it} ({message})", "publish a new version, or turn SnapStart off"
)
KMS = Row(
    Refused,
    "Lambda cannot decrypt the environment variables of {it} ({message})",
    "check its KMS key, and that its execution role allows kms:Decrypt",
)
VPC = Row(
    Refused,
    "Lambda cannot connect {it} to its VPC ({message})",
    "check its subnets, its security groups and its execution role",
)
MOUNT = Row(
    Refused,
    "Lambda cannot mount the file system of {it} ({message})",
    "check its mount target, its access point and its execution role",
)
BROKEN = Row(
    Unanswered,
    "Lambda failed at {it} ({message})",
    "try again later, and see https://health.aws.amazon.com for outages",
)
DENIED = Row(
    AccessDenied,
    "access denied: the caller lacks {action} on {it} ({message})",
    "ask for that permission, or use another profile",
)
KEYS = Row(
    BadCredentials,
    "AWS does not accept the credentials for {it} ({message})",
    "check the profile, that the keys are active, and this machine's clock",
    ENGINES_KEYS,
)
EXPIRED = Row(BadCredentials, "the AWS credentials for {it} have expired", "{renew}", ENGINES_KEYS)
PROXY = Row(Unreachable, "the proxy needs a user name and a password for {it} ({message})", "put them into HTTPS_PROXY")
NOT_HERE = Row(
    Refused, "the endpoint for {it} is not Lambda's ({message})", "check --endpoint-url and AWS_ENDPOINT_URL_LAMBDA"
)
OTHER_REGION = Row(
    Refused,
    "Lambda cannot reach {it}, which is in another region ({message})",
    "name that region with --region, and no endpoint in another region",
)
# For runtimes that customers manage (botocore 1.44.8).
RUNTIME = Row(
    Refused,
    "the runtime of {it} has been deleted ({message})",
    "give the function another runtime version or alias, or deploy it again with `lambda-kernel deploy`",
)
UNKNOWN = Row(Refused, "Lambda refused {it} ({code}: {message})", "see the whole answer with `%status --verbose`")
THROTTLE = Row(
    Throttled, "Lambda throttled {it}: {reason}", "{remedy}", "wait until another cell on the local emulator has ended"
)
# Operations that botocore calls to get credentials.
KEY_SOURCES = ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials", "CreateToken")
# STS or another source of credentials has refused.
NO_KEYS = Row(
    BadCredentials,
    "cannot get AWS credentials for {it} ({operation}: {code}: {message})",
    "check the profile, its role, and the profile that assumes the role",
)


def each(codes: str, row: Row) -> dict[str, Row]:
    return dict.fromkeys(codes.split(), row)


# What matters is whether the function has run. Refused and its subclasses mean that it has not. The model's 5xx, 403
# and 408 come while the environment is made. EFSIOException may come in the middle of a command.
CODES: Mapping[str, Row] = MappingProxyType(
    {
        "ResourceNotFoundException": Row(
            Refused,
            "no function named {it}",
            "name another one with %use, or run `lambda-kernel deploy`",
            "name another one with %use",
        ),
        "InvalidParameterValueException": Row(
            Refused, "Lambda does not accept the request to {it} ({message})", "check the function's name and version"
        ),
        **each("InvalidRequestContentException UnsupportedMediaTypeException", UNREADABLE),
        **each("RequestTooLargeException RequestEntityTooLargeException RequestEntityTooLarge", TOO_LARGE),
        **each("SerializedRequestEntityTooLargeException 413", TOO_LARGE),
        "ServiceQuotaExceededException": Row(
            Refused, "{it} is over a quota of the account ({message})", "ask for more in the Service Quotas console"
        ),
        "NoPublishedVersionException": Row(
            Refused, "{it} has no published version", "publish one, or name the function without a version"
        ),
        "ModeNotSupportedException": Row(
            Refused, "{it} cannot be invoked synchronously ({message})", "name another one with %use"
        ),
        "RecursiveInvocationException": Row(
            Refused, "Lambda has stopped {it}, because it invokes itself ({message})", "end the loop, and try again"
        ),
        "DurableExecutionAlreadyStartedException": Row(
            Refused, "{it} is a durable function, which cannot run a shell ({message})", "name another one with %use"
        ),
        **each("CodeArtifactUserPendingException CodeArtifactUserDeletedException", LATER),
        **each(
            "SnapStartNotReadyException ENINotReadyException ResourceNotReadyException EC2ThrottledException", LATER
        ),
        **each("CodeArtifactUserFailedException InvalidRuntimeException InvalidZipFileException", CODE),
        **each("RuntimeAliasDeletedException RuntimeVersionDeletedException", RUNTIME),
        **each("SnapStartException SnapStartTimeoutException SnapStartRegenerationFailureException", SNAPSHOT),
        **each("KMSAccessDeniedException KMSDisabledException KMSInvalidStateException KMSNotFoundException", KMS),
        **each("EC2AccessDeniedException EC2UnexpectedException ENILimitReachedException", VPC),
        **each("InvalidSecurityGroupIDException InvalidSubnetIDException SubnetIPAddressLimitReachedException", VPC),
        **each("EFSMountConnectivityException EFSMountFailureException EFSMountTimeoutException", MOUNT),
        **each("S3FilesMountConnectivityException S3FilesMountFailureException S3FilesMountTimeoutException", MOUNT),
        "EFSIOException": Row(
            Unanswered,
            "{it} could not read or write its file system ({message})",
            "check the file system, and try again",
        ),
        **each("ServiceException InternalFailure InternalServerError InternalError", BROKEN),
        **each("ServiceUnavailable ServiceUnavailableException 500 502 503 504", BROKEN),
        **each("AccessDeniedException AccessDenied UnauthorizedOperation NotAuthorized", DENIED),
        **each("ExpiredTokenException ExpiredToken", EXPIRED),
        **each("UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId NotAuthorizedException", KEYS),
        **each("InvalidSignatureException SignatureDoesNotMatch RequestExpired RequestTimeTooSkewed", KEYS),
        **each("IncompleteSignature IncompleteSignatureException AuthFailure", KEYS),
        **each("MissingAuthenticationToken MissingAuthenticationTokenException", KEYS),
        "OptInRequired": Row(
            Refused,
            "the account cannot use Lambda{where} for {it} ({message})",
            "enable the region, or name another one",
        ),
        "407": PROXY,
        **each("UnknownOperationException 404 405", NOT_HERE),
    }
)
THROTTLES = (
    *("TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException"),
    *("RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "SlowDown"),
)
# By Reason: what is used up, and what to do.
REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ConcurrentInvocationLimitExceeded": (
            "all concurrent executions of the account are in use (a new account has 10)",
            "wait until other functions have ended, or ask for more in the Service Quotas console",
        ),
        "ReservedFunctionConcurrentInvocationLimitExceeded": (
            "all of its reserved concurrency is in use",
            "wait until its other invocations have ended, or raise its reserved concurrency",
        ),
        "FunctionInvocationRateLimitExceeded": (
            "it is invoked more than ten times a second for each concurrent execution",
            "wait a moment, or run fewer cells at once",
        ),
        "ReservedFunctionInvocationRateLimitExceeded": (
            "it is invoked more than ten times a second for each execution of its reserved concurrency",
            "wait a moment, or raise its reserved concurrency",
        ),
        "CallerRateLimitExceeded": (
            "the caller sends too many requests",
            "wait a moment, or find out what else calls Lambda with these credentials",
        ),
        "ConcurrentSnapshotCreateLimitExceeded": (
            "too many SnapStart snapshots are being made in the account",
            "wait until they are finished",
        ),
    }
)
# By Reason: whose limit it is.
LIMITS: Mapping[str, str] = MappingProxyType(
    {
        "ConcurrentInvocationLimitExceeded": "the account's limit",
        "ReservedFunctionConcurrentInvocationLimitExceeded": "the function's reserved concurrency",
    }
)
# "Rate exceeded", without a Reason: 2,500 environments for every 1,000 concurrent executions
# (https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html).
TENANTS = (
    "perhaps all its tenant-isolated environments are in use (25 in an account with 10 concurrent executions)",
    "shut down other kernels, and wait until Lambda has ended idle environments",
)
STATE = re.compile(r"following state: (\w+)")
STATES: Mapping[str, Row] = MappingProxyType(
    each(
        "Failed Deactivating Deactivated ActiveNonInvocable Deleting",
        Row(Refused, "{it} is in state {state}", "see why with `lambda-kernel status`, then deploy it again"),
    )
)
ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


def refused(
    response: Mapping[str, Any], context: ErrorContext, operation: str = "Invoke", left: bool | None = None
) -> KernelError:
    """Our error for an API error, as botocore has parsed it.

    left: whether the invocation had left this machine. If not, the error comes from the source of the credentials.
    """
    details = response.get("Error", {})
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(details.get("Code") or status).partition(":")[0]
    message = clean(details.get("Message") or f"HTTP status {status}")
    row, words = rule(code, status, message, response, context)
    action = ACTION.search(message)
    asked_for_keys = left is False or operation in KEY_SOURCES
    if asked_for_keys and (not issubclass(row.kind, BadCredentials) or (row is DENIED and not action)):
        row = NO_KEYS
    known = {"message": message, "code": code, "operation": operation}
    text = context.sentence(row, **known, action=action[1] if action else "lambda:InvokeFunction", **words)
    return throttled(text, response, context) if row.kind is Throttled else row.kind(text)


def throttled(text: str, response: Mapping[str, Any], context: ErrorContext) -> Throttled:
    reason = str(response.get("Reason") or "")
    if context.tenant and not reason:
        return Throttled(text, seconds(response), "perhaps the quota of tenants' environments", quota=True)
    if context.local:
        return Throttled(text, seconds(response), "the local emulator's limit")
    return Throttled(text, seconds(response), LIMITS.get(reason, "Lambda's limit"))


def rule(
    code: str, status: int, message: str, response: Mapping[str, Any], context: ErrorContext
) -> tuple[Row, Mapping[str, str]]:
    """The row of an error, and further words for its sentence."""
    if code in THROTTLES or status == 429:
        used_up, remedy = reason(response, message, context)
        return THROTTLE, {"reason": used_up, "remedy": remedy}
    if code == "InvalidParameterValueException" and "tenan" in message.lower():
        return CODES[code]._replace(kind=WrongTenancy), {}
    if code == "ResourceNotFoundException" and "not reachable in this region" in message:
        return OTHER_REGION, {}
    if code == "ResourceConflictException":
        state = STATE.search(message)
        return (STATES.get(state[1], LATER), {"state": state[1]}) if state else (LATER, {})
    # A client error (4xx) comes before the function runs. A server error may come after.
    return CODES.get(code, UNKNOWN if 300 <= status < 500 else BROKEN), {}


def reason(response: Mapping[str, Any], message: str, context: ErrorContext) -> tuple[str, str]:
    """What is used up, and what to do."""
    code = str(response.get("Reason") or "")
    if code in REASONS:
        return REASONS[code]
    if context.tenant and not code:
        return TENANTS
    return code or message, "wait a moment"


def seconds(response: Mapping[str, Any]) -> float:
    """How long Lambda asks to wait. It is a header, so it can be any text."""
    header = str(response.get("retryAfterSeconds") or "")
    return min(float(header), AFTER_SECONDS) if header.isascii() and header.isdecimal() else 0.0
