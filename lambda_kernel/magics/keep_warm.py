"""%keep-warm: invocations now and then, so that Lambda keeps the environment while the user is away."""

import re

from ..prices import cost_usd
from ..tally import ARCHITECTURES
from ..workspace import PING_SECONDS, Workspace
from .base import Call, Magic, wrong

UNITS = {"s": 1, "m": 60, "h": 3600}
PING_MS = 2  # billed for a ping, whose Duration is between 1 and 2 ms
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
        f"which no cell runs, {pings} in all: {price(workspace, pings)}. Lambda may still replace it.\n"
    )


def price(workspace: Workspace, pings: int) -> str:
    """Of all of them, for the function as the last cell has found it."""
    if workspace.target.local:
        return "free on the local engine"
    session = workspace.sessions.get(workspace.target)
    place = session.transport if session else None
    cost = workspace.costs.of.get((place.function, place.region)) if place else None
    if place is None or cost is None or cost.latest is None or cost.latest.totals is None:
        return "what that costs is known once a cell has run"
    memory, architecture = cost.latest.totals.memory_size_mb, ARCHITECTURES.get(cost.latest.machine)
    usd = cost_usd(pings * PING_MS, memory, architecture, place.region, invocations=pings)
    return "the price is not known" if usd is None else f"about ${usd:.7f} at {PING_MS} ms each"


def seconds(words: list[str]) -> float:
    found = re.fullmatch(r"(\d{1,6})([smh])", words[0])
    if len(words) != 1 or not found or not 0 < (value := int(found[1]) * UNITS[found[2]]) <= MOST_SECONDS:
        raise wrong(MAGIC)
    return value


MAGIC = Magic("keep-warm", "[30m | 2h | off]", "invoke now and then, so that the environment outlives a break", run)
