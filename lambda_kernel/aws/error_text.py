"""Sentences about a failed invocation: what happened, to which function, and what to do next."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import KernelError
from ..untrusted import visible

REQUEST_BYTES = 6_291_456  # of one invocation (Lambda quotas)
LONGEST_TIMEOUT_S = 1_800  # of a function (botocore 1.44.8, CreateFunction)
MESSAGE_CHARACTERS = 400
LOCAL = "local"
ENGINES_KEYS = (
    "use those that `lambda-kernel local` printed (`lambda-kernel install --credentials` keeps them), or restart the "
    "kernel"
)
# An account id, but not the last twelve digits of a request id.
ACCOUNT = re.compile(r"(?<![0-9])(?<!-[0-9a-f]{4}-)[0-9]{12}(?![0-9])")
TAG = re.compile(r"<[^<>]*>")  # proxies answer in HTML


class Row(NamedTuple):
    """An error of AWS: our exception, and its sentence. local: the advice if the function is the local emulator's.

    Names in braces are filled in: it, where, login, renew, size, limit, and others from the caller.
    """

    kind: type[KernelError]
    what: str
    advice: str
    local: str = "run the cell again, and restart the kernel if that does not help"


@dataclass(frozen=True)
class ErrorContext:
    """The function and request that an error is about. Account ids are masked, because notebooks keep the sentence.

    profile: the one that the target names; tenant: whether the request had a tenant id; size: its bytes.
    """

    function: str = ""
    region: str = ""
    profile: str | None = None
    tenant: bool = False
    size: int = 0

    @property
    def local(self) -> bool:
        return self.region == LOCAL

    @property
    def where(self) -> str:
        if self.local:
            return " in the local emulator"
        return f" in {self.region}" if self.region else ""

    def __str__(self) -> str:
        return f"`{mask(self.function)}`{self.where}" if self.function else f"the function{self.where}"

    @property
    def login(self) -> str:
        """The command to sign in again."""
        profile = self.profile or os.environ.get("AWS_PROFILE")
        return "`aws sso login" + (f" --profile {shlex.quote(profile)}" if profile else "") + "`"

    @property
    def renew(self) -> str:
        """How to give the kernel other credentials.

        botocore reads the environment first, unless a profile is named, and the environment of a running process cannot
        be changed.
        """
        if not self.profile and "AWS_ACCESS_KEY_ID" in os.environ:
            return "they are in the kernel's environment, so restart the kernel with new ones, or name a profile"
        return f"renew them (for example with {self.login}) and try again"

    def sentence(self, row: Row, **words: object) -> str:
        about = {"it": self, "where": self.where, "login": self.login, "renew": self.renew}
        numbers = {"size": f"{self.size:,}", "limit": f"{REQUEST_BYTES:,}"}
        return f"{row.what}: {row.local if self.local else row.advice}".format(**about, **numbers, **words)


def mask(text: str) -> str:
    return ACCOUNT.sub("*" * 12, text)


def clean(text: object) -> str:
    """Somebody else's message, made fit for the middle of a sentence."""
    page = str(text).lstrip().startswith("<")
    line = " ".join(TAG.sub(" ", str(text)).split() if page else str(text).split())
    return mask(visible(line, MESSAGE_CHARACTERS)).rstrip(".")
