"""Lambda's quotas and the fixed numbers of its interfaces.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, and answers recorded from AWS by
LocalStack's snapshot tests (tests/aws/services/lambda_).
"""

from __future__ import annotations

MIB = 1024 * 1024

MEMORY_MB = (128, 10_240)
# "The maximum allowed value is 1,800 seconds" (botocore 1.44.8, CreateFunction). Older copies of the guide say 900.
TIMEOUT_S = (1, 1_800)

REQUEST_BYTES = 6 * MIB
ASYNC_REQUEST_BYTES = 1 * MIB
# Recorded from AWS: the cap on an answer is 6 MiB and 100 bytes.
RESPONSE_BYTES = 6 * MIB + 100

LOG_TAIL_BYTES = 4096

# The init phase has 10 seconds of its own; what takes longer starts again inside the invocation.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_S = 10.0

PROCESSES = 1024
# "2,500 tenant-isolated execution environments (active or idle) for every 1,000 concurrent executions".
TENANT_ENVIRONMENTS_PER_CONCURRENCY = 2.5

TENANT_ID_PATTERN = r"[a-zA-Z0-9._:/=+\-@ ]{1,256}"

ACCOUNT = "000000000000"
REGION = "local"
VERSION = "$LATEST"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
