"""%history: what was run, in all kernels of this user."""

import time
from argparse import Namespace

from ..workspace.history import Entry, History, glob
from .arguments import Argument, nonempty
from .base import Call, Magic

SHOWN = 20


def run(call: Call) -> str:
    history, options = call.workspace.history, call.options
    if history is None:
        return "This kernel keeps no history.\n"
    shown = cleared(history) if options.clear else listed(history, options.n, options.pattern)
    if history.problem:
        return f"The history is off: {history.problem}. Repair or move the file, then restart the kernel.\n"
    return shown


def cleared(history: History) -> str:
    return "The history is now empty.\n" if history.clear() else "Another kernel is writing the history: try again.\n"


def listed(history: History, first: int | str, pattern: str | None) -> str:
    count, pattern = (first, pattern) if isinstance(first, int) else (SHOWN, first)
    entries = history.search(glob(pattern) if pattern else None, count)
    return "".join(map(line, entries)) or "Nothing found.\n"


def count_or_pattern(word: str) -> int | str:
    return int(word) if word.isdecimal() and len(word) < 10 else nonempty(word)


def check(options: Namespace) -> str:
    if options.clear and (options.n, options.pattern) != (SHOWN, None):
        return "--clear takes no words, because it deletes everything"
    return f"{options.pattern!r} is one word too many" if options.pattern and isinstance(options.n, str) else ""


def line(entry: Entry) -> str:
    """With the time in UTC, as Lambda's logs have it."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry.time))
    return f"{when}  {entry.text.strip()}\n".replace("\n", "\n" + " " * (len(when) + 2)).rstrip(" ")


MAGIC = Magic(
    "history",
    "show what was run, in all kernels",
    run,
    verbatim=True,
    arguments=(
        Argument(
            "n",
            f"how many cells, the last of those that match; the default is {SHOWN}",
            "N",
            read=count_or_pattern,
            nargs="?",
            default=SHOWN,
        ),
        Argument("pattern", "a part of a cell; with `*` or `?` the whole cell", "PATTERN", read=nonempty, nargs="?"),
        Argument("--clear", "delete the history"),
    ),
    check=check,
    examples=(("%history 5 'curl*'", "show the last five cells that begin with curl"),),
)
