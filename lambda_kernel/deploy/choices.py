"""The template's parameters that the options of the deployment commands set."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

from . import template
from .problems import DeployError

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")  # API reference, CreateStack
DEFAULTS = template.Parameters()


def given(options: argparse.Namespace) -> dict[str, str]:
    """The parameters of the template that were named."""
    isolation = options.tenant_isolation
    named = {
        "Function": options.function,
        "Memory": options.memory,
        "Timeout": options.timeout,
        "Architecture": options.architecture,
        "Storage": options.storage,
        "Retention": options.retention,
        "Policies": options.policy and ",".join(arn for arn in options.policy if arn != "none"),
        "Layers": options.layer and ",".join(arn for arn in options.layer if arn != "none"),
        "TenantIsolation": None if isolation is None else str(isolation).lower(),
    }
    return {name: str(value) for name, value in named.items() if value is not None}


def spelled(values: Mapping[str, str]) -> list[str]:
    """The options that set these values."""
    one = {
        "--memory": "Memory",
        "--timeout": "Timeout",
        "--architecture": "Architecture",
        "--storage": "Storage",
        "--retention": "Retention",
    }
    words = [f"--function={values['Function']}"]  # whose name may begin with a dash
    words += [word for option, name in one.items() for word in (option, values[name])]
    words += [word for arn in (values["Policies"] or "none").split(",") for word in ("--policy", arn)]
    words += [word for arn in (values["Layers"] or "none").split(",") for word in ("--layer", arn)]
    return [*words, "--tenant-isolation" if values["TenantIsolation"] == "true" else "--no-tenant-isolation"]


def check_names(options: argparse.Namespace) -> None:
    function, stack = options.function, getattr(options, "stack", None)
    if function is not None and not template.FUNCTION_NAME.fullmatch(function):
        raise DeployError(f"{function!r} is not a valid function name: use up to 64 letters, digits, - and _")
    if stack is not None and not STACK_NAME.fullmatch(stack):
        raise DeployError(f"{stack!r} is not a valid stack name: use letters, digits and -, and begin with a letter")
