"""Finds credentials in a text by the names beside them, and by the form of a key's id."""

from __future__ import annotations

import functools
import re

from ..function import index as wire

NAMES = "|".join(wire.SECRETS)
NAMED_SECRET = re.compile(rf"""\b({NAMES})(?:["']?[ \t]*[=:][ \t]*["']?)([^\s"',;]{{{wire.SECRET_BYTES},}})""")
KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
# The forms in which people type them: environment variables, the keys of ~/.aws/credentials and of STS's answers, and
# with a blank between, as `aws configure set`, fish's `set` and csh's `setenv` have them. The value of a variable or a
# command ($, `) is no secret. Repetitions that could begin anywhere have bounds: `set -set -set …` would take minutes.
TYPED_NAME = r"(?:access[_-]?key[_-]?id|secret[_-]?access[_-]?key|session[_-]?token|metadata[_-]?token)"
SET = r"\bset(?:env)?(?:[ \t]+[\w-]{1,20}){0,3}[ \t]+[\w.]{0,99}"
TYPED_SECRET = re.compile(
    rf"""(?i)({TYPED_NAME}["']?[ \t]*[=:][ \t]*["']?|{SET}{TYPED_NAME}[ \t]+["']?)"""
    rf"""[^\s"'`$,;(){{}}]{{{wire.SECRET_BYTES},}}"""
)
# Credentials of other services: by a name, as options, in headers and URLs, behind the options of commands that take
# them, and by their known beginnings. (detect-secrets finds few of these forms: it is made for source code.)
GIVEN = r"(?:token|secret|passw(?:or)?d|passphrase|pwd|(?:api|auth|private|access|secret|encryption)[_-]?key)"
MIXED_16 = r"(?=[\w+/-]{0,15}\d)(?=[\w+/-]{0,15}[A-Za-z])"


def _given(before: str, least: int) -> str:
    """A value of at least so many characters, perhaps in quotes, behind `before`. No value of a variable or command."""
    quoted, bare = (
        rf"[^'\"$`\n]{{{least},}}(?=(?P=quote))",
        rf"[^\s\"'`$,;(){{}}&|<>-][^\s\"'`$,;(){{}}&|<>]{{{least - 1},}}",
    )
    return rf"""({before}(?P<quote>["'])?)(?(quote){quoted}|{bare})"""


def _of(commands: str, option: str, value: str = r"""["']?)[^\s"'`$;|&<>]+""") -> str:
    """The value of an option of one of these commands."""
    return rf"""(\b(?:{commands})\b(?:[^\n|;&'"]|'[^'\n]*'|"[^"\n]*"){{0,200}}?[ \t](?-i:{option}){value}"""


PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
LOGINS = r"sshpass|(?:docker|podman|az|oc|cf|helm[ ]registry)[ ]login|mongo(?:sh|dump|restore|export|import)?"
OTHERS = [
    rf"({PEM}(?:\s|\\n)*)(?=[a-z0-9+/=]{{16}}|[a-z-]{{1,20}}: )[^-]{{1,20000}}",
    _given(rf"(?<![\w-])[\w-]{{0,50}}{GIVEN}(?:=|[\"'][ \t]*:[ \t]*)", 3),
    _given(r"(?<![\w-])[\w-]{0,50}pass=", 3),
    rf"""((?<![\w-])\w{{0,50}}key=["']?){MIXED_16}[\w+/=-]{{16,}}""",
    _given(rf"(?<![\w-])--?[\w-]{{0,30}}?(?:{GIVEN}|pass)(?:[ \t]+|=)", 3),
    _given(rf"(?m:^)[ \t]*[\w-]{{0,50}}{GIVEN}(?:[ \t]*:|[ \t]+=)[ \t]*", 3),
    _given(rf"\bset(?:env)?(?:[ \t]+-\w{{1,5}})?[ \t]+\w{{0,50}}{GIVEN}[ \t]+", 6),
    r"""(["'][\w-]{0,40}(?:key|token|secret|passw(?:or)?d):[ \t]*)[^\s"'`$]{6,}""",
    r"""(["'](?:set-)?cookie:[ \t]*[^\s=;"'$]{1,50}=)[^\s;"'`$]{6,}""",
    r"""(\bauthorization["']?[ \t]*[:=][ \t]*["']?\w{1,20}[ \t]+)[^\s"'`$]{6,}""",
    _of("curl", r"""(?:-b|--cookie)[ \t=]*["']?[^\s=;"'$]{1,50}=""", r""")[^\s;"'`$]{6,}"""),
    _of("curl", r"""(?:-[a-zA-Z]{0,9}u|--user)[ \t=]*["']?[^\s:'"$]{1,100}:""", r""")[^\s:'"`$]+"""),
    _of("https?", r"""(?:-a|--auth)[ \t=]*["']?[^\s:'"$]{1,100}:""", r""")[^\s:'"`$]+"""),
    _of(r"mysql\w*|mariadb[\w-]*|7z[ar]?|sshpass", "-p"),
    _of(LOGINS, r"-p[ \t]+"),
    _of("redis-cli", r"-a[ \t]+"),
    _of(r"ldap(?:search|add|modify|delete|passwd|whoami)", r"-w[ \t]*"),
    _of("(?:un)?zip", r"-P[ \t]*"),
    _of("smbclient", r"""-U[ \t]*["']?[^\s%"'$]{1,100}%""", r""")[^\s"'`$]+"""),
    _of("htpasswd", r"-\w{0,5}b\w{0,5}[ \t]+[^\s$]{1,200}[ \t]+[^\s$]{1,100}[ \t]+"),
    r"""(-pass(?:in|out)?[ \t]+["']?pass:)[^\s"'`$]+""",
    r"""(["']?[\w.-]{1,100}:)[^\s"'`$:]+(?=["']?[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd\b)""",
    r"""(\w://[^\s/:@'"]{0,100}:)[^\s/@'"$]{1,200}(?=@)""",
    r"()\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_](?:live|proj|ant|test)[-_]|hf_|npm_|hvs\.|pypi-)[\w-]{16,}",
    r"()\bAIza[\w-]{35}|()\bSG\.[\w-]{16,32}\.[\w-]{32,64}|()\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
    r"(\bhooks\.slack\.com/services/)[\w/]{16,}",
    r"()\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*",
]
# A secret access key by itself: 40 characters. A hash has no capitals, and a word has no digits.
MIXED = r"(?=[a-z\d/+]{0,39}[A-Z])(?=[A-Z\d/+]{0,39}[a-z])(?=[A-Za-z/+]{0,39}\d)"
BARE_KEY = re.compile(rf"(?<![\w/+=.-]){MIXED}[\w/+]{{40}}(?![\w/+=.-])")


@functools.cache
def other_secrets() -> list[re.Pattern[str]]:
    """It takes 6 ms to compile them, which a start need not wait for."""
    return [re.compile(f"(?i){pattern}") for pattern in OTHERS]


def typed_without(text: str) -> str:
    """The text that a user typed, without the credentials in it."""
    whole = text.replace("\\\n", "")  # as bash reads a line that goes on behind a backslash
    redacted = without(whole)
    return redacted if redacted != whole or whole == text else without(text)


def without(text: str) -> str:
    text = KEY_ID.sub("[redacted]", TYPED_SECRET.sub(r"\1[redacted]", text))
    for secret in other_secrets():
        text = secret.sub(lambda found: f"{found[1] or ''}[redacted]", text)
    return BARE_KEY.sub("[redacted]", text)
