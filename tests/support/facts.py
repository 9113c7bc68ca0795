"""What a fact about Lambda is, and the ways to check one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"
MODEL = "botocore, data/lambda/2015-03-31/service-2.json"
# The answers of AWS itself that LocalStack's tests have saved.
RECORDED = "https://github.com/localstack/localstack/blob/8b9a79f/tests/aws/services/lambda_/"
LIFE = f"{GUIDE}lambda-runtime-environment.html"
QUOTAS = f"{GUIDE}gettingstarted-limits.html"

# The timeout of the function in the tests, in seconds.
TIMEOUT_S = 2


@dataclass(frozen=True)
class Seen:
    """What a command prints inside. Only root can have the emulator show some things: others see the second."""

    command: str
    pattern: str
    without_root: str | None = None


@dataclass(frozen=True)
class Logged:
    """What the log of one of the invocations in `tell` looks like. ID: its request id; MS: milliseconds."""

    invocation: str
    pattern: str


@dataclass(frozen=True)
class Answered:
    """What the caller of one of them gets."""

    invocation: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Refused:
    """What the API says of a call."""

    parameters: Mapping[str, Any]
    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Elsewhere:
    """The test that looks closer."""

    file: str
    test: str


@dataclass(frozen=True)
class Differs:
    """The row of the page's table that says how the emulator differs."""

    row: str


@dataclass(frozen=True)
class Fact:
    says: str
    source: str
    check: Seen | Logged | Answered | Refused | Elsewhere | Differs
