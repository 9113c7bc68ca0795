"""The options of the deployment commands, and the template's parameters that they set."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from .. import cli_types
from ..aws.error_text import LONGEST_TIMEOUT_S
from . import like_options, template
from .problems import DeployError

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")  # API reference, CreateStack
POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
LAYER_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+")
DEFAULTS = template.Parameters()

Commands = argparse._SubParsersAction  # it has no public name; the method add_subparsers returns it
Run = Callable[[argparse.Namespace], int]


def add_commands(commands: Commands[argparse.ArgumentParser], run: Run) -> None:
    """Add the four commands to the parser of `lambda-kernel`. run: carries out the one that `options.command` names."""
    _add_template(commands, run)
    _add_deploy(commands, run)
    _add_status(commands, run)
    _add_delete(commands, run)


def _add_template(commands: Commands[argparse.ArgumentParser], run: Run) -> None:
    text = "Print the CloudFormation template of the function. Options change the defaults of its parameters."
    parser = commands.add_parser("template", help="print the CloudFormation template", description=text)
    parser.set_defaults(run=run, command="template")
    _add_settings(parser)


def _add_deploy(commands: Commands[argparse.ArgumentParser], run: Run) -> None:
    text = (
        "Create the function on AWS or update it. Settings that are not named stay unchanged. Several values of "
        "--memory and --architecture make a family, a function for each combination."
    )
    parser = commands.add_parser("deploy", help="create or update the function on AWS", description=text)
    parser.set_defaults(run=run, command="deploy")
    _add_place(parser)
    _add_settings(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--tools", metavar="PATH", nargs="+", type=Path, help="static executables for /opt/bin")
    group.add_argument("--no-tools", action="store_true", help="remove the tools")
    _add_consent(parser)
    like_options.add(parser)


def _add_status(commands: Commands[argparse.ArgumentParser], run: Run) -> None:
    text = "Show the functions that `lambda-kernel deploy` made in a region."
    parser = commands.add_parser("status", help="show the functions on AWS", description=text)
    parser.set_defaults(run=run, command="status")
    _add_place(parser)
    parser.add_argument("--function", metavar="F", help="this function or family only")


def _add_delete(commands: Commands[argparse.ArgumentParser], run: Run) -> None:
    text = "Delete a function or a family that `lambda-kernel deploy` made, with its logs, role and tools."
    parser = commands.add_parser("delete", help="delete the function on AWS", description=text)
    parser.set_defaults(run=run, command="delete")
    _add_place(parser)
    parser.add_argument("--function", metavar="F", help="the function or family (default: shell)")
    _add_consent(parser)


def _add_place(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("location")
    group.add_argument(
        "--profile", metavar="P", type=cli_types.some_text, help="AWS profile whose credentials are used"
    )
    group.add_argument("--region", metavar="R", type=cli_types.one_word, help="AWS region")
    group.add_argument("--endpoint-url", metavar="U", type=cli_types.url, help="URL of an endpoint other than AWS's")
    group.add_argument("--stack", metavar="S", help="the stack (default: lambda-kernel-FUNCTION)")
    group.add_argument("--verbose", action="store_true", help="show account ids")


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only print the steps")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the function")
    add = group.add_argument
    add("--function", metavar="F", help=f"its name (default: {DEFAULTS.function})")
    text = f"its memory; 128,512 makes a family (default: {DEFAULTS.memory_mb})"
    add("--memory", metavar="MB", type=_memories, help=text)
    add(
        "--timeout",
        metavar="S",
        type=cli_types.within(1, LONGEST_TIMEOUT_S),
        help=f"timeout in seconds (default: {DEFAULTS.timeout_s})",
    )
    text = f"{', '.join(template.ARCHITECTURES)}, or both with a comma (default: {DEFAULTS.architecture})"
    add("--architecture", metavar="A", type=_architectures, help=text)
    add(
        "--storage",
        metavar="MB",
        type=cli_types.within(512, 10240),
        help=f"size of /tmp (default: {DEFAULTS.storage_mb})",
    )
    add(
        "--retention",
        metavar="DAYS",
        type=_retention,
        help=f"days to keep its logs (default: {DEFAULTS.retention_days})",
    )
    add("--policy", metavar="ARN", action="append", type=_policy, help="a managed policy (repeatable), or `none`")
    add("--layer", metavar="ARN", action="append", type=_layer, help="a layer's version (repeatable), or `none`")
    add(
        "--tenant-isolation",
        action=argparse.BooleanOptionalAction,
        help="each kernel has its own environments (default: yes)",
    )


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


def _memories(text: str) -> str:
    """Several in their order, so that the same family is the same text."""
    return ",".join(map(str, sorted(cli_types.several(cli_types.within(128, 10240))(text))))


def _architectures(text: str) -> str:
    return ",".join(sorted(cli_types.several(_architecture)(text)))


def _architecture(text: str) -> str:
    if text not in template.ARCHITECTURES:
        raise argparse.ArgumentTypeError(f"{text!r} is neither {' nor '.join(template.ARCHITECTURES)}")
    return text


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
    raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(map(str, template.RETENTION_DAYS))}")
