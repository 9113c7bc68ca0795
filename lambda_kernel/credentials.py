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
# Other services' ones: by the name that they are given, as options, in headers and URLs, and by their known beginnings.
GIVEN = r"(?:token|secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|private[_-]?key|access[_-]?key)"
OTHERS = [
    rf"""((?<![\w-])[\w-]{{0,50}}{GIVEN}(?:=|["'][ \t]*:[ \t]*)["']?)[^\s"'`$,;(){{}}&|]{{6,}}""",
    rf"""(--?{GIVEN}[ \t]+["']?)[^\s"'`$,;(){{}}&|-][^\s"'`$,;(){{}}&|]{{5,}}""",
    r"""(\bauthorization["']?[ \t]*[:=][ \t]*["']?\w{1,20}[ \t]+)[^\s"'`$]{6,}""",
    r"""(\bcurl\b[^\n|;&]{0,500}?[ \t](?:-[a-zA-Z]{0,9}u|--user)[ \t=]*["']?[^\s:'"$]{1,100}:)[^\s"'`$]+""",
    r"""(\w://[^\s/:@'"]{1,100}:)[^\s/@'"$]{1,200}(?=@)""",
    r"()\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk[-_](?:live|proj|ant|test)[-_]|hf_|npm_)[\w-]{16,}",
    r"()\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*",
]
OTHER_SECRETS = [re.compile(f"(?i){pattern}") for pattern in OTHERS]
# A secret access key by itself: 40 characters, of which a hash has no capitals and a word no digits.
MIXED = r"(?=[a-z\d/+]{0,39}[A-Z])(?=[A-Z\d/+]{0,39}[a-z])(?=[A-Za-z/+]{0,39}\d)"
BARE_KEY = re.compile(rf"(?<![\w/+=.-]){MIXED}[\w/+]{{40}}(?![\w/+=.-])")


def typed_without(text: str) -> str:
    """A text that was typed, without the credentials in it."""
    whole = text.replace("\\\n", "")  # as bash reads a line that goes on behind a backslash
    redacted = without(whole)
    return without(text) if redacted == whole else redacted


def without(text: str) -> str:
    text = KEY_ID.sub("[redacted]", TYPED_SECRET.sub(r"\1[redacted]", text))
    for secret in OTHER_SECRETS:
        text = secret.sub(r"\1[redacted]", text)
    return BARE_KEY.sub("[redacted]", text)
