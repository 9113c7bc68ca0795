"""Credentials for private registries, from where Docker and Podman keep them.

https://docs.docker.com/reference/cli/docker/login/#credential-stores and containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .reference import DOCKER_HUB

# A user and a password for a registry, or None.
Credentials = Callable[[str], tuple[str, str] | None]
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_S = 30
_NO_USER = "<token>"  # a helper's secret is then a refresh token of OAuth 2, which registries of AWS do not use


def nobody(registry: str) -> None:
    """Pull anonymously."""


def docker_credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Look into Docker's configuration, then into Podman's."""

    def find(registry: str) -> tuple[str, str] | None:
        for path in _files(environment):
            found = _from_file(path, registry)
            if found is not None:
                return found
        return None

    return find


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME", "~")).expanduser()
    if file := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(file)
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"


def _from_file(path: Path, registry: str) -> tuple[str, str] | None:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict):
        return None
    for key in (_DOCKER_HUB_KEY, DOCKER_HUB) if registry == DOCKER_HUB else (registry, f"https://{registry}"):
        helper = _member(config, "credHelpers").get(key) or config.get("credsStore")
        found = _ask(helper, key) if isinstance(helper, str) else None
        if found := found or _basic(_member(_member(config, "auths"), key).get("auth")):
            return found
    return None


def _ask(helper: str, key: str) -> tuple[str, str] | None:
    """Ask a credential helper: https://github.com/docker/docker-credential-helpers."""
    if not _HELPER_NAME.fullmatch(helper):
        return None
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"], input=key, capture_output=True, text=True, timeout=_HELPER_S,
            check=True,
        )  # fmt: skip
        answer = json.loads(done.stdout)
        user, secret = answer["Username"], answer["Secret"]
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None
    return None if user == _NO_USER else (str(user), str(secret))


def _basic(encoded: object) -> tuple[str, str] | None:
    if not isinstance(encoded, str) or not encoded:
        return None
    try:
        user, colon, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password.rstrip("\0")) if colon else None


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
