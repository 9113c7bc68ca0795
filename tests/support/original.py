"""A function of somebody's, as Lambda describes it: in a VPC, with file systems, a KMS key, layers and tags."""

from __future__ import annotations

from typing import Any

from lambda_kernel.commands.deploy.like.settings import Function
from tests.support.packages import zipped

ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/checkout"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:lib:3"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
MOUNT = {
    "Arn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-0123456789abcdef0",
    "LocalMountPath": "/mnt/data",
}
VPC = {"SubnetIds": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": True}
PACKAGE = zipped({"app.py": "def handler(event, context): ...\n"})
CONFIG: dict[str, Any] = {
    "FunctionName": "checkout",
    "FunctionArn": ARN,
    "Runtime": "python3.12",
    "Handler": "app.handler",
    "Role": ROLE,
    "Description": "Takes orders",
    "MemorySize": 512,
    "Timeout": 30,
    "CodeSize": len(PACKAGE),
    "CodeSha256": "theirs=",
    "Version": "$LATEST",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "PackageType": "Zip",
    "Architectures": ["arm64"],
    "EphemeralStorage": {"Size": 1024},
    "VpcConfig": {**VPC, "VpcId": "vpc-1"},
    "Environment": {"Variables": {"DB_PASSWORD": "correct horse", "STAGE": "prod"}},
    "KMSKeyArn": KEY,
    "TracingConfig": {"Mode": "Active"},
    "Layers": [{"Arn": LAYER, "CodeSize": 1}],
    "FileSystemConfigs": [MOUNT],
    "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/checkout"},
}
TAGS = {"team": "orders", "aws:cloudformation:stack-name": "orders"}


def original(config: dict[str, Any] | None = None, **given: Any) -> Function:
    return Function(**{"config": CONFIG | (config or {}), "tags": TAGS, "location": "https://s3/checkout", **given})
