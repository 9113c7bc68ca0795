"""Credentials in a text, told by their looks: by the names beside them, and by the form of a key's id."""

from __future__ import annotations

import re

from .function import index as wire

NAMES = "|".join(wire.SECRETS)
NAMED_SECRET = re.compile(rf"""\b({NAMES})(?:["']?[ \t]*[=:][ \t]*["']?)([^\s"',;]{{{wire.SECRET_BYTES},}})""")
KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
# As people type them: environment variables, the keys of ~/.aws/credentials and of STS's answers; with a blank between
# after the set of `aws configure` and fish, or csh's setenv. What a variable or a command gives ($, `) is no secret.
# Repetitions have bounds where they could begin anywhere: `set -set -set …` would take minutes.
TYPED_NAME = r"(?:access[_-]?key[_-]?id|secret[_-]?access[_-]?key|session[_-]?token|metadata[_-]?token)"
SET = r"\bset(?:env)?(?:[ \t]+[\w-]{1,20}){0,3}[ \t]+[\w.]{0,99}"
TYPED_SECRET = re.compile(
    rf"""(?i)({TYPED_NAME}["']?[ \t]*[=:][ \t]*["']?|{SET}{TYPED_NAME}[ \t]+["']?)"""
    rf"""[^\s"'`$,;(){{}}]{{{wire.SECRET_BYTES},}}"""
)


def typed_without(text: str) -> str:
    """A text that was typed, without the credentials in it."""
    return KEY_ID.sub("[redacted]", TYPED_SECRET.sub(r"\1[redacted]", text))
