"""The options of the deployment commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...aws.error_text import LONGEST_TIMEOUT_S
from ...aws.target import STORAGE_MB
from .. import parsing
from . import like_options, option_types, template

DEFAULTS = template.Parameters()


def add_commands(commands: parsing.Commands) -> None:
    """Add the four commands to the parser of `lambda-kernel`."""
    _add_template(commands)
    _add_deploy(commands)
    _add_status(commands)
    _add_delete(commands)


def run(options: argparse.Namespace) -> int:
    """Carry out the command that `options.command` names."""
    from .dispatch import run as carry_out

    return carry_out(options)


def _add_template(commands: parsing.Commands) -> None:
    text = "Print the CloudFormation template of the function. Options change the defaults of its parameters."
    parser = commands.add_parser("template", help="print the CloudFormation template", description=text)
    parser.set_defaults(run=run, command="template")
    _add_settings(parser)
    _add_company(parser)
    _add_tags(parser.add_argument_group("the stack"))
    _add_forms(parser)


def _add_deploy(commands: parsing.Commands) -> None:
    text = (
        "Create the function on AWS or update it. Settings that are not named stay unchanged. Several values of "
        "--memory and --architecture make a family, a function for each combination."
    )
    parser = commands.add_parser("deploy", help="create or update the function on AWS", description=text)
    parser.set_defaults(run=run, command="deploy")
    _add_location(parser)
    _add_settings(parser)
    _add_company(parser)
    _add_stack(parser)
    _add_forms(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--tools", metavar="PATH", nargs="+", type=Path, help="static executables for /opt/bin")
    group.add_argument("--no-tools", action="store_true", help="remove the tools")
    _add_consent(parser)
    like_options.add(parser)


def _add_status(commands: parsing.Commands) -> None:
    text = "Show the functions that `lambda-kernel deploy` made in a region."
    parser = commands.add_parser("status", help="show the functions on AWS", description=text)
    parser.set_defaults(run=run, command="status")
    _add_location(parser)
    parser.add_argument("--function", metavar="F", help="this function or family only")


def _add_delete(commands: parsing.Commands) -> None:
    text = "Delete a function or a family that `lambda-kernel deploy` made, with its logs, role and tools."
    parser = commands.add_parser("delete", help="delete the function on AWS", description=text)
    parser.set_defaults(run=run, command="delete")
    _add_location(parser)
    parser.add_argument("--function", metavar="F", help="the function or family (default: shell)")
    _add_consent(parser)


def _add_location(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("location")
    group.add_argument("--profile", metavar="P", type=parsing.some_text, help="AWS profile whose credentials are used")
    group.add_argument("--region", metavar="R", type=parsing.one_word, help="AWS region")
    group.add_argument("--endpoint-url", metavar="U", type=parsing.url, help="URL of an endpoint other than AWS's")
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
    add("--memory", metavar="MB", type=option_types.memories, help=text)
    text = f"timeout in seconds (default: {DEFAULTS.timeout_s})"
    add("--timeout", metavar="S", type=parsing.within(1, LONGEST_TIMEOUT_S), help=text)
    text = f"{', '.join(template.ARCHITECTURES)}, or both with a comma (default: {DEFAULTS.architecture})"
    add("--architecture", metavar="A", type=option_types.architectures, help=text)
    text = f"size of /tmp (default: {DEFAULTS.storage_mb})"
    add("--storage", metavar="MB", type=parsing.within(*STORAGE_MB), help=text)
    text = f"days to keep its logs (default: {DEFAULTS.retention_days})"
    add("--retention", metavar="DAYS", type=option_types.retention, help=text)
    text = "a managed policy (repeatable), or `none`"
    add("--policy", metavar="ARN", action="append", type=option_types.policy, help=text)
    text = "a layer's version (repeatable), or `none`"
    add("--layer", metavar="ARN", action="append", type=option_types.layer, help=text)
    text = "each kernel has its own environments (default: yes)"
    add("--tenant-isolation", action=argparse.BooleanOptionalAction, help=text)
    add("--runtime", metavar="R", type=option_types.runtime, help=f"Python to run on (default: {DEFAULTS.runtime})")
    add("--log-format", choices=("Text", "JSON"), help=f"format of its logs (default: {DEFAULTS.log_format})")
    text = "an environment variable (repeatable); those that are named replace all others; or `none`"
    add("--env", metavar="NAME=VALUE", action="append", type=option_types.variable, help=text)


def _add_company(parser: argparse.ArgumentParser) -> None:
    """What companies ask for. Each takes `none`."""
    add = parser.add_argument_group("what a company may ask for (`none` takes it away)").add_argument
    add("--role", metavar="ARN", type=option_types.role_or_none, help="the function's role, in place of one of its own")
    text = "permissions boundary of the role that is made"
    add("--permissions-boundary", metavar="ARN", type=option_types.policy, help=text)
    text = "a subnet of the VPC that it is in (repeatable)"
    add("--vpc-subnet", metavar="ID", action="append", type=option_types.subnet, help=text)
    text = "a security group in the VPC (repeatable)"
    add("--security-group", metavar="ID", action="append", type=option_types.group, help=text)
    add("--kms-key", metavar="ARN", type=option_types.key, help="the key that encrypts its environment variables")


def _add_stack(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the stack")
    _add_tags(group)
    text = "role with which CloudFormation makes the stack, now and later"
    group.add_argument("--role-arn", metavar="ARN", type=option_types.role, help=text)
    text = "keep the code in this bucket instead of in the template, or `none`"
    group.add_argument("--s3-bucket", metavar="B", type=option_types.bucket, help=text)
    text = "a package that is in the bucket already, such as a signed one; or `none`"
    group.add_argument("--s3-key", metavar="K", type=parsing.some_text, help=text)


def _add_tags(group: argparse._ActionsContainer) -> None:
    text = "a tag of all that is made (repeatable); those that are named replace all others; or `none`"
    group.add_argument("--tag", metavar="KEY=VALUE", action="append", type=option_types.tag, help=text)


def _add_forms(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("print it for another tool, and make nothing").add_mutually_exclusive_group()
    for form, text in (("sam", "an AWS SAM template"), ("terraform", "a Terraform configuration")):
        group.add_argument(f"--{form}", action="store_true", help=text)
