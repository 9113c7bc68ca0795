"""Settings that do not go together. Found before AWS is asked for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...aws import regions
from . import template
from .problems import DeployError

# Lambda quotas, and API reference, VpcConfig.
MOST_VARIABLES_BYTES, MOST_SUBNETS, MOST_GROUPS = 4_096, 16, 5
ARN = re.compile(r"arn:(?P<partition>[\w-]+):(?P<service>[a-z]+):(?P<region>[\w-]*):")
ARNS = {
    "RoleArn": "--role",
    "Boundary": "--permissions-boundary",
    "Policies": "--policy",
    "Layers": "--layer",
    "KmsKey": "--kms-key",
}


def check(values: Mapping[str, str], region: str) -> None:
    """Raises DeployError. region: empty if it is not known."""
    for problem in (*_role(values), *_network(values), *_variables(values), *_regions(values, region)):
        raise DeployError(problem)


def _role(values: Mapping[str, str]) -> Iterator[str]:
    theirs = {"Policies": "--policy", "Boundary": "--permissions-boundary"}
    for name, option in theirs.items():
        if values["RoleArn"] and values[name]:
            yield (
                f"{option} belongs to the role that deploy makes, and --role names another: add {option} none, or "
                "--role none"
            )


def _network(values: Mapping[str, str]) -> Iterator[str]:
    subnets, groups = (template.several(values[name]) for name in ("Subnets", "SecurityGroups"))
    if bool(subnets) != bool(groups):
        yield (
            f"a VPC takes subnets and security groups, and there are no {'groups' if subnets else 'subnets'}: name "
            f"both --vpc-subnet and --security-group, or `none` for both"
        )
    for option, found, most in (("--vpc-subnet", subnets, MOST_SUBNETS), ("--security-group", groups, MOST_GROUPS)):
        if len(found) > most:
            yield f"Lambda takes at most {most} of {option}, and there are {len(found)}: name fewer"


def _variables(values: Mapping[str, str]) -> Iterator[str]:
    size = len(values["Environment"].encode())
    if size > MOST_VARIABLES_BYTES:
        names = ", ".join(template.variables_in(values))
        yield (
            f"the environment variables {names} have {size:,} bytes, and Lambda takes {MOST_VARIABLES_BYTES:,}: keep "
            "large values in SSM or S3"
        )


def _regions(values: Mapping[str, str], region: str) -> Iterator[str]:
    """A function's region has what the function uses. IAM is the same in all regions of a partition."""
    partition = regions.partition(region)
    for name, option in ARNS.items():
        for arn in values[name].split(","):
            found = ARN.match(arn) if region else None
            if found and found["region"] not in ("", region):
                yield f"{option} names something in {found['region']}, and the function is in {region}: name one there"
            if found and partition and found["partition"] != partition:
                yield f"{option} begins with arn:{found['partition']}, and {region} has ARNs of arn:{partition}"
