"""The deployment commands' options: what they may be, and which of the template's parameters they set."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

from .. import arguments
from ..place import LONGEST_TIMEOUT_S
from . import template
from .problems import DeployError

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")  # API reference, CreateStack
POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
LAYER_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+")
DEFAULTS = template.Parameters()

Commands = argparse._SubParsersAction  # its public name is that of the method which returns it


def add_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the four to the parser of `lambda-kernel`."""
    _add_template(commands)
    _add_deploy(commands)
    _add_status(commands)
    _add_delete(commands)


def _add_template(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "Print the CloudFormation template of the function; options change its parameters' defaults."
    parser = commands.add_parser("template", help="print the CloudFormation template", description=text)
    parser.set_defaults(run=_run, command="template")
    _add_settings(parser)


def _add_deploy(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "Make the function on AWS, or bring it up to date; what is not named stays as it is."
    parser = commands.add_parser("deploy", help="make or update the function on AWS", description=text)
    parser.set_defaults(run=_run, command="deploy")
    _add_place(parser)
    _add_settings(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--tools", metavar="PATH", nargs="+", type=Path, help="static executables for /opt/bin")
    group.add_argument("--no-tools", action="store_true", help="take the tools away")
    _add_consent(parser)


def _add_status(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "Show the functions that `lambda-kernel deploy` made in a region."
    parser = commands.add_parser("status", help="show the functions on AWS", description=text)
    parser.set_defaults(run=_run, command="status")
    _add_place(parser)
    parser.add_argument("--function", metavar="F", help="this function only")


def _add_delete(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "Delete a function that `lambda-kernel deploy` made, with its logs, role and tools."
    parser = commands.add_parser("delete", help="delete the function on AWS", description=text)
    parser.set_defaults(run=_run, command="delete")
    _add_place(parser)
    parser.add_argument("--function", metavar="F", help="the function (default: shell)")
    _add_consent(parser)


def _run(options: argparse.Namespace) -> int:
    from .command import run  # late: `install` and the others need not wait for it

    return run(options)


def _add_place(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the place")
    group.add_argument(
        "--profile", metavar="P", type=arguments.some_text, help="AWS profile whose credentials are used"
    )
    group.add_argument("--region", metavar="R", type=arguments.one_word, help="AWS region")
    group.add_argument("--endpoint-url", metavar="U", type=arguments.url, help="another endpoint than AWS's, as a URL")
    group.add_argument("--stack", metavar="S", help="the stack (default: lambda-kernel-FUNCTION)")
    group.add_argument("--verbose", action="store_true", help="show account ids")


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the function")
    add = group.add_argument
    add("--function", metavar="F", help=f"its name (default: {DEFAULTS.function})")
    add("--memory", metavar="MB", type=arguments.within(128, 10240), help=f"its memory (default: {DEFAULTS.memory_mb})")
    add(
        "--timeout",
        metavar="S",
        type=arguments.within(1, LONGEST_TIMEOUT_S),
        help=f"longest invocation (default: {DEFAULTS.timeout_s})",
    )
    add("--architecture", choices=template.ARCHITECTURES, help=f"of its processor (default: {DEFAULTS.architecture})")
    add(
        "--storage",
        metavar="MB",
        type=arguments.within(512, 10240),
        help=f"size of /tmp (default: {DEFAULTS.storage_mb})",
    )
    add("--retention", metavar="DAYS", type=_retention, help=f"of its logs (default: {DEFAULTS.retention_days})")
    add("--policy", metavar="ARN", action="append", type=_policy, help="a managed policy (repeatable), or `none`")
    add("--layer", metavar="ARN", action="append", type=_layer, help="a layer's version (repeatable), or `none`")
    add(
        "--tenant-isolation",
        action=argparse.BooleanOptionalAction,
        help="environments of its own for each kernel (default: yes)",
    )


def given(options: argparse.Namespace) -> dict[str, str]:
    """The template's parameters that were named."""
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
    """The options that name these values of the template's parameters."""
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
        raise DeployError(f"{function!r} is no name for a function: use up to 64 letters, digits, - and _")
    if stack is not None and not STACK_NAME.fullmatch(stack):
        raise DeployError(f"{stack!r} is no name for a stack: use letters, digits and -, and begin with a letter")


def _policy(text: str) -> str:
    if text != "none" and not POLICY_ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither the ARN of a managed policy nor `none`")
    return text


def _layer(text: str) -> str:
    if text != "none" and not LAYER_ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither the ARN of a layer's version nor `none`")
    return text


def _retention(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) in template.RETENTION_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(map(str, template.RETENTION_DAYS))}")
