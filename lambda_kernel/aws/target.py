"""Which function a kernel talks to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..errors import UsageError

LOCAL_NAME = "local"
HOST = "host"
NETWORKS = (HOST, "none", "nat")  # as in lambda_kernel.local.network
CPUS = (HOST, "lambda")  # as in lambda_kernel.local.cpu_share
MEMORY_MB, STORAGE_MB = (128, 10_240), (512, 10_240)  # as in lambda_kernel.local.quotas
FUNCTION_VARIABLE = "LAMBDA_KERNEL_FUNCTION"
# Environment variables of the kernel's process: those that it reads, and the most important ones that boto3 reads.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        FUNCTION_VARIABLE: "the function that cells run on; `local` for the local emulator",
        "AWS_PROFILE": "the profile whose credentials and settings are used",
        "AWS_REGION": "the region; it counts before AWS_DEFAULT_REGION, as in version 2 of the AWS CLI",
        "AWS_DEFAULT_REGION": "the region, if AWS_REGION is not set",
        "AWS_ENDPOINT_URL_LAMBDA": "the endpoint to call instead of AWS Lambda's",
        "AWS_ACCESS_KEY_ID": "with AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: credentials; new ones need a restart",
        "AWS_CA_BUNDLE": "certificates to trust, for a proxy with its own certificate",
        "AWS_CONFIG_FILE": "the AWS configuration file, if it is not ~/.aws/config",
        "HTTPS_PROXY": "the proxy for connections to AWS; NO_PROXY names hosts that need none",
        "JUPYTER_CONFIG_DIR": "the directory of lambda_kernel_config.py, if it is not ~/.jupyter",
        "JUPYTER_DATA_DIR": "the directory of the history and of stored credentials, both in lambda-kernel/",
    }
)
# A name, a partial ARN or an ARN, with a version or an alias (Lambda API reference, Invoke, FunctionName).
FUNCTION = re.compile(
    r"(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:|(\d{12}:)?function:|\d{12}:)?"
    r"[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?",
    re.ASCII,
)
ARN = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):")


@dataclass(frozen=True)
class Emulator:
    """How the local emulator runs the function.

    network, cpu: `host` is this machine's; image: the container image that is the root, if it is not this machine's.
    """

    network: str = HOST
    memory_mb: int = 128
    storage_mb: int = 512
    cpu: str = HOST
    image: str | None = None

    def __post_init__(self) -> None:
        for name, value, (low, high) in (
            ("memory", self.memory_mb, MEMORY_MB),
            ("storage", self.storage_mb, STORAGE_MB),
        ):
            if not low <= value <= high:
                raise UsageError(f"the {name} is {value}: choose {low} to {high} MB")

    def __str__(self) -> str:
        """Say what differs from the usual."""
        parts = [
            "the local emulator",
            f"image {self.image}" if self.image else "",
            f"network `{self.network}`" if self.network != USUAL.network else "",
            f"{self.memory_mb} MB" if self.memory_mb != USUAL.memory_mb else "",
            f"/tmp of {self.storage_mb} MB" if self.storage_mb != USUAL.storage_mb else "",
            "CPU as on Lambda" if self.cpu != USUAL.cpu else "",
        ]
        return ", ".join(filter(None, parts))


USUAL = Emulator()


@dataclass(frozen=True)
class Target:
    """A function and how to reach it. None: as the usual AWS settings say.

    profile: for the local emulator, the one that may pull its image from Amazon ECR. slot: which shell of the fleet,
    from 0; None: the one that is in no fleet. stored: credentials have been stored for the endpoint, so that nothing
    works without them.
    """

    function: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    emulator: Emulator = USUAL
    slot: int | None = None
    stored: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not FUNCTION.fullmatch(self.function):
            raise UsageError(
                f"{self.function!r} is not the name of a function: use letters, digits, - and _, or an ARN"
            )
        if self.region and self.region != (region_in(self.function) or self.region):
            raise UsageError(
                f"the ARN names a function in {region_in(self.function)}, and the region given is {self.region}: "
                "leave --region out, or name the same region in both"
            )

    @property
    def local(self) -> bool:
        return self.function == LOCAL_NAME

    @property
    def whole(self) -> Target:
        """The function that a fleet's shell belongs to."""
        return self if self.slot is None else replace(self, slot=None)

    def __str__(self) -> str:
        places = [self.region, self.profile and f"profile {self.profile}", self.endpoint_url]
        where = [str(self.emulator)] if self.local else [self.function, *places]
        return ", ".join(filter(None, [*where, "" if self.slot is None else f"shell {self.slot} of its fleet"]))


LOCAL = Target(LOCAL_NAME)


def resolve(*choices: Mapping[str, str | None], emulator: Emulator = USUAL) -> Target:
    """The first choice that names a function, else the local emulator.

    A choice holds `function`, and perhaps `region`, `profile` and `endpoint_url`, and whether there are
    `stored_credentials`. Credentials alone never choose AWS, because AWS costs money.
    """
    for choice in choices:
        function = choice.get("function")
        if function:
            region, profile, endpoint_url = choice.get("region"), choice.get("profile"), choice.get("endpoint_url")
            target = named(function, region, profile, endpoint_url, emulator=emulator)
            return replace(target, stored=choice.get("stored_credentials") == str(True))
    profile = next((found for choice in choices if (found := choice.get("profile"))), None)
    return named(LOCAL_NAME, None, profile, None, emulator=emulator)


def named(
    function: str, region: str | None, profile: str | None, endpoint_url: str | None, *, emulator: Emulator = USUAL
) -> Target:
    if function == LOCAL_NAME:
        return Target(LOCAL_NAME, profile=(profile or None) if emulator.image else None, emulator=emulator)
    return Target(function, region or region_in(function), profile or None, endpoint_url or None)


def region_in(function: str) -> str | None:
    """The region that an ARN names. An endpoint of Lambda reaches functions of its own region only."""
    found = ARN.match(function)
    return found["region"] if found else None
