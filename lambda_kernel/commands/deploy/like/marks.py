"""The tags that make a shell ours, and say what it is like."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from .... import __version__
from .. import template
from .package import shell_code
from .settings import TAGS, own_tags

LIKE = "lambda-kernel:like"
MADE = "lambda-kernel:made"
CODE = "lambda-kernel:code"
ORIGINAL_CODE = "lambda-kernel:original-code"
MARKS = (LIKE, MADE, CODE, ORIGINAL_CODE)
ROOM = TAGS - len(MARKS)
TIME = "%Y-%m-%dT%H:%M:%SZ"
DESCRIBED = "lambda-kernel: a shell with what "  # how a list of functions, which has no tags, shows ours


@dataclass(frozen=True)
class Mark:
    """What the tags say. like: the original, as the user named it; made: when the shell was created; version and code:
    of lambda-kernel's file; original_code: the hash of the original's package."""

    like: str
    made: str
    version: str
    code: str
    original_code: str

    @property
    def current(self) -> bool:
        """Whether the shell has the file of this version."""
        return self.code == template.code_hash(shell_code())

    def age(self, now: datetime.datetime) -> str:
        """How long ago it was made, for people."""
        try:
            made = datetime.datetime.strptime(self.made, TIME).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            return "unknown"
        minutes = max(int((now - made).total_seconds()) // 60, 0)
        for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
            if minutes >= size:
                return f"{minutes // size} {unit}{'s' if minutes // size > 1 else ''}"
        return "under a minute"


def description(like: str) -> str:
    return f"{DESCRIBED}{like} has"


def read(tags: Mapping[str, str] | None) -> Mark | None:
    """None: the function is not ours."""
    if not tags or LIKE not in tags:
        return None
    version, _, code = tags.get(CODE, "").partition(" ")
    return Mark(tags[LIKE], tags.get(MADE, ""), version, code, tags.get(ORIGINAL_CODE, ""))


def tags_for(like: str, theirs: Mapping[str, str], made: str, original_code: str) -> dict[str, str]:
    """All tags of a shell: the original's own, as far as there is room, and ours."""
    kept = {key: value for key, value in own_tags(theirs).items() if key not in MARKS}
    first = dict(sorted(kept.items())[:ROOM])
    code = f"{__version__} {template.code_hash(shell_code())}"
    return first | {LIKE: like, MADE: made, CODE: code, ORIGINAL_CODE: original_code}
