"""%reset: a new shell, or a new execution environment."""

from .arguments import Argument
from .base import Call, Magic


def run(call: Call) -> str:
    cold = call.options.cold
    call.workspace.enter(call.emit, call.control).reset(call.context, cold)
    return "This is a new execution environment with a new shell.\n" if cold else "This is a new shell.\n"


MAGIC = Magic(
    "reset",
    "start a new shell",
    run,
    (Argument("--cold", "in a new execution environment: the next invocation is a cold start"),),
    more="Nothing of the previous shell is restored.",
    examples=(("%reset --cold", "see a cold start again"),),
)
