"""%timeout: the longest that a cell may take."""

from ..errors import UsageError
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    settings = call.workspace.settings
    if len(call.words) > 1:
        raise wrong(MAGIC)
    if call.words:
        settings.seconds = None if call.words == ["none"] else seconds(call.words[0])
    return f"The longest that a cell may take: {settings.seconds:g} s\n" if settings.seconds else "No time limit.\n"


def seconds(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise wrong(MAGIC) from None
    if not 0 < value < 1e9:
        raise UsageError(f"%timeout takes seconds above 0, or `none`; not {word}")
    return value


MAGIC = Magic(
    "timeout", "[SECONDS | none]", "the longest that a cell may take, retries included; then it is interrupted", run
)
