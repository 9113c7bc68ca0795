"""%redact: which secrets are replaced in what is shown."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import UsageError
from ..function import index as wire
from ..function.sent import protect
from ..output import live_view
from ..untrusted import array, one_of, record, row, shown
from .arguments import Argument
from .base import Call, Magic

NAME = shown(200)
MOST = 4_096  # Lambda's variables have 4 KB in all
LISTING = record(
    {
        "protected": array(row(NAME, one_of("name", "url", "chosen")), MOST),
        "weak": array(row(NAME, one_of("short", "word")), MOST),
        "unknown": array(NAME, MOST),
    }
)
WHY = {"name": "", "url": " (a URL with a password)", "chosen": " (yours)"}
WHY_WEAK = {"short": "under 8 characters", "word": "a word of what stands in the place of values"}
OFF = "Credentials are now shown, and saved in the notebook. Be careful where you share it."
ON = "Credentials of the execution environment are replaced in what is shown."


class Choice(NamedTuple):
    """A variable, and whether its value is protected."""

    name: str
    protected: bool


def choice(word: str) -> Choice:
    found = re.fullmatch(r"([+-])([A-Za-z_]\w*)", word, re.ASCII)
    if not found:
        raise ValueError("`+NAME` or `-NAME` of a variable")
    return Choice(found[2], found[1] == "+")


def run(call: Call) -> str:
    words, settings = call.options.value, call.workspace.settings
    if words and isinstance(words[0], bool):
        settings.redact = words[0]
        return f"{ON if words[0] else OFF}\n"
    before, chosen = dict(settings.protect), dict(words)
    settings.protect |= chosen  # all sessions share it
    try:
        listing = ask(call, chosen)
    except BaseException:
        settings.protect.clear()
        settings.protect |= before
        raise
    return text(listing, settings.redact)


def ask(call: Call, new: Mapping[str, bool]) -> Any:
    session = call.workspace.enter(call.emit, call.control)
    if session.remote is None:
        raise UsageError("%redact: the 2018 article's function does not tell its variables; `on` and `off` work")
    question, chosen = ("protect", LISTING), call.workspace.settings.protect
    listing = live_view.ask(session, question, call.context, modules=(protect,), chosen=chosen)
    if missing := sorted(new.keys() & {*listing["unknown"]}):
        raise UsageError(f"%redact: the function has no variable {', '.join(missing)}: nothing was changed")
    return listing


def text(listing: Any, on: bool) -> str:
    lines = [ON if on else "Credentials are shown: `%redact on` replaces them."]
    if names := [f"{name}{WHY[why]}" for name, why in listing["protected"]]:
        verb = "are replaced as well" if on else "would be replaced as well"
        lines += [f"The values of these variables {verb}: {', '.join(names)}."]
    else:
        lines += ["No variable of the function looks like a secret."]
    for kind, why in WHY_WEAK.items():
        if names := [name for name, reason in listing["weak"] if reason == kind]:
            lines += [f"NOT protected, since the value is {why}: {', '.join(names)}."]
    return "".join(f"{line}\n" for line in lines)


def check(options: Namespace) -> str:
    words = options.value
    if len(words) > 1 and any(isinstance(word, bool) for word in words):
        return "`on` and `off` stand alone"
    roles = sorted(word.name for word in words if isinstance(word, Choice) and word.name in wire.SECRETS)
    return f"{roles[0]} is the role's own credential, which only `%redact off` shows" if roles else ""


MAGIC = Magic(
    "redact",
    "replace credentials in what is shown: the role's, and the function's own",
    run,
    (
        Argument(
            "value",
            "`on` (the default) or `off`; or variables of the function to protect as well, or not to",
            "+NAME… | -NAME…",
            {"on": True, "off": False},
            choice,
            nargs="*",
            signed=True,
        ),
    ),
    check=check,
    more=(
        "Without arguments it names the variables that are protected, never their values: those whose name has a word "
        "such as PASSWORD, SECRET, TOKEN or KEY, and those that hold a URL with a password. Only whole values of 8 "
        "characters or more are replaced. Private keys, and your own keys next to AWS's names for them, are replaced "
        "as well."
    ),
    examples=(
        ("%redact", "see which variables are protected"),
        ("%redact +SLACK_WEBHOOK_URL -CACHE_TOKEN", "protect one more, and one less"),
        ("%redact off\nenv", "show the credentials"),
    ),
)
