"""%keep-warm: invocations now and then, so that Lambda keeps the environment while the user is away."""

import re

from ..prices import REQUEST
from ..workspace import PING_SECONDS
from .base import Call, Magic, wrong

UNITS = {"s": 1, "m": 60, "h": 3600}
MOST_SECONDS = 24 * 3600


def run(call: Call) -> str:
    workspace = call.workspace
    if call.words == ["off"]:
        workspace.warm_until = None
    elif call.words:
        workspace.warm_until = workspace.clock() + seconds(call.words)
    if workspace.warm_until is None or (left := workspace.warm_until - workspace.clock()) <= 0:
        return "The environment is not kept warm: Lambda ends an idle one, after ten minutes at the earliest.\n"
    pings = int(left // PING_SECONDS)
    return (
        f"The environment is kept warm for {left / 60:.0f} min: an invocation every {PING_SECONDS / 60:.0f} min in "
        f"which no cell runs, {pings} in all, of a few ms each: about ${pings * REQUEST:.7f} for the requests. "
        "Lambda may still replace it.\n"
    )


def seconds(words: list[str]) -> float:
    found = re.fullmatch(r"(\d{1,6})([smh])", words[0])
    if len(words) != 1 or not found or not 0 < (value := int(found[1]) * UNITS[found[2]]) <= MOST_SECONDS:
        raise wrong(MAGIC)
    return value


MAGIC = Magic("keep-warm", "[30m | 2h | off]", "invoke now and then, so that the environment outlives a break", run)
