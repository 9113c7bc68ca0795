"""The sentences about an invocation that went wrong: what happened, to which function, and what to do next."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import NamedTuple

from .errors import KernelError

REQUEST_BYTES = 6_291_456  # of one invocation (Lambda quotas)
LONGEST_TIMEOUT_S = 1_800  # of a function (botocore 1.44.8, CreateFunction)
MESSAGE_CHARACTERS = 400
LOCAL = "local"
ENGINES_KEYS = "take those that `lambda-kernel local` has printed, or restart the kernel"
# An account id; the last twelve digits of a request id are none.
ACCOUNT = re.compile(r"(?<![0-9])(?<!-[0-9a-f]{4}-)[0-9]{12}(?![0-9])")
TAG = re.compile(r"<[^<>]*>")  # proxies answer in HTML


class Row(NamedTuple):
    """An error: which of ours it is, and its sentence. Between braces: it, where, login, renew, size, limit, and what
    the table's reader knows besides. local: the advice where the function is the local engine's."""

    kind: type[KernelError]
    what: str
    advice: str
    local: str = "run the cell again, and restart the kernel if that does not help"


@dataclass(frozen=True)
class Place:
    """Account ids are masked in what is shown of it, since a notebook keeps that.

    profile: the one that the target names; tenant: whether the request bore a tenant id; size: its bytes.
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
            return " in the local engine"
        return f" in {self.region}" if self.region else ""

    def __str__(self) -> str:
        return f"`{mask(self.function)}`{self.where}" if self.function else f"the function{self.where}"

    @property
    def login(self) -> str:
        """The command that signs in again."""
        profile = self.profile or os.environ.get("AWS_PROFILE")
        return "`aws sso login" + (f" --profile {shlex.quote(profile)}" if profile else "") + "`"

    @property
    def renew(self) -> str:
        """How other credentials come to the kernel. botocore looks at the environment first, unless a profile is named
        to it, and nobody can change that of a process."""
        if not self.profile and "AWS_ACCESS_KEY_ID" in os.environ:
            return "those are in the kernel's environment, so restart it with new ones, or name a profile"
        return f"renew them ({self.login}, say) and try again"

    def sentence(self, row: Row, **words: object) -> str:
        about = {"it": self, "where": self.where, "login": self.login, "renew": self.renew}
        numbers = {"size": f"{self.size:,}", "limit": f"{REQUEST_BYTES:,}"}
        return f"{row.what}: {row.local if self.local else row.advice}".format(**about, **numbers, **words)


def mask(text: str) -> str:
    return ACCOUNT.sub("*" * 12, text)


def clean(text: object) -> str:
    """A message of someone else's, for the middle of a sentence."""
    page = str(text).lstrip().startswith("<")
    line = " ".join(TAG.sub(" ", str(text)).split() if page else str(text).split())
    short = line if len(line) <= MESSAGE_CHARACTERS else f"{line[:MESSAGE_CHARACTERS]}…"
    return mask(short).rstrip(".")
