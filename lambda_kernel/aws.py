"""boto3's sessions, as all of lambda-kernel makes them: which region they are for, and who is asked for an MFA code."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadCredentials
from .place import Place, Row

if TYPE_CHECKING:
    import boto3

Prompter = Callable[[str], str]

MFA = Row(
    BadCredentials,
    "the profile of {it} wants an MFA code, and there is no terminal here to ask for it on",
    "run {command} in a terminal, which keeps a session for an hour or so, and try again",
)


def make_session(
    place: Place,
    profile: str | None,
    region: str | None,
    keys: tuple[str, str] | None = None,
    prompter: Prompter | None = None,
) -> boto3.Session:
    """keys: an access key's id and secret, in place of what is configured. prompter: asks for MFA codes."""
    import boto3
    from botocore.session import Session

    core, (key, secret) = Session(profile=profile), keys or (None, None)
    if keys is None:
        share_roles(core, prompter or nobody(place, profile))
    return boto3.Session(
        botocore_session=core,
        region_name=region or environment_region(),
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def environment_region() -> str | None:
    """botocore reads AWS_DEFAULT_REGION only. The AWS CLI's version 2 and the other SDKs read AWS_REGION, and first
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html)."""
    return os.environ.get("AWS_REGION") or None


def share_roles(core: Any, prompter: Prompter) -> None:
    """Who has given a code to the AWS CLI need not give one here, and the other way round. There is no setting for
    either of the two, so they are put where the AWS CLI puts its own."""
    profiles = core.full_config.get("profiles", {}).values()
    if any("mfa_serial" in settings for settings in profiles):
        provider = core.get_component("credential_provider").get_provider("assume-role")
        provider.cache = RoleCache(Path("~/.aws/cli/cache").expanduser())
        provider._prompter = prompter


class RoleCache:
    """The AWS CLI's files of assumed roles, as far as they can be read and written."""

    def __init__(self, directory: Path) -> None:
        from botocore.utils import JSONFileCache

        self.files: Any = JSONFileCache(str(directory))  # its files are their owner's alone
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
    """Whether it is what STS answers."""
    keys = answer.get("Credentials") if isinstance(answer, dict) else None
    return isinstance(keys, dict) and {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} <= keys.keys()


def nobody(place: Place, profile: str | None) -> Prompter:
    """A kernel has no terminal of its own."""
    named = profile or os.environ.get("AWS_PROFILE")
    words = ["aws", "sts", "get-caller-identity", *(["--profile", named] if named else [])]

    def refuse(_: str) -> str:
        raise BadCredentials(place.sentence(MFA, command=f"`{shlex.join(words)}`"))

    return refuse


def on_the_terminal(place: Place, profile: str | None) -> Prompter:
    refuse = nobody(place, profile)

    def ask(prompt: str) -> str:
        if not has_terminal():
            return refuse(prompt)
        try:
            return getpass.getpass(prompt)
        except EOFError:
            return refuse(prompt)

    return ask


def has_terminal() -> bool:
    """getpass asks there even where stdin is something else."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True
