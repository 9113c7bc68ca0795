"""%history: what was run, in all kernels of this user."""

import time

from ..history import Entry, History, glob
from .base import Call, Magic, wrong

SHOWN = 20


def run(call: Call) -> str:
    history = call.workspace.history
    if history is None:
        return "This kernel keeps no history.\n"
    shown = cleared(history) if call.words == ["--clear"] else listed(history, call.words)
    if history.problem:
        return f"The history is off: {history.problem}. Mend it or move it away, then restart the kernel.\n"
    return shown


def cleared(history: History) -> str:
    return "The history is empty now.\n" if history.clear() else "Another kernel is writing to it: try again.\n"


def listed(history: History, words: list[str]) -> str:
    count = int(words[0]) if words and words[0].isdecimal() and len(words[0]) < 10 else None
    patterns = words if count is None else words[1:]
    if len(patterns) > 1 or patterns[:1] == [""] or any(word.startswith("--") for word in patterns):
        raise wrong(MAGIC)
    pattern = glob(patterns[0]) if patterns else None
    entries = history.search(pattern, SHOWN if count is None else count)
    return "".join(map(line, entries)) or "Nothing found.\n"


def line(entry: Entry) -> str:
    """With the time in UTC, as Lambda's logs have it."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry.time))
    return f"{when}  {entry.text.strip()}\n".replace("\n", "\n" + " " * (len(when) + 2)).rstrip(" ")


MAGIC = Magic("history", "[N] [PATTERN] | --clear", "what was run, in all kernels; PATTERN may hold * and ?", run)
