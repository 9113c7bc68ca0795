"""What a shell takes over from another function, and what it does not. Pure: it calls nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..plan import layer_name, tools_layer

PYTHON = re.compile(r"python3\.([0-9]+)")
OLDEST_PYTHON, NEWEST_PYTHON = 10, "python3.14"  # what the shell's code can run on, and what the template has
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"  # starts another program in place of the runtime (Lambda, runtime wrappers)
TAGS = 50  # of a function (Lambda API reference, TagResource)
LABELS = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role",
    "Description": "description",
    "MemorySize": "memory",
    "Timeout": "timeout",
    "EphemeralStorage": "size of /tmp",
    "VpcConfig": "VPC",
    "Environment": "variables",
    "KMSKeyArn": "KMS key",
    "TracingConfig": "tracing",
    "Layers": "layers",
    "FileSystemConfigs": "file systems",
    "LoggingConfig": "logging",
}
POWERS = ("Role", "VpcConfig", "Environment", "KMSKeyArn", "FileSystemConfigs")  # what a shell is let into

Settings = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """A function, as Lambda describes it. location: where its package can be read; empty if it has none.

    image: of a container image function; source_key: the KMS key that its package is encrypted with; tags None: the
    caller may not read them.
    """

    config: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str] | None = field(default_factory=dict)
    location: str = ""
    image: str = ""
    source_key: str = ""
    concurrency: int | None = None

    @property
    def name(self) -> str:
        return str(self.config["FunctionName"])

    @property
    def architecture(self) -> str:
        return str(next(iter(self.config.get("Architectures") or ()), "x86_64"))

    @property
    def isolated(self) -> bool:
        return bool((self.config.get("TenancyConfig") or {}).get("TenantIsolationMode") == "PER_TENANT")

    @property
    def code_sha256(self) -> str:
        return str(self.config.get("CodeSha256", ""))

    @property
    def variables(self) -> dict[str, str]:
        return dict((self.config.get("Environment") or {}).get("Variables") or {})

    @property
    def busy(self) -> bool:
        return self.config.get("State") == "Pending" or self.config.get("LastUpdateStatus") == "InProgress"


def settings_of(function: Function) -> Settings:
    """Its settings, in the form of UpdateFunctionConfiguration.

    What is not set is there, and empty: so two functions can be compared, and a setting can be taken away.
    """
    config = function.config
    return {
        "Runtime": config.get("Runtime") or "",
        "Handler": config.get("Handler") or "",
        "Role": config["Role"],
        "Description": config.get("Description") or "",
        "MemorySize": config.get("MemorySize") or 128,
        "Timeout": config.get("Timeout") or 3,
        "EphemeralStorage": {"Size": (config.get("EphemeralStorage") or {}).get("Size", 512)},
        "VpcConfig": _vpc(config.get("VpcConfig") or {}),
        "Environment": {"Variables": function.variables},
        "KMSKeyArn": config.get("KMSKeyArn") or "",
        "TracingConfig": {"Mode": (config.get("TracingConfig") or {}).get("Mode", "PassThrough")},
        "Layers": [layer["Arn"] for layer in config.get("Layers") or ()],
        "FileSystemConfigs": list(config.get("FileSystemConfigs") or ()),
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": log_group(function.name)} | _logging(config),
    }


def own_tools(shell: Function) -> list[str]:
    """The layers that `--tools` has given a shell."""
    layers = [str(layer["Arn"]) for layer in shell.config.get("Layers") or ()]
    return [arn for arn in layers if layer_name(arn) == tools_layer(shell.name)]


def log_group(function: str) -> str:
    """The default one."""
    return f"/aws/lambda/{function}"


def _logging(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in (config.get("LoggingConfig") or {}).items() if value}


def _vpc(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without the VPC's id, which Lambda finds by itself. Lambda names subnets in any order."""
    subnets, groups = sorted(config.get("SubnetIds") or ()), sorted(config.get("SecurityGroupIds") or ())
    ipv6 = {"Ipv6AllowedForDualStack": bool(config.get("Ipv6AllowedForDualStack"))} if subnets else {}
    return {"SubnetIds": subnets, "SecurityGroupIds": groups} | ipv6


def taken_over(original: Function, shell: str, handler: str, description: str, tools: Sequence[str] = ()) -> Settings:
    """The settings of a shell that is like the original. tools: layers of its own."""
    settings = settings_of(original)
    logging = settings["LoggingConfig"]
    if logging["LogGroup"] == log_group(original.name):
        logging = logging | {"LogGroup": log_group(shell)}
    variables = {name: value for name, value in original.variables.items() if name != WRAPPER}
    return settings | {
        "Runtime": runtime_for(str(settings["Runtime"])),
        "Handler": handler,
        "Description": description,
        "Environment": {"Variables": variables},
        "Layers": [*settings["Layers"], *tools],
        "LoggingConfig": logging,
    }


def runtime_for(runtime: str) -> str:
    found = PYTHON.fullmatch(runtime)
    return runtime if found and int(found[1]) >= OLDEST_PYTHON else NEWEST_PYTHON


def differing(have: Settings, want: Settings) -> list[str]:
    """The names of the settings that differ."""
    return [name for name in want if have.get(name) != want[name]]


def labels(names: Sequence[str]) -> str:
    return ", ".join(LABELS[name] for name in names)


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """AWS's own cannot be set."""
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def left_out(original: Function, room: int, isolated: bool) -> Iterator[str]:
    """Sentences about what the shell does not have. room: how many tags can be taken over."""
    config, name = original.config, original.name
    runtime = str(config.get("Runtime") or "")
    if runtime_for(runtime) != runtime:
        yield (
            f"It runs on {NEWEST_PYTHON}: {name} runs on {runtime}, whose programs are not there. The code and the "
            "layers are in place."
        )
    if WRAPPER in original.variables:
        yield f"The variable {WRAPPER} is left out, so {original.variables[WRAPPER]} does not start the shell."
    if original.tags is None:
        yield f"The tags of {name} are not taken over: the caller needs lambda:ListTags."
    elif len(own_tags(original.tags)) > room:
        yield f"Only {room} tags of {name} are taken over: a function can have {TAGS}."
    if config.get("SigningJobArn"):
        yield f"The code of {name} is signed. The shell's is not."
    there = {
        "its dead-letter queue": bool((config.get("DeadLetterConfig") or {}).get("TargetArn")),
        "SnapStart": (config.get("SnapStart") or {}).get("ApplyOn", "None") != "None",
        "durable execution": bool(config.get("DurableConfig")),
        "its capacity provider": bool(config.get("CapacityProviderConfig")),
        "its reserved concurrency": original.concurrency is not None,
    }
    if names := [what for what, present in there.items() if present]:
        yield f"Not taken over: {', '.join(names)}."
    if not isolated:
        yield "It has no tenant isolation: kernels share its environments."
