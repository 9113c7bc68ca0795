"""The steps of a plan for a shell that is like another function. Others are in ../steps.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..steps import Step
from .package import Package
from .settings import Settings, labels


@dataclass(frozen=True)
class CreateFunction(Step):
    name: str
    like: str
    settings: Settings = field(repr=False)
    architecture: str
    package: Package
    tags: Mapping[str, str] = field(repr=False)
    isolated: bool
    source_key: str = ""

    def __str__(self) -> str:
        return f"create the function {self.name} with what {self.like} has: {described(self)}"


@dataclass(frozen=True)
class UpdateCode(Step):
    name: str
    package: Package
    architecture: str
    source_key: str = ""

    def __str__(self) -> str:
        return f"update the code of {self.name}"


@dataclass(frozen=True)
class UpdateSettings(Step):
    """changed: the names of those that change."""

    name: str
    settings: Settings = field(repr=False)
    changed: Sequence[str]

    def __str__(self) -> str:
        return f"update the settings of {self.name}: {labels(self.changed)}"


@dataclass(frozen=True)
class UpdateTags(Step):
    """gone: the keys of tags that are taken away."""

    name: str
    arn: str
    tags: Mapping[str, str] = field(repr=False)
    gone: Sequence[str]

    def __str__(self) -> str:
        return f"update the tags of {self.name}"


@dataclass(frozen=True)
class DeleteFunction(Step):
    name: str
    why: str = ""

    def __str__(self) -> str:
        return f"delete the function {self.name}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class DeleteLogs(Step):
    group: str

    def __str__(self) -> str:
        return f"delete the log group {self.group}"


def described(step: CreateFunction) -> str:
    """A function's settings, for people. Of variables, only the names."""
    settings = step.settings
    layers, tracing, logging = settings["Layers"], settings["TracingConfig"]["Mode"], settings["LoggingConfig"]
    parts = [
        settings["Runtime"],
        f"{settings['MemorySize']} MB",
        f"{settings['Timeout']} s",
        step.architecture,
        f"{settings['EphemeralStorage']['Size']} MB of /tmp",
        f"handler {settings['Handler']}",
        f"{'with' if step.isolated else 'without'} tenant isolation",
        *access(settings),
        f"layers {', '.join(layers)}" if layers else "",
        f"tracing {tracing}",
        f"logs as {logging['LogFormat']} in {logging['LogGroup']}",
        f"{len(step.tags)} tags",
    ]
    return ", ".join(filter(None, parts))


def access(settings: Settings) -> list[str]:
    """What a function's surroundings let a shell into."""
    vpc, variables = settings["VpcConfig"], settings["Environment"]["Variables"]
    mounts = [one.get("LocalMountPath", one.get("Arn", "")) for one in settings["FileSystemConfigs"]]
    return [
        f"the role {settings['Role']}",
        *([f"the subnets {', '.join(vpc['SubnetIds'])}"] if vpc["SubnetIds"] else []),
        *([f"the security groups {', '.join(vpc['SecurityGroupIds'])}"] if vpc["SecurityGroupIds"] else []),
        *([f"the variables {', '.join(sorted(variables))}"] if variables else []),
        *([f"the KMS key {settings['KMSKeyArn']}"] if settings["KMSKeyArn"] else []),
        *([f"the file systems at {', '.join(mounts)}"] if mounts else []),
    ]
