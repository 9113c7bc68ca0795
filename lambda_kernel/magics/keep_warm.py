"""%keep-warm: regular invocations, so that Lambda keeps the environment while the user is away."""

from ..workspace.workspace import PING_SECONDS, Workspace
from .arguments import Argument, time_span
from .base import Call, Magic

PING_MS = 2  # a ping takes 1 to 2 ms, and Lambda bills whole milliseconds


def run(call: Call) -> str:
    workspace = call.workspace
    if call.options.time is not None:
        workspace.warm_until = workspace.clock() + call.options.time if call.options.time else None
    if workspace.warm_until is None or (left := workspace.warm_until - workspace.clock()) <= 0:
        return "The environment is not kept warm. Lambda ends an idle one after ten minutes or more.\n"
    pings = int(left // PING_SECONDS)
    return (
        f"The environment is kept warm for {left / 60:.0f} min, by an invocation every {PING_SECONDS / 60:.0f} min in "
        f"which no cell runs. That is up to {pings} invocations: {price(workspace, pings)}. Lambda may still replace "
        "the environment.\n"
    )


def price(workspace: Workspace, pings: int) -> str:
    """Of all pings, with the memory and architecture that the last cell saw."""
    if workspace.target.local:
        return "free on the local emulator"
    transport = workspace.current.transport if workspace.current else None
    cost = workspace.costs.find(transport.function, transport.region) if transport else None
    if cost is None or cost.latest is None:
        return "the price is known after the first cell"
    usd = cost.expected_usd(pings * PING_MS / 1000, invocations=pings)
    return "the price is not known" if usd is None else f"about ${usd:.7f} at {PING_MS} ms each"


MAGIC = Magic(
    "keep-warm",
    "keep the environment during a break, by regular invocations",
    run,
    (
        Argument(
            "time",
            "a number of seconds, minutes or hours (`s`, `m`, `h`), up to a day",
            "TIME",
            {"off": 0.0},
            time_span,
            "?",
        ),
    ),
    more="It sends an invocation every five minutes in which no cell runs. The answer says what that will cost.",
    examples=(("%keep-warm 30m", "keep it over lunch"),),
)
