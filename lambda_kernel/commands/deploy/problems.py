"""Errors of AWS's control plane, each as one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...aws import regions
from ...aws.api_errors import ACTION, CODES, KEY_SOURCES
from ...aws.client_errors import mapped_errors
from ...aws.error_text import ErrorContext
from ...errors import BadCredentials, KernelError

# ChangeSetNotFound: when a change set is executed, the stack's other change sets are deleted.
CAME_LATE = (
    *("AlreadyExistsException", "InvalidChangeSetStatus", "OperationInProgressException"),
    *("ChangeSetNotFound", "ChangeSetNotFoundException"),
)
TAKEN = ("_IN_PROGRESS state", "already exists and cannot be created again")


class DeployError(KernelError):
    """A command failed. Users see its text. line: a command to paste that helps."""

    def __init__(self, message: str, line: str = "") -> None:
        super().__init__(message)
        self.line = line


class Missing(DeployError):
    """The stack, function or layer does not exist."""


class Busy(DeployError):
    """Another operation on the stack came first."""


class Interrupted(DeployError):
    """Ctrl-C."""


@contextlib.contextmanager
def asking(action: str, region: str) -> Iterator[None]:
    """Around a call of AWS. action: its IAM name, such as cloudformation:DescribeStacks."""
    from botocore import exceptions as boto

    with mapped_errors(ErrorContext(region=region)):
        try:
            yield
        except boto.ClientError as error:
            if about_credentials(error):
                raise
            raise client_error(error, action, region) from error
        except (boto.EndpointConnectionError, boto.InvalidRegionError) as error:
            raise DeployError(f"cannot reach AWS in {region}: {error}: {region_hint(region)}") from error


def about_credentials(error: Any) -> bool:
    """Whether the error is about credentials: then mapped_errors has the sentence."""
    row = CODES.get(str(error.response.get("Error", {}).get("Code", "")))
    return (row is not None and row.kind is BadCredentials) or error.operation_name in KEY_SOURCES


def client_error(error: Any, action: str, region: str) -> DeployError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
    if code == "ResourceNotFoundException" or (code == "ValidationError" and "does not exist" in message):
        return Missing(message)
    if code in CAME_LATE or (code == "ValidationError" and any(words in message for words in TAKEN)):
        return Busy(message)
    if code.startswith("AccessDenied") or code == "UnauthorizedOperation":
        return DeployError(f"access denied in {region}: the caller needs {needed(message) or action} ({message})")
    return DeployError(f"AWS refused {action} in {region}: {code}: {message}")


def needed(message: str) -> str | None:
    """The IAM action that an error message names."""
    match = ACTION.search(message)
    return match[1] if match else None


def region_hint(region: str) -> str:
    """Only a hint, since new regions may be unknown to an older boto3."""
    if region in regions.known():
        return "check the network and --endpoint-url"
    return "boto3 does not know that region: check --region"
