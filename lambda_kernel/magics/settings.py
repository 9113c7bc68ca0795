"""The magics that set one thing for the cells that follow. Without arguments they show how it is set."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ..session.cell import Bound
from ..workspace.workspace import Settings
from .arguments import Argument, whole_number
from .base import Call, Magic

NOT_GIVEN = object()
COMPLETES = {
    None: "Tab and Shift-Tab start a shell on the local emulator. On AWS they ask it only while its environment is "
    "warm.",
    True: "Tab and Shift-Tab start a shell if there is none. That may be a cold start.",
    False: "Tab and Shift-Tab ask the shell only while its environment is warm.",
}
UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
MAX_BYTES = 50_000_000  # the function keeps the tail of it in memory


def setting(
    magic: Magic,
    attribute: str,
    shown: Callable[[Settings], str],
    value: Callable[[Namespace], object] = lambda options: options.value,
) -> Magic:
    """A magic that sets an attribute of Settings to the value of its arguments. shown: its answer."""

    def run(call: Call) -> str:
        settings = call.workspace.settings
        if call.options.value is not NOT_GIVEN:
            setattr(settings, attribute, value(call.options))
        return f"{shown(settings)}\n"

    return replace(magic, run=run)


def choice(meaning: str, **values: object) -> tuple[Argument, ...]:
    """One word of several."""
    return (Argument("value", meaning, choices=values, nargs="?", default=NOT_GIVEN),)


def seconds(word: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(word)) < 1e9:
            return value
    raise ValueError("a number of seconds above 0")


def size(word: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kMG]?)B?", word)
    if not found or not 8 <= (value := int(found[1]) * UNITS[found[2]]) <= MAX_BYTES:
        raise ValueError("a number of bytes such as `20k`, from 8 to 50 MB")
    return value


def lines(word: str) -> int:
    if (value := whole_number(word)) < 8:
        raise ValueError("a whole number from 8 on")
    return value


TIMEOUT = setting(
    Magic(
        "timeout",
        "interrupt a cell that takes longer, retries included",
        arguments=(Argument("value", "the default is `none`", "SECONDS", {"none": None}, seconds, "?", NOT_GIVEN),),
        more="A command that still runs after SIGINT gets SIGTERM, then SIGKILL, 2 seconds apart.",
        examples=(("%timeout 90", "interrupt cells after a minute and a half"),),
    ),
    "seconds",
    lambda settings: f"The time limit of a cell is {settings.seconds:g} s." if settings.seconds else "No time limit.",
)
LIMIT = setting(
    Magic(
        "limit",
        "how much output of a cell is shown: its beginning and its end",
        arguments=(
            Argument(
                "value",
                "8 bytes to 50 MB; the default is 1 MB",
                "BYTES[k|M]",
                {"none": None},
                size,
                "?",
                NOT_GIVEN,
            ),
            Argument("lines", "8 or more; the default is 10,000", "LINES", read=lines, nargs="?"),
        ),
        check=lambda options: "`none` takes no LINES" if options.value is None and options.lines else "",
        more="The limit that is reached first counts. What is left out in the middle is not fetched from the function.",
        examples=(("%limit 20k 100", "show less"), ("%limit none", "show everything")),
    ),
    "bound",
    lambda settings: (
        f"A cell shows {settings.bound.bytes:,} bytes or {settings.bound.lines:,} lines."
        if settings.bound
        else "All output is shown."
    ),
    lambda options: None if options.value is None else Bound(options.value, options.lines or Bound.lines),
)
STDERR = setting(
    Magic(
        "stderr",
        "send stderr where stdout goes, in the order written",
        arguments=choice("the default is `separate`", merge=True, separate=False),
        examples=(("%stderr merge", "see errors between the lines that they belong to"),),
    ),
    "merge",
    lambda settings: (
        "stderr is merged into stdout, in the order in which both are written."
        if settings.merge
        else "stderr is a stream of its own. Its order relative to stdout is approximate."
    ),
)
EXIT_STATUS = setting(
    Magic(
        "exit-status",
        "whether an exit code other than 0 fails the cell",
        arguments=choice("the default is `error`", error=True, ignore=False),
        examples=(("%exit-status ignore", "let Run All go on after a command that fails"),),
    ),
    "fail",
    lambda settings: "An exit code other than 0 fails the cell." if settings.fail else "Exit codes do not fail a cell.",
)
COMPLETION = setting(
    Magic(
        "completion",
        "whether Tab may start a shell",
        arguments=choice(
            "the default is `auto`: `eager` on the local emulator, which costs nothing, and `lazy` on AWS",
            auto=None,
            eager=True,
            lazy=False,
        ),
        more="With `lazy`, Tab asks only a shell that is there. With `eager`, a Tab may cause a cold start.",
        examples=(("%completion eager", "complete from the first Tab on"),),
    ),
    "eager",
    lambda settings: COMPLETES[settings.eager],
)
