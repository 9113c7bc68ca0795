"""The calls of Lambda's API that `deploy --like` makes. They return plain data, or raise DeployError."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cloud import Clients, Cloud
from ..problems import Busy, DeployError, Missing, asking
from . import marks
from .download import Fetch, fetch, names_in
from .package import LIMIT_BYTES, Package
from .settings import Function, Settings

EXTENSIONS = "extensions/"  # files of a layer that Lambda starts beside the runtime (Lambda, Extensions API)
# In what Lambda answers to a change of a function.
REFUSALS = (
    (
        re.compile("cannot be assumed"),
        (
            "Lambda may not assume the role {role} for {function}: its trust policy must name lambda.amazonaws.com, "
            "without a condition that only the original function meets"
        ),
    ),
    (
        re.compile("ross-account pass role"),
        "the role {role} is in another account, where {function} cannot have it: use credentials of that account",
    ),
    (
        re.compile("CodeVerificationFailed|InvalidCodeSignature|ode ?[sS]igning"),
        (
            "the code-signing configuration for {function} refuses code that is not signed, and the shell's is not "
            "({message}): ask whoever administers it, or use another account"
        ),
    ),
    (re.compile("Request[A-Za-z]*TooLarge"), "the package for {function} is too large for a request ({message})"),
    (re.compile("enanc"), "Lambda refuses tenant isolation for {function} ({message}): add --no-tenant-isolation"),
)


class Functions:
    """Lambda's functions in a region. fetch: reads a presigned URL.

    tools: the calls for the layers that `--tools` publishes.
    """

    def __init__(self, clients: Clients, fetch: Fetch = fetch) -> None:
        self.clients, self.fetch = clients, fetch
        self.region, self.tools = clients.region, Cloud(clients)

    def account(self) -> str:
        with asking("sts:GetCallerIdentity", self.region):
            return str(self.clients.make("sts").get_caller_identity()["Account"])

    def get(self, name: str, qualifier: str = "") -> Function | None:
        more = {"Qualifier": qualifier} if qualifier else {}
        try:
            with asking("lambda:GetFunction", self.region):
                data = self.clients.functions.get_function(FunctionName=name, **more)
        except Missing:
            return None
        return _function(data)

    def package(self, function: Function) -> bytes:
        """Its package. More than a request can hold is cut, which is enough to tell."""
        if int(function.config.get("CodeSize", 0)) > LIMIT_BYTES:
            raise DeployError(
                f"the package of {function.name} has {function.config['CodeSize']:,} bytes, and Lambda takes at most "
                f"{LIMIT_BYTES:,} in a request: add what `lambda-kernel deploy --like {function.name} --print code` "
                "prints to your package as lambda_kernel_shell.py, and deploy it your way with the handler "
                "lambda_kernel_shell.handler"
            )
        return self.fetch(function.location, 0, LIMIT_BYTES + 1)

    def signing(self, name: str) -> str:
        """The ARN of a function's code-signing configuration. Empty: it has none, or the caller may not ask."""
        try:
            with asking("lambda:GetFunctionCodeSigningConfig", self.region):
                found = self.clients.functions.get_function_code_signing_config(FunctionName=name)
        except DeployError:
            return ""
        return str(found.get("CodeSigningConfigArn") or "")

    def extensions(self, layer: str) -> list[str] | None:
        """The extensions in a layer. None: it cannot be looked into."""
        try:
            with asking("lambda:GetLayerVersion", self.region):
                content = self.clients.functions.get_layer_version_by_arn(Arn=layer)["Content"]
        except DeployError:
            return None
        names = names_in(content.get("Location", ""), content.get("CodeSize", 0), self.fetch)
        if names is None:
            return None
        return sorted(name.removeprefix(EXTENSIONS) for name in names if _is_extension(name))

    def ours(self) -> Iterator[str]:
        """The names of functions whose description is ours. Only their tags tell for sure."""
        more: dict[str, Any] = {}
        while True:
            with asking("lambda:ListFunctions", self.region):
                page = self.clients.functions.list_functions(**more)
            for config in page["Functions"]:
                if str(config.get("Description", "")).startswith(marks.DESCRIBED):
                    yield str(config["FunctionName"])
            if not page.get("NextMarker"):
                return
            more = {"Marker": page["NextMarker"]}

    def create(
        self, name: str, settings: Settings, package: Package, about: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """about: its architecture, tenancy, and what else can only be set here."""
        given = {key: value for key, value in settings.items() if not _empty(value)}
        code = {"ZipFile": package.data} | dict(about.get("Code", {}))
        rest = {key: value for key, value in about.items() if key != "Code"}
        with self._changing("lambda:CreateFunction", name, settings):
            self.clients.functions.create_function(FunctionName=name, Code=code, Tags=dict(tags), **given, **rest)

    def update_code(self, name: str, package: Package, architecture: str, source_key: str) -> None:
        more = {"SourceKMSKeyArn": source_key} if source_key else {}
        with self._changing("lambda:UpdateFunctionCode", name):
            self.clients.functions.update_function_code(
                FunctionName=name, ZipFile=package.data, Architectures=[architecture], **more
            )

    def update_settings(self, name: str, settings: Settings) -> None:
        with self._changing("lambda:UpdateFunctionConfiguration", name, settings):
            self.clients.functions.update_function_configuration(FunctionName=name, **settings)

    def tag(self, arn: str, tags: Mapping[str, str], gone: Sequence[str]) -> None:
        with asking("lambda:TagResource", self.region):
            self.clients.functions.tag_resource(Resource=arn, Tags=dict(tags))
        if gone:
            with asking("lambda:UntagResource", self.region):
                self.clients.functions.untag_resource(Resource=arn, TagKeys=list(gone))

    def delete(self, name: str) -> None:
        with contextlib.suppress(Missing), asking("lambda:DeleteFunction", self.region):
            self.clients.functions.delete_function(FunctionName=name)

    def log_group_made(self, name: str) -> datetime.datetime | None:
        """None also if the caller lacks the permission."""
        try:
            with asking("logs:DescribeLogGroups", self.region):
                answer = self.clients.logs.describe_log_groups(logGroupNamePrefix=name)
        except DeployError:
            return None
        made = (group["creationTime"] / 1000 for group in answer["logGroups"] if group["logGroupName"] == name)
        return next((datetime.datetime.fromtimestamp(time, datetime.timezone.utc) for time in made), None)

    def delete_log_group(self, name: str) -> None:
        with contextlib.suppress(Missing), asking("logs:DeleteLogGroup", self.region):
            self.clients.logs.delete_log_group(logGroupName=name)

    @contextlib.contextmanager
    def _changing(self, action: str, function: str, settings: Mapping[str, Any] | None = None) -> Iterator[None]:
        try:
            with asking(action, self.region):
                yield
        except DeployError as error:
            answer = getattr(error.__cause__, "response", {}).get("Error", {})
            raise explained(error, answer, function, (settings or {}).get("Role", "")) from error


def explained(error: DeployError, answer: Mapping[str, Any], function: str, role: str) -> DeployError:
    """A better sentence for what Lambda refuses of a function of ours, if there is one."""
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    if code == "ResourceConflictException":
        return Busy(message)
    for found, sentence in REFUSALS:
        if found.search(f"{code}: {message}"):
            return DeployError(sentence.format(function=function, role=role, message=message.rstrip(".")))
    return error


def _function(data: Mapping[str, Any]) -> Function:
    code = data.get("Code") or {}
    return Function(
        config=data["Configuration"],
        tags=None if data.get("TagsError") else data.get("Tags") or {},
        location=code.get("Location") or "",
        image=code.get("ImageUri") or "",
        source_key=code.get("SourceKMSKeyArn") or "",
        concurrency=(data.get("Concurrency") or {}).get("ReservedConcurrentExecutions"),
    )


def _is_extension(name: str) -> bool:
    return name.startswith(EXTENSIONS) and "/" not in name.removeprefix(EXTENSIONS) and name != EXTENSIONS


def _empty(value: Any) -> bool:
    """Whether a setting is not set, such as a VPC without subnets."""
    return not value or (isinstance(value, dict) and not any(value.values()))
