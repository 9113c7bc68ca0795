"""%reset: a clean shell, or a whole new environment."""

from .base import Call, Magic, wrong


def run(call: Call) -> str:
    if call.words not in ([], ["--cold"]):
        raise wrong(MAGIC)
    cold = bool(call.words)
    call.workspace.enter(call.emit, call.control).reset(call.emit, call.control, call.tally, cold)
    return "A new execution environment, with a new shell.\n" if cold else "A new shell.\n"


MAGIC = Magic("reset", "[--cold]", "a clean shell; --cold: in a new execution environment, by a cold start", run)
