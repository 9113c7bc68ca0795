"""The template's parameters that the options of the deployment commands set."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence

from . import template
from .option_types import NONE
from .problems import DeployError
from .stack_options import DEFAULT_OPTIONS, StackOptions

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")  # API reference, CreateStack
DEFAULTS = template.Parameters()
MOST_TAGS = 50  # API reference, CreateChangeSet


# Options with one value, which may be `none`, and the parameters that they set.
ONE = {"role": "RoleArn", "permissions_boundary": "Boundary", "kms_key": "KmsKey"}
# Options that may be repeated.
SEVERAL = {"policy": "Policies", "layer": "Layers", "vpc_subnet": "Subnets", "security_group": "SecurityGroups"}
# Options whose value is the parameter's.
PLAIN = {
    "function": "Function",
    "memory": "Memory",
    "timeout": "Timeout",
    "architecture": "Architecture",
    "storage": "Storage",
    "retention": "Retention",
    "log_format": "LogFormat",
    "runtime": "Runtime",
}


def given(options: argparse.Namespace) -> dict[str, str]:
    """The parameters of the template that were named."""
    named: dict[str, object] = {parameter: getattr(options, name) for name, parameter in PLAIN.items()}
    for name, parameter in ONE.items():
        value = getattr(options, name)
        named[parameter] = "" if value == NONE else value
    for name, parameter in SEVERAL.items():
        values = getattr(options, name)
        named[parameter] = values and ",".join(dict.fromkeys(value for value in values if value != NONE))
    variables = pairs(options.env, "--env")
    named["Environment"] = None if variables is None else template.variables_text(variables)
    for name, parameter in zip(("s3_bucket", "s3_key"), template.IN_S3, strict=True):
        value = getattr(options, name, None)
        named[parameter] = "" if value == NONE else value
    isolation = options.tenant_isolation
    named["TenantIsolation"] = None if isolation is None else str(isolation).lower()
    return {name: str(value) for name, value in named.items() if value is not None}


def pairs(named: Sequence[tuple[str, str] | None] | None, option: str) -> dict[str, str] | None:
    """The values by their names. None: the option was not named."""
    if named is None:
        return None
    found: dict[str, str] = {}
    for name, value in filter(None, named):
        if name in found:
            raise DeployError(f"{option} names {name} twice: leave one of them out")
        found[name] = value
    return found


def tags(options: argparse.Namespace) -> dict[str, str] | None:
    found = pairs(options.tag, "--tag")
    if found and len(found) > MOST_TAGS:
        raise DeployError(f"a stack can have {MOST_TAGS} tags, and there are {len(found)}: leave some --tag out")
    return found


def spelled(values: Mapping[str, str], stack: StackOptions = DEFAULT_OPTIONS) -> list[str]:
    """The options that set these values."""
    words = [f"--function={values['Function']}"]  # whose name may begin with a dash
    for name, parameter in PLAIN.items():
        words += [] if name == "function" else [_option(name), values[parameter]]
    for name, parameter in ONE.items():
        words += [_option(name), values[parameter] or NONE]
    for name, parameter in SEVERAL.items():
        words += [word for one in (values[parameter] or NONE).split(",") for word in (_option(name), one)]
    variables = template.variables_in(values)
    words += [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    words += [] if variables else ["--env", NONE]
    for option, parameter in zip(("--s3-bucket", "--s3-key"), template.IN_S3, strict=True):
        words += [option, values[parameter]] if parameter in values else []
    words += [word for name, value in stack.tags.items() for word in ("--tag", f"{name}={value}")]
    words += ["--role-arn", stack.service_role] if stack.service_role else []
    return [*words, "--tenant-isolation" if values["TenantIsolation"] == "true" else "--no-tenant-isolation"]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_names(options: argparse.Namespace) -> None:
    function, stack = options.function, getattr(options, "stack", None)
    if function is not None and not template.FUNCTION_NAME.fullmatch(function):
        raise DeployError(f"{function!r} is not a valid function name: use up to 64 letters, digits, - and _")
    if stack is not None and not STACK_NAME.fullmatch(stack):
        raise DeployError(f"{stack!r} is not a valid stack name: use letters, digits and -, and begin with a letter")
