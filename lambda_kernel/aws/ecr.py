"""Credentials for AWS's private registries: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from ..images.credentials import Credentials

_REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[\w-]+)\.amazonaws\.com(?:\.cn)?")


def with_ecr(otherwise: Credentials, make_client: Callable[[str], Any]) -> Credentials:
    """Ask AWS for a token where the registry is Amazon ECR's. make_client: from a region to a client of `ecr`."""

    def find(registry: str) -> tuple[str, str] | None:
        there = _REGISTRY.fullmatch(registry)
        if there is None:
            return otherwise(registry)
        return _token(make_client, there["region"]) or otherwise(registry)

    return find


def _token(make_client: Callable[[str], Any], region: str) -> tuple[str, str] | None:
    """None: who calls has no credentials, or may not. The registry then says so."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ..errors import BadCredentials

    try:
        [answer] = make_client(region).get_authorization_token()["authorizationData"][:1]
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
    except (BotoCoreError, ClientError, BadCredentials, LookupError, ValueError):
        return None
    return user, password


def client_of(profile: str | None) -> Callable[[str], Any]:
    def make(region: str) -> Any:
        from .boto_session import make_session
        from .error_text import ErrorContext

        return make_session(ErrorContext(region=region, profile=profile), profile, region).client("ecr")

    return make
