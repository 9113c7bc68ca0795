"""The permissions that a user of `deploy --like` needs, as a policy of IAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..plan import tools_layer
from .names import Named
from .settings import Function, log_group, settings_of

THEIRS = ("GetFunction", "GetFunctionCodeSigningConfig", "ListTags")
OWN = (
    *("CreateFunction", "GetFunction", "ListTags", "TagResource", "UntagResource", "UpdateFunctionCode"),
    *("UpdateFunctionConfiguration", "DeleteFunction", "InvokeFunction"),
)
TOOLS = ("ListLayerVersions", "PublishLayerVersion", "DeleteLayerVersion")
FOR_A_VPC = ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")  # Lambda, Giving functions access to a VPC


def policy(named: Named, shell: str, region: str, partition: str, original: Function | None) -> dict[str, Any]:
    """original None: the caller may not read it, so wildcards stand for what is not known."""
    settings = settings_of(original) if original else None
    role = settings["Role"] if settings else f"arn:{partition}:iam::*:role/*"
    account = role.split(":")[4]
    functions = f"arn:{partition}:lambda:{region}:{account}:function:"
    theirs, ours = functions + named.name, functions + shell
    tools = f"arn:{partition}:lambda:{region}:{account}:layer:{tools_layer(shell)}"
    group = f"arn:{partition}:logs:{region}:{account}:log-group:{log_group(shell)}"
    layers = settings["Layers"] if settings else [f"arn:{partition}:lambda:{region}:*:layer:*:*"]
    passed = {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    statements = [
        _allow([f"lambda:{name}" for name in THEIRS], [theirs, f"{theirs}:*"]),
        _allow([f"lambda:{name}" for name in OWN], [ours]),
        _allow(["iam:PassRole"], [role]) | passed,
        _allow([f"lambda:{name}" for name in TOOLS], [tools, f"{tools}:*"]),
        _allow(["lambda:ListFunctions", "logs:DescribeLogGroups"], ["*"]),
        _allow(["logs:DeleteLogGroup"], [f"{group}:*"]),
    ]
    if layers:
        statements.append(_allow(["lambda:GetLayerVersion"], layers))
    if settings is None or settings["VpcConfig"]["SubnetIds"]:
        statements.append(_allow([f"ec2:{name}" for name in FOR_A_VPC], ["*"]))
    if settings is None or settings["FileSystemConfigs"]:
        statements.append(_allow(["elasticfilesystem:DescribeMountTargets"], ["*"]))
    if key := settings["KMSKeyArn"] if settings else f"arn:{partition}:kms:{region}:*:key/*":
        statements.append(_allow(["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"], [key]))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
