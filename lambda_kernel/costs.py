"""What the cells of a kernel came to, function by function."""

from __future__ import annotations

from dataclasses import dataclass, field

from .tally import Tally


@dataclass
class Cost:
    """One function's. usd: of the cells whose price is known; unknown: how many others there were."""

    cells: int = 0
    invocations: int = 0
    billed_ms: float = 0.0
    cold_starts: int = 0
    usd: float = 0.0
    unknown: int = 0

    def add(self, tally: Tally, region: str) -> None:
        usd = tally.cost_usd(region)
        self.cells += 1
        self.invocations += tally.invocations
        self.billed_ms += (tally.totals and tally.totals.billed_duration_ms) or 0
        self.cold_starts += tally.cold_starts
        self.usd += usd or 0
        self.unknown += usd is None


@dataclass
class Costs:
    """By function and region, in the order of their first use."""

    of: dict[tuple[str, str], Cost] = field(default_factory=dict)

    def add(self, function: str, region: str, tally: Tally) -> None:
        self.of.setdefault((function, region), Cost()).add(tally, region)
