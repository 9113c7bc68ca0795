"""The function as a text for other tools: CloudFormation's own, AWS SAM, Terraform."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ... import __version__
from ...function.source import function_code
from . import checks, choices, template
from .family import members
from .problems import DeployError

TOO_LARGE = (
    "leave --policy and --layer out, and name them with `--parameter-overrides Policies=ARN,ARN Layers=ARN,ARN` of "
    "`aws cloudformation deploy`, or name fewer sizes with --memory"
)
# Options of `deploy` that are for its own way to AWS.
OWN_WAY = {
    "tools": "--tools publishes a layer: publish one, and name it with --layer",
    "s3_key": "--s3-key names another package: leave it out, since the code is in what is printed",
    "s3_bucket": "--s3-bucket uploads the code: leave it out, since the code is in what is printed",
    "role_arn": "--role-arn is CloudFormation's: give it to the tool that gets what is printed",
}


def wanted(options: argparse.Namespace) -> str | None:
    """The tool that something is to be printed for. None: CloudFormation."""
    return next((name for name in ("sam", "terraform") if getattr(options, name)), None)


def of_deploy(options: argparse.Namespace) -> str:
    """What `deploy` would make where there is nothing yet. Raises DeployError."""
    for name, sentence in OWN_WAY.items():
        if getattr(options, name):
            raise DeployError(f"--{wanted(options)} prints, and {sentence}")
    values = choices.DEFAULTS.values() | choices.given(options)
    return text(values, choices.tags(options) or {}, wanted(options), options.region or "")


def text(values: Mapping[str, str], tags: Mapping[str, str], form: str | None, region: str = "") -> str:
    """form: sam, terraform, or None for CloudFormation. Raises DeployError."""
    checks.check(values, region)
    if form == "terraform":
        return terraform(values, tags)
    tool, kind = ("sam", template.SAM) if form else ("aws cloudformation", template.CLOUDFORMATION)
    return _with_tags(tool, tags) + template.limited(template.render(values, kind), TOO_LARGE)


def _with_tags(tool: str, tags: Mapping[str, str]) -> str:
    """A template cannot have its stack's tags, which all of its resources get."""
    if not tags:
        return ""
    words = ["--stack-name", "NAME", "--template-file", "FILE", "--capabilities", "CAPABILITY_IAM", "--tags"]
    return f"# {shlex.join([*tool.split(), 'deploy', *words, *(f'{key}={value}' for key, value in tags.items())])}\n"


def terraform(values: Mapping[str, str], tags: Mapping[str, str]) -> str:
    """One function for each member, by for_each. What differs between deployments stands in `locals`."""
    sizes = {one.function: {"memory": int(one.memory_mb), "architecture": one.architecture} for one in members(values)}
    settings = {
        "name": values["Function"],
        "functions": sizes,
        "timeout": int(values["Timeout"]),
        "storage": int(values["Storage"]),
        "retention": int(values["Retention"]),
        "runtime": values["Runtime"],
        "log_format": values["LogFormat"],
        "tenant_isolation": values["TenantIsolation"] == "true",
        "role": values["RoleArn"],
        "permissions_boundary": values["Boundary"] or None,
        "policies": template.several(values["Policies"]),
        "layers": template.several(values["Layers"]),
        "subnets": template.several(values["Subnets"]),
        "security_groups": template.several(values["SecurityGroups"]),
        "variables": template.variables_in(values),
        "kms_key": values["KmsKey"] or None,
        "network": list(template.NETWORK),
        "tags": dict(tags),
    }
    width = max(map(len, settings))
    marks = {
        "version": __version__,
        "settings": "".join(f"  {name.ljust(width)} = {literal(value)}\n" for name, value in settings.items()),
        "code": escaped(function_code()),
    }
    body = (Path(__file__).parent / "function.tf").read_text("utf-8")
    return re.sub(r"@(\w+)@", lambda mark: marks[mark[1]], body)


def literal(value: object) -> str:
    """In HCL, on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{literal(name)} = {literal(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return escaped(json.dumps(value, ensure_ascii=False))


def escaped(text: str) -> str:
    """HCL's templates begin with ${ and %{ (HCL native syntax specification, templates)."""
    return text.replace("${", "$${").replace("%{", "%%{")
