"""The steps that plans are made of. The text of each says what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import family, template
from .cloud import Stack
from .stack_options import DEFAULT_OPTIONS, StackOptions
from .template import variables_in
from .tools import Archive

# Parameters that are told only where they are not as usual.
MORE = {
    "Policies": "policies",
    "Layers": "layers",
    "RoleArn": "role",
    "Boundary": "permissions boundary",
    "Subnets": "subnets",
    "SecurityGroups": "security groups",
    "Environment": "variables",
    "KmsKey": "KMS key",
    "LogFormat": "log format",
    "Runtime": "runtime",
    "CodeBucket": "code in the bucket",
}


@dataclass(frozen=True)
class Step:
    """One step. Its text says what it does. consent: what the user must agree to first."""

    consent: str = field(default="", kw_only=True, repr=False)


@dataclass(frozen=True)
class Wait(Step):
    """Wait for another operation on the stack, such as an interrupted deploy."""

    stack: Stack

    def __str__(self) -> str:
        return f"wait for the stack {self.stack.name}, which is {self.stack.status}, and look again"


@dataclass(frozen=True)
class DeleteStack(Step):
    stack: Stack
    why: str = ""

    def __str__(self) -> str:
        return f"delete the stack {self.stack.name}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class DeleteLayer(Step):
    layer: str
    version: int

    def __str__(self) -> str:
        return f"delete version {self.version} of the layer {self.layer}"


@dataclass(frozen=True)
class PublishTools(Step):
    """architectures: those that it is for, with commas between."""

    layer: str
    archive: Archive
    architectures: str

    def __str__(self) -> str:
        return f"publish the layer {self.layer} for {self.architectures}: {self.archive.names}"


@dataclass(frozen=True)
class UploadCode(Step):
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"put the code into s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class CreateStack(Step):
    stack: str
    parameters: Mapping[str, str]
    body: str = field(repr=False)
    options: StackOptions = DEFAULT_OPTIONS

    def __str__(self) -> str:
        return ", ".join([f"create the stack {self.stack}: {described(self.parameters)}", *_told(self.options)])


@dataclass(frozen=True)
class UpdateStack(Step):
    """given: the parameters that change; kept: those that stay as they are.

    joining, leaving: the functions that it makes and deletes. options: the stack's from now on. moved: the code no
    longer comes from S3.
    """

    stack: Stack
    given: Mapping[str, str]
    kept: tuple[str, ...]
    body: str = field(repr=False)
    new_code: bool = False
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    options: StackOptions = DEFAULT_OPTIONS
    moved: bool = False

    def __str__(self) -> str:
        parts = ["the template of this version"] * self.new_code
        parts += [f"{name} becomes {shown(name, value) or 'empty'}" for name, value in self.given.items()]
        parts += ["the code is in the template"] * self.moved
        parts += _told(self.options, self.stack.options)
        for verb, names in (("make", self.joining), ("delete", self.leaving)):
            parts += [f"{verb} the {family.described(names)}"] if names else []
        return f"update the stack {self.stack.name}: {', '.join(parts)}"


@dataclass(frozen=True)
class Restore(Step):
    """Restore a function that was changed outside of its stack. CloudFormation does not notice that."""

    function: str
    parameters: Mapping[str, str]
    code: str = field(repr=False)

    def __str__(self) -> str:
        return f"restore the code and settings of {self.function}, which was changed outside of its stack"


@dataclass(frozen=True)
class AwaitActive(Step):
    function: str

    def __str__(self) -> str:
        return f"wait until the function {self.function} is active"


@dataclass(frozen=True)
class TryOut(Step):
    function: str

    def __str__(self) -> str:
        return f"run a test command in the function {self.function}"


def _told(options: StackOptions, before: StackOptions = DEFAULT_OPTIONS) -> list[str]:
    """What differs."""
    tags = ", ".join(f"{key}={value}" for key, value in options.tags.items())
    parts = [f"tags {tags or 'none'}"] if options.tags != before.tags else []
    changed = options.service_role != before.service_role
    return [*parts, *[f"CloudFormation works as {options.service_role}"] * changed]


def shown(name: str, value: str) -> str:
    """A parameter's value, for people. What variables hold may be secret."""
    return ", ".join(variables_in({name: value})) if name == "Environment" else value


def described(parameters: Mapping[str, str]) -> str:
    """A function's settings, for people."""
    isolated, names = parameters["TenantIsolation"] == "true", family.names(parameters)
    alone = len(names) == 1
    parts = [
        family.described(names),
        *[f"{parameters['Memory']} MB"] * alone,
        f"{parameters['Timeout']} s",
        *[parameters["Architecture"]] * alone,
        f"{parameters['Storage']} MB of /tmp",
        f"logs kept {parameters['Retention']} days",
        f"{'with' if isolated else 'without'} tenant isolation",
    ]
    unusual = {"LogFormat": "Text", "Runtime": template.Parameters.runtime}
    parts += [
        f"{name} {shown(key, value)}"
        for key, name in MORE.items()
        if (value := parameters.get(key, "")) != unusual.get(key, "")
    ]
    return ", ".join(parts)
