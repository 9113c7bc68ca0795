"""Lambda's quotas and the fixed numbers of its interfaces.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, and answers recorded from AWS by
LocalStack's snapshot tests (tests/aws/services/lambda_).
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024

MEMORY_MB = (128, 10_240)
STORAGE_MB = (512, 10_240)
# "The maximum allowed value is 1,800 seconds" (botocore 1.44.8, CreateFunction). Older copies of the guide say 900.
TIMEOUT_S = (1, 1_800)

REQUEST_BYTES = 6 * MIB
ASYNC_REQUEST_BYTES = 1 * MIB
# "Up to 3,583 bytes of base64-encoded data" (botocore, Invoke).
CLIENT_CONTEXT_BYTES = 3583
# Recorded from AWS: the cap on an answer is 6 MiB and 100 bytes.
RESPONSE_BYTES = 6 * MIB + 100

LOG_TAIL_BYTES = 4096

# The init phase has 10 seconds of its own; what takes longer starts again inside the invocation.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_S = 10.0


@dataclass(frozen=True)
class Patience:
    """How long the engine waits. init_s: for the init phase; body_s: for the body of a request whose headers are there;
    idle_s: for the headers of the next one (the kernel uses no connection that has been idle for a minute)."""

    init_s: float = INIT_S
    body_s: float = 60.0
    idle_s: float = 75.0


PROCESSES = 1024
# "2,500 tenant-isolated execution environments (active or idle) for every 1,000 concurrent executions".
TENANT_ENVIRONMENTS_PER_CONCURRENCY = 2.5

TENANT_ID_PATTERN = r"[a-zA-Z0-9._:/=+\-@ ]{1,256}"

# As in botocore's service model (NamespacedFunctionName, NumericLatestPublishedOrAliasQualifier), with our own region.
NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((?P<region>(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}|local):)?"
    r"(\d{12}:)?(function:)?(?P<name>[a-zA-Z0-9-_\.]+)(:(?P<qualifier>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
QUALIFIER_LENGTH = 128

ACCOUNT = "000000000000"
REGION = "local"
VERSION = "$LATEST"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
