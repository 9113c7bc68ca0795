"""What goes wrong between a command and AWS's control plane, as one sentence each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from ..errors import BadCredentials, KernelError
from ..failures import mapped_errors
from ..refusals import CODES, KEY_SOURCES

ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
# ChangeSetNotFound: one that is executed takes a stack's others with it.
CAME_LATE = (
    *("AlreadyExistsException", "InvalidChangeSetStatus", "OperationInProgressException"),
    *("ChangeSetNotFound", "ChangeSetNotFoundException"),
)
TAKEN = ("_IN_PROGRESS state", "already exists and cannot be created again")


class DeployError(KernelError):
    """A command that cannot be done; its text is one that users see. line: a command to paste, which helps."""

    def __init__(self, message: str, line: str = "") -> None:
        super().__init__(message)
        self.line = line


class Missing(DeployError):
    """What was asked for is not there."""


class Busy(DeployError):
    """Another operation on the stack came first: look again."""


class Interrupted(DeployError):
    """Ctrl-C."""


@contextlib.contextmanager
def asking(action: str, region: str) -> Iterator[None]:
    """One call of AWS; action is its IAM name, such as cloudformation:DescribeStacks."""
    from botocore import exceptions as boto

    with mapped_errors("", region):
        try:
            yield
        except boto.ClientError as error:
            if about_credentials(error):
                raise
            raise client_error(error, action, region) from error
        except (boto.EndpointConnectionError, boto.InvalidRegionError) as error:
            raise DeployError(f"cannot reach AWS in {region}: {error}: {region_hint(region)}") from error


def about_credentials(error: Any) -> bool:
    """Which is the same whatever was asked for, so that mapped_errors has the sentence."""
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
    """The IAM action that a refusal names."""
    match = ACTION.search(message)
    return match[1] if match else None


def region_hint(region: str) -> str:
    """Only a hint: new regions come faster than boto3 is updated."""
    import boto3

    session = boto3.Session(region_name="us-east-1")
    known = [
        name for part in session.get_available_partitions() for name in session.get_available_regions("lambda", part)
    ]
    if region in known:
        return "check the network and --endpoint-url"
    return "boto3 knows no region of that name: check --region"
