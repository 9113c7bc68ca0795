"""%limit: how much of a cell's output is shown."""

import re

from ..cell import Bound
from ..errors import UsageError
from .base import Call, Magic, wrong

UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
MOST_BYTES = 50_000_000  # what the tail takes of it is kept in the function's memory


def run(call: Call) -> str:
    settings = call.workspace.settings
    if call.words == ["none"]:
        settings.bound = None
    elif call.words:
        settings.bound = bound(call.words)
    now = settings.bound
    return f"Output shown of a cell: {now.bytes:,} bytes or {now.lines:,} lines.\n" if now else "All output is shown.\n"


def bound(words: list[str]) -> Bound:
    size = re.fullmatch(r"(\d{1,12})([kMG]?)B?", words[0])
    lines = words[1] if len(words) == 2 else str(Bound.lines)
    if not size or len(words) > 2 or not re.fullmatch(r"\d{1,9}", lines):
        raise wrong(MAGIC)
    count = int(size[1]) * UNITS[size[2]]
    if not 8 <= count <= MOST_BYTES or int(lines) < 8:
        raise UsageError("a cell can show 8 bytes to 50 MB, and 8 lines or more: `%limit none` shows all")
    return Bound(count, int(lines))


MAGIC = Magic("limit", "[BYTES[k|M] [LINES] | none]", "how much output of a cell is shown: its head and its tail", run)
