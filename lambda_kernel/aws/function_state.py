"""What Lambda says of a function that a user names, before anything runs on it."""

from __future__ import annotations

from typing import Any

from ..errors import AccessDenied, BadSettings, KernelError, Unreachable, UsageError
from .client_errors import mapped_errors
from .error_text import ErrorContext, clean
from .target import Target
from .transport import make_client

SECONDS = 3.0  # how long a user waits for it
# By state, where a first cell does not simply run (botocore's model, State).
ADVICE = {
    "Pending": "Lambda is still making it, and the next cell waits for that",
    "Inactive": "Lambda makes it ready again at the next cell, which may fail once",
    "Failed": "Lambda could not make it, so deploy it again",
    **dict.fromkeys(("Deactivating", "Deactivated", "ActiveNonInvocable", "Deleting"), "deploy it again"),
}


def warning(target: Target, keys: tuple[str, str] | None) -> str:
    """What the user should know of the function. Empty also if AWS does not say, perhaps for want of the permission.

    keys: those that are stored for the target's endpoint. Raises UsageError if there is no such function.
    """
    try:
        return require(target, keys)
    except (BadSettings, Unreachable):
        return ""  # the first cell will say what is wrong


def require(target: Target, keys: tuple[str, str] | None) -> str:
    """As warning. Raises errors.KernelError also if no cell can run there: for want of credentials or settings, or
    since nobody answers."""
    context = ErrorContext(target.function, target.region or "", target.profile)
    try:
        with mapped_errors(context):
            client: Any = make_client(target.region, target.profile, target.endpoint_url, keys, read_timeout=SECONDS)
            configuration = client.get_function_configuration(FunctionName=target.function)
            client.close()
            return sentence(configuration)
    # botocore passes on exceptions from reading a bad answer.
    except (KernelError, AttributeError, TypeError) as error:
        if is_missing(error.__cause__):
            raise UsageError(str(error)) from error
        if isinstance(error, BadSettings | Unreachable) and not isinstance(error, AccessDenied):
            raise
        return ""


def sentence(configuration: dict[str, Any]) -> str:
    state, reason = str(configuration.get("State", "")), clean(configuration.get("StateReason", ""))
    why = f" ({reason})" if reason else ""
    return f"The function is {state}{why}: {ADVICE[state]}." if state in ADVICE else ""


def is_missing(error: BaseException | None) -> bool:
    from botocore.exceptions import ClientError

    return isinstance(error, ClientError) and error.response["Error"].get("Code") == "ResourceNotFoundException"
