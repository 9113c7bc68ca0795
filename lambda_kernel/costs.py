"""What the invocations of a kernel came to, function by function."""

from __future__ import annotations

from dataclasses import dataclass, field

from .tally import Tally


@dataclass
class Cost:
    """One function's. usd: of the invocations whose price is known; unknown: how many others there were; latest: what
    it was like at the last."""

    cells: int = 0
    invocations: int = 0
    billed_ms: float = 0.0
    cold_starts: int = 0
    usd: float = 0.0
    unknown: int = 0
    latest: Tally | None = None

    def add(self, tally: Tally, region: str, cells: int) -> None:
        usd = tally.cost_usd(region)
        self.cells, self.latest = self.cells + cells, tally
        self.invocations += tally.invocations
        self.billed_ms += (tally.totals and tally.totals.billed_duration_ms) or 0
        self.cold_starts += tally.cold_starts
        self.usd += usd or 0
        self.unknown += tally.invocations if usd is None else 0


@dataclass
class Costs:
    """By function and region, in the order of their first use."""

    of: dict[tuple[str, str], Cost] = field(default_factory=dict)

    def add(self, function: str, region: str, tally: Tally, cells: int = 1) -> None:
        """cells: 0 for what no cell has asked for."""
        if tally.invocations:
            self.of.setdefault((function, region), Cost()).add(tally, region, cells)
