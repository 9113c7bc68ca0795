"""%cost: what this kernel's cells have cost so far, and what they may cost."""

import re

from ..aws.prices import dollars
from ..workspace.costs import WARN_USD, Cost, Costs
from .arguments import Argument
from .base import Call, Magic
from .settings import NOT_GIVEN

NOTE = "(Estimated from list prices of 2026-09. Free tier, discounts and /tmp above 512 MB are not counted.)\n"


def run(call: Call) -> str:
    options, costs = call.options, call.workspace.costs
    if options.warn is not NOT_GIVEN:
        costs.warn_usd = options.warn
    if options.limit is not NOT_GIVEN:
        costs.limit_usd = options.limit
    given = (options.warn, options.limit) != (NOT_GIVEN, NOT_GIVEN)
    lines = [line(cost) for cost in costs]
    spent = "".join(lines) + NOTE if lines else "No cost yet: no cell has run on a function.\n"
    return spent + (settings(costs) if given or costs.limit_usd is not None else "")


def settings(costs: Costs) -> str:
    warn, limit = costs.warn_usd, costs.limit_usd
    asks = "No experiment" if warn is None else f"An experiment that will cost more than {dollars(warn)}"
    if limit is None:
        return f"{asks} asks first. There is no limit.\n"
    left = max(limit - costs.spent_usd, 0)
    return f"{asks} asks first. The limit of this kernel is {dollars(limit)}: about {dollars(left)} is left.\n"


def line(cost: Cost) -> str:
    counts = {"cell": cost.cells, "invocation": cost.invocations, "cold start": cost.cold_starts}
    what = ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for name, number in counts.items())
    what += f", billed {cost.billed_ms / 1000:,.3f} s"
    if cost.region == "local":
        return f"{cost.function}, local: {what}: free\n"
    return f"{cost.function}, {cost.region}: {what}: {price(cost)}\n"


def price(cost: Cost) -> str:
    known = f"about ${cost.usd:.7f}"
    if cost.unknown == cost.invocations:
        return "the price is not known"
    unknown = f"{cost.unknown} invocation{'' if cost.unknown == 1 else 's'}"
    return f"{known}, not counting {unknown} whose price is not known" if cost.unknown else known


def usd(word: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", word):
        raise ValueError("dollars such as `0.25`")
    return float(word)


def amount(name: str, meaning: str) -> Argument:
    return Argument(name, meaning, "USD", {"none": None}, usd, default=NOT_GIVEN)


MAGIC = Magic(
    "cost",
    "estimate what the cells of this kernel have cost, and limit it",
    run,
    (
        amount("--warn", f"an experiment that will cost more asks first; the default is {WARN_USD:.2f}"),
        amount("--limit", "interrupt what runs, and run nothing more, when the kernel has cost so much"),
    ),
    more=(
        "Each function has a line. The invocations of Tab and `%keep-warm` are counted as well. The local emulator is "
        "free, and goes on beyond the limit. Invocations whose price is not known do not count towards it."
    ),
    examples=(("%cost", "see what the cells have cost"), ("%cost --limit 0.50", "stop at half a dollar")),
)
