"""Makes sessions of boto3 and botocore for all of lambda-kernel: their region, and who is asked for an MFA code."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadCredentials
from .error_text import ErrorContext, Row

if TYPE_CHECKING:
    import boto3
    from botocore.session import Session

Prompter = Callable[[str], str]

MFA = Row(
    BadCredentials,
    "the profile of {it} needs an MFA code, and there is no terminal to ask for it",
    "run {command} in a terminal, which keeps the session for about an hour, and try again",
)


def make_session(
    context: ErrorContext, profile: str | None, region: str | None, prompter: Prompter | None = None
) -> boto3.Session:
    """prompter: asks for MFA codes."""
    import boto3

    return boto3.Session(
        botocore_session=make_core(context, profile, prompter), region_name=region or environment_region()
    )


def make_core(
    context: ErrorContext, profile: str | None, prompter: Prompter | None = None, *, keys: bool = False
) -> Session:
    """botocore's session, which boto3's is made of. keys: its clients get keys, so no role is assumed."""
    from botocore.session import Session

    from .data_files import FILES

    core = Session(profile=profile)
    core.get_component("data_loader").file_loader = FILES
    if not keys:
        share_roles(core, prompter or nobody(context, profile))
    return core


def environment_region() -> str | None:
    """botocore reads AWS_DEFAULT_REGION only. Version 2 of the AWS CLI and other SDKs read AWS_REGION first
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html)."""
    return os.environ.get("AWS_REGION") or None


def alone(endpoint_url: str | None, profile: str | None) -> bool:
    """Whether Lambda is the only service that is called, since credentials need no other: botocore looks for those of
    the environment first, unless a profile is given."""
    keys = os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")
    return bool(endpoint_url and keys and not profile)


def share_roles(core: Any, prompter: Prompter) -> None:
    """Share assumed roles with the AWS CLI, so that an MFA code is asked for once.

    There is no setting for the cache or the prompter, so they are put where the AWS CLI puts them.
    """
    profiles = core.full_config.get("profiles", {}).values()
    if any("mfa_serial" in settings for settings in profiles):
        provider = core.get_component("credential_provider").get_provider("assume-role")
        provider.cache = RoleCache(Path("~/.aws/cli/cache").expanduser())
        provider._prompter = prompter


class RoleCache:
    """The AWS CLI's files of assumed roles. Files that cannot be read or written are skipped."""

    def __init__(self, directory: Path) -> None:
        from botocore.utils import JSONFileCache

        self.files: Any = JSONFileCache(str(directory))  # only the owner can read its files
        self.own: dict[str, Any] = {}

    def __contains__(self, key: str) -> bool:
        with contextlib.suppress(KeyError):
            found = self.files[key]
            if usable(found):
                self.own[key] = found
        return key in self.own

    def __getitem__(self, key: str) -> Any:
        return self.own[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.own[key] = value
        with contextlib.suppress(OSError):
            self.files[key] = value


def usable(answer: Any) -> bool:
    """Whether it is an answer of STS."""
    keys = answer.get("Credentials") if isinstance(answer, dict) else None
    return isinstance(keys, dict) and {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} <= keys.keys()


def nobody(context: ErrorContext, profile: str | None) -> Prompter:
    """For a kernel, which has no terminal."""
    named = profile or os.environ.get("AWS_PROFILE")
    words = ["aws", "sts", "get-caller-identity", *(["--profile", named] if named else [])]

    def refuse(_: str) -> str:
        raise BadCredentials(context.sentence(MFA, command=f"`{shlex.join(words)}`"))

    return refuse


def on_the_terminal(context: ErrorContext, profile: str | None) -> Prompter:
    refuse = nobody(context, profile)

    def ask(prompt: str) -> str:
        if not has_terminal():
            return refuse(prompt)
        try:
            return getpass.getpass(prompt)
        except EOFError:
            return refuse(prompt)

    return ask


def has_terminal() -> bool:
    """getpass uses /dev/tty even if stdin is something else."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True
