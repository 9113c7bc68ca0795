"""Calls AWS's control plane, and returns plain data. This is the only module of the package that knows boto3's
answers."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ...aws import boto_session
from ...aws.error_text import ErrorContext
from . import template
from .problems import DeployError, Missing, asking
from .stack_options import DEFAULT_OPTIONS, StackOptions
from .template import Mark, read_mark

LAYER_DESCRIPTION = "lambda-kernel tools "
STACK_PREFIX = "lambda-kernel-"
CHANGE_SET_PREFIX = "lambda-kernel-"
REVIEW = "REVIEW_IN_PROGRESS"
UNTOUCHED = datetime.timedelta(seconds=10)  # how far apart the clocks of AWS's services may be


class Client(Protocol):
    """A boto3 client."""

    def __getattr__(self, call: str) -> Any: ...


@dataclass(frozen=True)
class Clients:
    """boto3's clients for the three services, and their region. make: one for another service, with the same session,
    so that no second MFA code is asked for."""

    cloudformation: Client
    functions: Client
    logs: Client
    region: str
    make: Callable[[str], Client]


@dataclass(frozen=True)
class Stack:
    """A stack. mark: None if it is not ours.

    begun: whether it consists only of a change set of ours. It is then empty, and may have no description yet.
    """

    name: str
    id: str
    status: str
    parameters: Mapping[str, str]
    mark: Mark | None
    begun: bool = False
    options: StackOptions = DEFAULT_OPTIONS

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def ours(self) -> bool:
        return self.mark is not None or self.begun


@dataclass(frozen=True)
class Event:
    """What CloudFormation did with a resource or the stack."""

    id: str
    time: datetime.datetime
    status: str
    resource: str
    type: str
    reason: str
    of_stack: bool


@dataclass(frozen=True)
class Function:
    """A function. stack: the stack that created it, according to its tags. variables: None if they cannot be read."""

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
    runtime: str = template.Parameters.runtime
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Change:
    """A change of one resource in a change set."""

    action: str
    resource: str
    type: str
    replaced: bool
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """A version of a layer."""

    arn: str
    version: int
    description: str


def make_clients(region: str | None, profile: str | None, endpoint_url: str | None) -> Clients:
    """Make the clients. region None: as the usual AWS settings say."""
    from botocore.config import Config

    context = ErrorContext("", region or "", profile)
    config = Config(user_agent_extra="lambda-kernel", retries={"mode": "standard"}, connect_timeout=10)

    def make(service: Any) -> Any:
        return session.client(service, endpoint_url=endpoint_url, config=config)

    with asking("cloudformation:DescribeStacks", region or ""):
        session = boto_session.make_session(
            context, profile, region, prompter=boto_session.on_the_terminal(context, profile)
        )
        made = [make(service) for service in ("cloudformation", "lambda", "logs")]
    return Clients(made[0], made[1], made[2], str(made[0].meta.region_name), make)


def code_zip(code: str, name: str = "index.py") -> bytes:
    """The function's package. It is not compressed, so that its bytes are the same everywhere."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, code)
    return file.getvalue()


def sha256(data: bytes) -> str:
    """A package's hash in Lambda's form."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class Cloud:
    """The calls. Each raises DeployError."""

    def __init__(self, clients: Clients) -> None:
        self.clients, self.region = clients, clients.region

    def stack(self, name: str) -> Stack | None:
        """Find a stack by name or id. A deleted stack is found by its id only."""
        try:
            with asking("cloudformation:DescribeStacks", self.region):
                answer = self.clients.cloudformation.describe_stacks(StackName=name)
        except Missing:
            return None
        stack = self._stack(answer["Stacks"][0])
        return replace(stack, begun=self._begun(stack.name)) if stack.status == REVIEW else stack

    def our_stacks(self) -> Iterator[Stack]:
        for page in self._pages("describe_stacks", "cloudformation:DescribeStacks"):
            for data in page["Stacks"]:
                likely = data.get("Description") or data["StackName"].startswith(STACK_PREFIX)
                stack = self._stack(data) if likely else None
                if stack and stack.mark:
                    yield stack

    def _stack(self, data: dict[str, Any]) -> Stack:
        parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in data.get("Parameters", [])}
        mark = read_mark(data.get("Description") or self._description(data))
        options = StackOptions({one["Key"]: one["Value"] for one in data.get("Tags", [])}, data.get("RoleARN") or "")
        return Stack(data["StackName"], data["StackId"], data["StackStatus"], parameters, mark, options=options)

    def _begun(self, stack: str) -> bool:
        if stack.startswith(STACK_PREFIX):
            return True
        pages = self._pages("list_change_sets", "cloudformation:ListChangeSets", StackName=stack)
        return all(one["ChangeSetName"].startswith(CHANGE_SET_PREFIX) for page in pages for one in page["Summaries"])

    def _description(self, data: dict[str, Any]) -> str:
        """From the template, since some emulators do not return it elsewhere."""
        for line in self.body(data["StackId"]).splitlines()[:3]:
            if line.startswith("Description: "):
                return line.removeprefix("Description: ").strip('"')
        return ""

    def body(self, stack: str) -> str:
        """The stack's template as it was sent. Empty if it was not YAML."""
        try:
            with asking("cloudformation:GetTemplate", self.region):
                body = self.clients.cloudformation.get_template(StackName=stack, TemplateStage="Original")
        except Missing:
            return ""
        text = body.get("TemplateBody", "")
        return text if isinstance(text, str) else ""

    def events(self, stack: str) -> Iterator[Event]:
        """Events, the newest first."""
        for page in self._pages("describe_stack_events", "cloudformation:DescribeStackEvents", StackName=stack):
            for data in page["StackEvents"]:
                yield _event(data)

    def settled(self, stack: str) -> datetime.datetime | None:
        """When CloudFormation last finished an operation on a stack."""
        return next((event.time for event in self.events(stack) if event.of_stack), None)

    def create_change_set(
        self,
        stack: str,
        name: str,
        body: str,
        parameters: list[dict[str, Any]],
        *,
        create: bool,
        options: StackOptions,
        before: StackOptions = DEFAULT_OPTIONS,
    ) -> tuple[str, str]:
        """Returns the ids of the stack and of the change set. A stack whose creation fails is deleted.

        before: the options that the stack has.
        """
        more = {"OnStackFailure": "DELETE"} if create else {}
        with asking("cloudformation:CreateChangeSet", self.region):
            answer = self.clients.cloudformation.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType="CREATE" if create else "UPDATE",
                TemplateBody=body,
                Parameters=parameters,
                Capabilities=["CAPABILITY_IAM"],
                **options.arguments(before),
                **more,
            )
        return str(answer["StackId"]), str(answer["Id"])

    def change_set(self, change_set: str) -> tuple[str, str, list[Change]]:
        """Its status, the reason for it, and its changes."""
        with asking("cloudformation:DescribeChangeSet", self.region):
            data = self.clients.cloudformation.describe_change_set(ChangeSetName=change_set)
        changes = [_change(one["ResourceChange"]) for one in data.get("Changes", []) if "ResourceChange" in one]
        return data["Status"], data.get("StatusReason", ""), changes

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
                data = self.clients.functions.get_function(FunctionName=name)
        except Missing:
            return None
        return _function(data)

    def upload(self, bucket: str, key: str, package: bytes) -> None:
        with asking("s3:PutObject", self.region):
            self.clients.make("s3").put_object(Bucket=bucket, Key=key, Body=package)

    def restore_code(self, function: str, package: Mapping[str, Any], architecture: str) -> None:
        with asking("lambda:UpdateFunctionCode", self.region):
            self.clients.functions.update_function_code(FunctionName=function, Architectures=[architecture], **package)

    def restore_configuration(self, function: str, settings: Mapping[str, Any]) -> None:
        with asking("lambda:UpdateFunctionConfiguration", self.region):
            self.clients.functions.update_function_configuration(FunctionName=function, **settings)

    def has_log_group(self, name: str) -> bool:
        """False also if the caller lacks the permission: CloudFormation will find out later."""
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
                found += [_layer(data) for data in page.get("LayerVersions", [])]
        except Missing:
            return []
        return [one for one in found if one.description.startswith(LAYER_DESCRIPTION)]

    def publish(self, layer: str, archive: bytes, architectures: Sequence[str], digest: str) -> str:
        """The ARN of the new version."""
        with asking("lambda:PublishLayerVersion", self.region):
            answer = self.clients.functions.publish_layer_version(
                LayerName=layer,
                Description=LAYER_DESCRIPTION + digest,
                Content={"ZipFile": archive},
                CompatibleArchitectures=architectures,
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


def _event(data: dict[str, Any]) -> Event:
    return Event(
        data["EventId"],
        data["Timestamp"],
        data.get("ResourceStatus", ""),
        data.get("LogicalResourceId", ""),
        data.get("ResourceType", ""),
        data.get("ResourceStatusReason", ""),
        data.get("PhysicalResourceId") == data["StackId"],
    )


def _change(data: dict[str, Any]) -> Change:
    names = {detail.get("Target", {}).get("Name") for detail in data.get("Details", [])}
    return Change(
        data.get("Action", ""),
        data.get("LogicalResourceId", ""),
        data.get("ResourceType", ""),
        data.get("Replacement") == "True",
        tuple(sorted(name for name in names if name)),
    )


def _function(data: dict[str, Any]) -> Function:
    settings = data["Configuration"]
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
        stack=data.get("Tags", {}).get("aws:cloudformation:stack-name"),
        runtime=settings.get("Runtime", template.Parameters.runtime),
        variables=_variables(settings.get("Environment", {})),
    )


def _variables(data: dict[str, Any]) -> dict[str, str] | None:
    """Without a permission for the key there is an error in their place."""
    return None if "Error" in data else dict(data.get("Variables", {}))


def _layer(data: dict[str, Any]) -> Layer:
    return Layer(data["LayerVersionArn"], data["Version"], data.get("Description", ""))


def _first(values: Iterable[str] | None, default: str) -> str:
    return next(iter(values or ()), default)


def parse_time(text: str) -> datetime.datetime:
    """Lambda's times, such as 2026-11-23T19:51:09.481+0000; before Python 3.11 fromisoformat reads none of them."""
    return datetime.datetime.strptime(f"{text[:19]}+0000", "%Y-%m-%dT%H:%M:%S%z")
