"""CloudFormation and Lambda by a script, for states that no emulator gets into."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lambda_kernel.commands.deploy import template
from lambda_kernel.commands.deploy.cloud import Clients, Cloud
from lambda_kernel.commands.deploy.console import Console
from lambda_kernel.function.source import function_code

NAME = "lambda-kernel-shell"
STACK_ID = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{NAME}/1"
BEGIN = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.timezone.utc)
DESCRIPTION = f"lambda-kernel 0.1.0: a shell in AWS Lambda (code {template.code_hash(function_code())})"
SUMMARY = "AWS::Lambda::Function"
Happening = tuple[str, str, str]  # a resource ("" is the stack), its status, the reason


@dataclass
class FakeStack:
    """A stack whose operation goes on by a part with each poll.

    parts: a status of the stack and what happens until it has it. When it is polled beyond the last, nothing changes.
    """

    status: str | None = None
    parts: list[tuple[str, list[Happening]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    description: str = DESCRIPTION
    body: str = field(default_factory=template.template)
    parameters: dict[str, str] = field(default_factory=lambda: template.Parameters().values())
    changes: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""
    calls: list[str] = field(default_factory=list)
    busy: int = 0  # how many change sets are refused because somebody else was first
    running: bool = False

    def go_on(self) -> None:
        if self.running and self.parts:
            self.status, happenings = self.parts.pop(0)
            self.tell(happenings)

    def tell(self, happenings: Sequence[Happening]) -> None:
        for resource, status, reason in happenings:
            number = len(self.events)
            told = {
                "StackId": STACK_ID,
                "EventId": f"event-{number}",
                "Timestamp": BEGIN + datetime.timedelta(seconds=number),
                "LogicalResourceId": resource or NAME,
                "PhysicalResourceId": STACK_ID if not resource else f"physical-{resource}",
                "ResourceType": SUMMARY if resource else "AWS::CloudFormation::Stack",
                "ResourceStatus": status,
            }
            self.events.insert(0, told | ({"ResourceStatusReason": reason} if reason else {}))

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        if self.status is None:
            raise refused("ValidationError", f"Stack with id {NAME} does not exist")
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        told = {"StackName": NAME, "StackId": STACK_ID, "StackStatus": self.status, "Parameters": parameters}
        return {"Stacks": [told | {"Description": self.description}]}

    def describe_stack_events(self, **given: Any) -> dict[str, Any]:
        """Two a page."""
        at = int(given.get("NextToken", 0))
        if not at:
            self.go_on()
        more = {"NextToken": str(at + 2)} if at + 2 < len(self.events) else {}
        return {"StackEvents": self.events[at : at + 2], **more}

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": self.body}

    def create_change_set(self, **given: Any) -> dict[str, Any]:
        self.calls.append(f"create change set {given['ChangeSetType']}")
        if self.busy:
            self.busy -= 1
            raise refused("ValidationError", f"Stack:{STACK_ID} is in UPDATE_IN_PROGRESS state and can not be updated.")
        return {"StackId": STACK_ID, "Id": "change-set"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        if self.refusal:
            return {"Status": "FAILED", "StatusReason": self.refusal}
        return {"Status": "CREATE_COMPLETE", "Changes": self.changes}

    def execute_change_set(self, **_: Any) -> None:
        self.calls.append("execute change set")
        self.running = True

    def delete_change_set(self, **_: Any) -> None:
        self.calls.append("delete change set")

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete stack")
        self.running = True


@dataclass
class FakeFunctions:
    """Lambda. states: what get_function says, one after the other, the last again and again; none: no function."""

    states: list[dict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def get_function(self, **_: Any) -> dict[str, Any]:
        if not self.states:
            raise refused("ResourceNotFoundException", "Function not found: shell")
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Configuration": {**CONFIGURATION, **state}, "Tags": {"aws:cloudformation:stack-name": NAME}}

    def list_layer_versions(self, **_: Any) -> dict[str, Any]:
        return {"LayerVersions": []}


CONFIGURATION = {
    "FunctionName": "shell",
    "LastModified": "2026-11-23T12:00:00.000+0000",
    "MemorySize": 128,
    "Timeout": 60,
    "CodeSha256": "CloudFormation's",
}


class NoLogs:
    def describe_log_groups(self, **_: Any) -> dict[str, Any]:
        return {"logGroups": []}


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def no_other(service: str) -> Any:
    raise AssertionError(f"nobody needs {service}")


def clients(stack: FakeStack, functions: FakeFunctions | None = None) -> Clients:
    return Clients(stack, functions or FakeFunctions(), NoLogs(), "eu-west-1", no_other)  # type: ignore[arg-type]


def cloud(stack: FakeStack, functions: FakeFunctions | None = None) -> Cloud:
    return Cloud(clients(stack, functions))


def console(**given: Any) -> tuple[Console, io.StringIO]:
    """One that nobody sits at, and what is printed on it."""
    out = io.StringIO()
    return Console(out=out, err=out, input=io.StringIO(), **given), out


class Sleeps(list[float]):
    """A sleep that takes no time. at: what happens instead of the n-th."""

    def __init__(self, at: int = -1, then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.at, self.then = at, then

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if self.then and len(self) == self.at:
            self.then()


def interrupt() -> None:
    raise KeyboardInterrupt
