"""%cost: what this kernel's cells have cost so far."""

from ..costs import Cost
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    if call.words:
        raise wrong(MAGIC)
    lines = [line(function, region, cost) for (function, region), cost in call.workspace.costs.of.items()]
    if not lines:
        return "Nothing yet: no cell has been sent to a function.\n"
    return "".join(lines) + NOTE


def line(function: str, region: str, cost: Cost) -> str:
    counts = {"cell": cost.cells, "invocation": cost.invocations, "cold start": cost.cold_starts}
    what = ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for name, number in counts.items())
    what += f", billed {cost.billed_ms / 1000:,.3f} s"
    if region == "local":
        return f"{function}, local: {what}: free\n"
    return f"{function}, {region}: {what}: {dollars(cost)}\n"


def dollars(cost: Cost) -> str:
    known = f"about ${cost.usd:.7f}"
    if cost.unknown == cost.invocations:
        return "the price is not known"
    unknown = f"{cost.unknown} invocation{'' if cost.unknown == 1 else 's'}"
    return f"{known}, without {unknown} whose price is not known" if cost.unknown else known


NOTE = "(Estimates from list prices of 2026-09, without free tier, discounts and /tmp beyond 512 MB.)\n"
MAGIC = Magic("cost", "", "what the cells of this kernel have cost so far, estimated", run)
