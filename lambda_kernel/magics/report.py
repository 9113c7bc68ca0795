"""%report: what the line below a cell says."""

from __future__ import annotations

import difflib
from argparse import Namespace
from typing import NamedTuple

from ..errors import UsageError
from ..output.report_line import PARTS
from ..workspace.workspace import Settings
from .arguments import Argument, same
from .base import Call, Magic


class Choice(NamedTuple):
    """A part of the line, and whether it is shown."""

    part: str
    shown: bool


def choice(word: str) -> Choice:
    if word[:1] not in ("+", "-"):
        raise ValueError("`+PART` or `-PART`")
    if word[1:] not in PARTS:
        near = difflib.get_close_matches(word[1:], PARTS, 1)
        hint = f"did you mean {word[0]}{near[0]}?" if near else f"they are {', '.join(PARTS)}"
        raise UsageError(f"the report has no part {word[1:]!r} ({hint})")
    return Choice(word[1:], word[0] == "+")


def run(call: Call) -> str:
    settings = call.workspace.settings
    for word in call.options.value:
        if isinstance(word, Choice):
            settings.report_parts[word.part] = word.shown
        else:
            settings.report, settings.report_parts = word, {}
    return f"Report: {told(settings)}\n"


def told(settings: Settings) -> str:
    """Such as `line`, or `line with cost, without billed`."""
    with_, without = (
        ", ".join(part for part in PARTS if settings.report_parts.get(part) is shown) for shown in (True, False)
    )
    return ", ".join(filter(None, [f"{settings.report}{with_ and f' with {with_}'}", without and f"without {without}"]))


def check(options: Namespace) -> str:
    modes = [word for word in options.value if not isinstance(word, Choice)]
    return "`off`, `line` and `full` exclude each other" if len(modes) > 1 else ""


MAGIC = Magic(
    "report",
    "what the line below a cell says of its timing and memory",
    run,
    (
        Argument(
            "value",
            f"the default is `line`; the parts are {', '.join(PARTS)}",
            "+PART… | -PART…",
            same("off", "line", "full"),
            choice,
            nargs="*",
            signed=True,
            offers=tuple(f"{sign}{part}" for sign in "+-" for part in PARTS),
        ),
    ),
    check=check,
    more=(
        "`full` adds the wall time, the cost, and the ids of the environment and the request. With `off`, the figures "
        "are in the reply's metadata only. What is unusual is always in the line: an exit code, output that is left "
        "out, retries, a new environment, a restored state."
    ),
    examples=(
        ("%report full", "show all figures"),
        ("%report +cost -billed", "show what a cell costs in place of its billed duration"),
    ),
)
