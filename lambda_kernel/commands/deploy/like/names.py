"""Which function a shell is to be like, and the shell's own name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .. import template
from ..problems import DeployError

# A name, a partial ARN or an ARN, with a version or an alias (Lambda API reference, GetFunction, FunctionName).
NAMED = re.compile(
    r"(?:(?:arn:[\w-]+:lambda:(?P<region>[\w-]+):)?(?P<account>[0-9]{12}):function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)
LATEST = "$LATEST"


@dataclass(frozen=True)
class Named:
    """A function as the user names it. qualifier: an alias or a version, empty for the newest state of the code."""

    name: str
    qualifier: str = ""
    account: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.qualifier}" if self.qualifier else self.name

    @property
    def shell(self) -> str:
        """The default name of its shell. Raises DeployError."""
        name = f"{self.name}-{self.qualifier}-shell" if self.qualifier else f"{self.name}-shell"
        if not template.FUNCTION_NAME.fullmatch(name):
            raise DeployError(f"{name!r} is too long for the name of a function: choose a shorter one with --function")
        return name


def parse(text: str, region: str | None = None) -> Named:
    """region: the one that the user has given. Raises DeployError."""
    found = NAMED.fullmatch(text)
    if found is None:
        raise DeployError(
            f"{text!r} is not a function that --like can take: write a name or an ARN, and perhaps an alias or a "
            "version, as in checkout:prod"
        )
    if region and found["region"] not in (None, region):
        raise DeployError(
            f"the ARN after --like names a function in {found['region']}, and the region given is {region}: leave "
            "--region out, or name the same region in both"
        )
    qualifier = "" if found["qualifier"] in (None, LATEST) else found["qualifier"]
    return Named(found["name"], qualifier, found["account"], found["region"])
