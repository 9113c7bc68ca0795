"""AWS's control plane as the commands use it: some dozen calls, and what they return as plain data.

The only module here that knows boto3's shapes.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .. import aws
from ..place import Place
from .problems import DeployError, Missing, asking
from .template import Mark, read_mark

LAYER_DESCRIPTION = "lambda-kernel tools "
STACK_PREFIX = "lambda-kernel-"
CHANGE_SET_PREFIX = "lambda-kernel-"
REVIEW = "REVIEW_IN_PROGRESS"
UNTOUCHED = datetime.timedelta(seconds=10)  # how far the clocks of AWS's services may be apart


class Client(Protocol):
    """A boto3 client, as far as this module goes."""

    def __getattr__(self, call: str) -> Any: ...


@dataclass(frozen=True)
class Clients:
    """boto3's clients for the three services, and their region."""

    cloudformation: Client
    functions: Client
    logs: Client
    region: str


@dataclass(frozen=True)
class Stack:
    """A stack as it is. mark: None when it was not made by us; begun: whether it has never been more than a change set,
    and that one of ours, so that it holds nothing and may have no description yet."""

    name: str
    id: str
    status: str
    parameters: Mapping[str, str]
    mark: Mark | None
    begun: bool = False

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def ours(self) -> bool:
        return self.mark is not None or self.begun


@dataclass(frozen=True)
class Event:
    """What CloudFormation did to one resource, or to the stack itself."""

    id: str
    time: datetime.datetime
    status: str
    resource: str
    type: str
    reason: str
    of_stack: bool


@dataclass(frozen=True)
class Function:
    """A function as Lambda describes it. stack: the name of the stack that made it, as its tags say."""

    name: str
    state: str
    reason: str
    update: str
    memory_mb: int
    timeout_s: int
    storage_mb: int
    architecture: str
    isolated: bool
    modified: datetime.datetime
    code_sha256: str
    stack: str | None


@dataclass(frozen=True)
class Change:
    """A line of a change set's summary."""

    action: str
    resource: str
    type: str
    replaced: bool
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """A version of one."""

    arn: str
    version: int
    description: str


def make_clients(region: str | None, profile: str | None, endpoint_url: str | None) -> Clients:
    """The one place that makes clients. region None: as the usual AWS settings say."""
    from botocore.config import Config

    place = Place("", region or "", profile)
    config = Config(user_agent_extra="lambda-kernel", retries={"mode": "standard"}, connect_timeout=10)
    with asking("cloudformation:DescribeStacks", region or ""):
        session = aws.make_session(place, profile, region, prompter=aws.on_the_terminal(place, profile))
        made: list[Any] = [
            session.client(service, endpoint_url=endpoint_url, config=config)
            for service in ("cloudformation", "lambda", "logs")
        ]
    return Clients(made[0], made[1], made[2], str(made[0].meta.region_name))


def code_zip(code: str) -> bytes:
    """The function's package. Stored, not compressed: the same bytes wherever it is made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo("index.py")
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, code)
    return file.getvalue()


def sha256(data: bytes) -> str:
    """As Lambda writes a package's hash."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class Cloud:
    """The calls. Each raises DeployError."""

    def __init__(self, clients: Clients) -> None:
        self.clients, self.region = clients, clients.region

    def stack(self, name: str) -> Stack | None:
        """By name or id; None where there is none (a deleted stack is found by its id)."""
        try:
            with asking("cloudformation:DescribeStacks", self.region):
                answer = self.clients.cloudformation.describe_stacks(StackName=name)
        except Missing:
            return None
        stack = self._stack(answer["Stacks"][0])
        return replace(stack, begun=self._begun(stack.name)) if stack.status == REVIEW else stack

    def our_stacks(self) -> Iterator[Stack]:
        for page in self._pages("describe_stacks", "cloudformation:DescribeStacks"):
            for told in page["Stacks"]:
                likely = told.get("Description") or told["StackName"].startswith(STACK_PREFIX)
                stack = self._stack(told) if likely else None
                if stack and stack.mark:
                    yield stack

    def _stack(self, told: dict[str, Any]) -> Stack:
        parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in told.get("Parameters", [])}
        mark = read_mark(told.get("Description") or self._description(told))
        return Stack(told["StackName"], told["StackId"], told["StackStatus"], parameters, mark)

    def _begun(self, stack: str) -> bool:
        if stack.startswith(STACK_PREFIX):
            return True
        pages = self._pages("list_change_sets", "cloudformation:ListChangeSets", StackName=stack)
        return all(one["ChangeSetName"].startswith(CHANGE_SET_PREFIX) for page in pages for one in page["Summaries"])

    def _description(self, told: dict[str, Any]) -> str:
        """As the template has it: some emulators leave it out elsewhere."""
        for line in self.body(told["StackId"]).splitlines()[:3]:
            if line.startswith("Description: "):
                return line.removeprefix("Description: ").strip('"')
        return ""

    def body(self, stack: str) -> str:
        """The stack's template as it was sent, if it was YAML; else empty."""
        try:
            with asking("cloudformation:GetTemplate", self.region):
                body = self.clients.cloudformation.get_template(StackName=stack, TemplateStage="Original")
        except Missing:
            return ""
        text = body.get("TemplateBody", "")
        return text if isinstance(text, str) else ""

    def events(self, stack: str) -> Iterator[Event]:
        """The newest first."""
        for page in self._pages("describe_stack_events", "cloudformation:DescribeStackEvents", StackName=stack):
            for told in page["StackEvents"]:
                yield _event(told)

    def settled(self, stack: str) -> datetime.datetime | None:
        """When CloudFormation was last done with a stack."""
        return next((event.time for event in self.events(stack) if event.of_stack), None)

    def create_change_set(
        self, stack: str, name: str, body: str, parameters: list[dict[str, Any]], create: bool
    ) -> tuple[str, str]:
        """Its stack's id and its own. One that makes a stack leaves nothing behind when it fails."""
        more = {"OnStackFailure": "DELETE"} if create else {}
        with asking("cloudformation:CreateChangeSet", self.region):
            answer = self.clients.cloudformation.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType="CREATE" if create else "UPDATE",
                TemplateBody=body,
                Parameters=parameters,
                Capabilities=["CAPABILITY_IAM"],
                **more,
            )
        return str(answer["StackId"]), str(answer["Id"])

    def change_set(self, change_set: str) -> tuple[str, str, list[Change]]:
        """Its status, the reason of that, and what it would change."""
        with asking("cloudformation:DescribeChangeSet", self.region):
            told = self.clients.cloudformation.describe_change_set(ChangeSetName=change_set)
        changes = [_change(one["ResourceChange"]) for one in told.get("Changes", []) if "ResourceChange" in one]
        return told["Status"], told.get("StatusReason", ""), changes

    def execute_change_set(self, change_set: str) -> None:
        with asking("cloudformation:ExecuteChangeSet", self.region):
            self.clients.cloudformation.execute_change_set(ChangeSetName=change_set)

    def delete_change_set(self, change_set: str) -> None:
        with asking("cloudformation:DeleteChangeSet", self.region):
            self.clients.cloudformation.delete_change_set(ChangeSetName=change_set)

    def delete_stack(self, stack: str) -> None:
        with asking("cloudformation:DeleteStack", self.region):
            self.clients.cloudformation.delete_stack(StackName=stack)

    def function(self, name: str) -> Function | None:
        try:
            with asking("lambda:GetFunction", self.region):
                told = self.clients.functions.get_function(FunctionName=name)
        except Missing:
            return None
        return _function(told)

    def restore_code(self, function: str, package: bytes, architecture: str) -> None:
        with asking("lambda:UpdateFunctionCode", self.region):
            self.clients.functions.update_function_code(
                FunctionName=function, ZipFile=package, Architectures=[architecture]
            )

    def restore_configuration(self, function: str, settings: Mapping[str, Any]) -> None:
        with asking("lambda:UpdateFunctionConfiguration", self.region):
            self.clients.functions.update_function_configuration(FunctionName=function, **settings)

    def has_log_group(self, name: str) -> bool:
        """False where the caller may not look: CloudFormation finds out by itself, later."""
        try:
            with asking("logs:DescribeLogGroups", self.region):
                answer = self.clients.logs.describe_log_groups(logGroupNamePrefix=name)
        except DeployError:
            return False
        return any(group["logGroupName"] == name for group in answer["logGroups"])

    def tools(self, layer: str) -> list[Layer]:
        """The versions of a layer that --tools published, the newest first."""
        found = []
        try:
            for page in self._pages("list_layer_versions", "lambda:ListLayerVersions", LayerName=layer):
                found += [_layer(told) for told in page.get("LayerVersions", [])]
        except Missing:
            return []
        return [one for one in found if one.description.startswith(LAYER_DESCRIPTION)]

    def publish(self, layer: str, archive: bytes, architecture: str, digest: str) -> str:
        """The ARN of the new version."""
        with asking("lambda:PublishLayerVersion", self.region):
            answer = self.clients.functions.publish_layer_version(
                LayerName=layer,
                Description=LAYER_DESCRIPTION + digest,
                Content={"ZipFile": archive},
                CompatibleArchitectures=[architecture],
            )
        return str(answer["LayerVersionArn"])

    def delete_layer(self, layer: str, version: int) -> None:
        with asking("lambda:DeleteLayerVersion", self.region):
            self.clients.functions.delete_layer_version(LayerName=layer, VersionNumber=version)

    def _pages(self, call: str, action: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        client = self.clients.functions if action.startswith("lambda:") else self.clients.cloudformation
        token = "Marker" if client is self.clients.functions else "NextToken"
        more: dict[str, Any] = {}
        while True:
            with asking(action, self.region):
                page = getattr(client, call)(**arguments, **more)
            yield page
            following = page.get("NextMarker" if token == "Marker" else token)
            if not following:
                return
            more = {token: following}


def _event(told: dict[str, Any]) -> Event:
    return Event(
        told["EventId"],
        told["Timestamp"],
        told.get("ResourceStatus", ""),
        told.get("LogicalResourceId", ""),
        told.get("ResourceType", ""),
        told.get("ResourceStatusReason", ""),
        told.get("PhysicalResourceId") == told["StackId"],
    )


def _change(told: dict[str, Any]) -> Change:
    names = {detail.get("Target", {}).get("Name") for detail in told.get("Details", [])}
    return Change(
        told.get("Action", ""),
        told.get("LogicalResourceId", ""),
        told.get("ResourceType", ""),
        told.get("Replacement") == "True",
        tuple(sorted(name for name in names if name)),
    )


def _function(told: dict[str, Any]) -> Function:
    settings = told["Configuration"]
    return Function(
        name=settings["FunctionName"],
        state=settings.get("State", "Active"),
        reason=settings.get("StateReason", ""),
        update=settings.get("LastUpdateStatus", "Successful"),
        memory_mb=settings.get("MemorySize", 128),
        timeout_s=settings.get("Timeout", 3),
        storage_mb=settings.get("EphemeralStorage", {}).get("Size", 512),
        architecture=_first(settings.get("Architectures"), "x86_64"),
        isolated=settings.get("TenancyConfig", {}).get("TenantIsolationMode") == "PER_TENANT",
        modified=parse_time(settings["LastModified"]),
        code_sha256=settings.get("CodeSha256", ""),
        stack=told.get("Tags", {}).get("aws:cloudformation:stack-name"),
    )


def _layer(told: dict[str, Any]) -> Layer:
    return Layer(told["LayerVersionArn"], told["Version"], told.get("Description", ""))


def _first(values: Iterable[str] | None, default: str) -> str:
    return next(iter(values or ()), default)


def parse_time(text: str) -> datetime.datetime:
    """Lambda's times, such as 2026-11-23T19:51:09.481+0000; before Python 3.11 fromisoformat reads none of them."""
    return datetime.datetime.strptime(f"{text[:19]}+0000", "%Y-%m-%dT%H:%M:%S%z")
