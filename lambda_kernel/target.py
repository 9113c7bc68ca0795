"""Which function a kernel talks to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import UsageError

LOCAL_NAME = "local"
# A name, a partial ARN or an ARN, with a version or an alias (Lambda API reference, Invoke, FunctionName).
FUNCTION = re.compile(r"[a-zA-Z0-9:_$-]{1,170}")
ARN = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):")


@dataclass(frozen=True)
class Target:
    """A function and how to reach it. None leaves the choice to the usual AWS settings."""

    function: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    def __post_init__(self) -> None:
        if not FUNCTION.fullmatch(self.function):
            raise UsageError(f"{self.function!r} is no name of a function: letters, digits, - and _, or an ARN")
        if self.region and self.region != (region_in(self.function) or self.region):
            raise UsageError(
                f"the ARN names a function in {region_in(self.function)}, and the region given is {self.region}: "
                "leave --region out, or name the same region in both"
            )

    @property
    def local(self) -> bool:
        return self == LOCAL

    def __str__(self) -> str:
        if self.local:
            return "the local engine"
        places = [self.region, self.profile and f"profile {self.profile}", self.endpoint_url]
        return self.function + "".join(f", {place}" for place in places if place)


LOCAL = Target(LOCAL_NAME)


def resolve(*choices: Mapping[str, str | None]) -> Target:
    """The first choice that names a function; without one, the local engine.

    A choice holds `function`, and perhaps `region`, `profile` and `endpoint_url`. Credentials alone never choose AWS:
    it costs money.
    """
    for choice in choices:
        function = choice.get("function")
        if function:
            return named(function, choice.get("region"), choice.get("profile"), choice.get("endpoint_url"))
    return LOCAL


def named(function: str, region: str | None, profile: str | None, endpoint_url: str | None) -> Target:
    if function == LOCAL_NAME:
        return LOCAL
    return Target(function, region or region_in(function), profile or None, endpoint_url or None)


def region_in(function: str) -> str | None:
    """The region that an ARN names. Lambda reaches functions of the endpoint's own region only."""
    found = ARN.match(function)
    return found["region"] if found else None
