"""The cost of a kernel's invocations, by function, and what it may come to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..aws.prices import cost_usd, dollars
from ..aws.usage import ARCHITECTURES, Usage
from ..errors import CostLimit

WARN_USD = 0.10


@dataclass
class Cost:
    """The cost of one function.

    usd: of the invocations whose price is known; unknown: the number of the others; latest: the last invocation that
    Lambda gave figures of.
    """

    cells: int = 0
    invocations: int = 0
    billed_ms: float = 0.0
    cold_starts: int = 0
    usd: float = 0.0
    unknown: int = 0
    latest: Usage | None = None

    def add(self, usage: Usage, usd: float | None) -> None:
        self.invocations += usage.invocations
        self.billed_ms += (usage.totals and usage.totals.billed_duration_ms) or 0
        self.cold_starts += usage.cold_starts
        self.usd += usd or 0
        self.unknown += usage.invocations if usd is None else 0
        self.latest = usage if usage.totals and (usage.machine or not self.latest) else self.latest


@dataclass
class Costs:
    """By function and region, in the order of their first use. Invocations at the same time may add to it.

    warn_usd: an experiment that will cost more asks first; limit_usd: no invocation begins beyond it. None: any cost.
    """

    of: dict[tuple[str, str], Cost] = field(default_factory=dict)
    warn_usd: float | None = WARN_USD
    limit_usd: float | None = None
    spent_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, function: str, region: str, usage: Usage) -> None:
        usd = usage.cost_usd(region)
        with self._lock:
            self._cost(function, region).add(usage, usd)
            self.spent_usd += usd or 0

    def expected_usd(self, function: str, region: str, seconds: float, tenant_environments: int = 0) -> float | None:
        """The cost of an invocation of so many seconds, by what earlier ones have told. None: no price is known."""
        with self._lock:
            latest = self._cost(function, region).latest if (function, region) in self.of else None
        if latest is None or latest.totals is None:
            return None
        memory_mb, architecture = latest.totals.memory_size_mb, ARCHITECTURES.get(latest.machine)
        return cost_usd(seconds * 1000, memory_mb, architecture, region, tenant_environments=tenant_environments)

    def count_cell(self, function: str, region: str) -> None:
        with self._lock:
            self._cost(function, region).cells += 1

    def _cost(self, function: str, region: str) -> Cost:
        return self.of.setdefault((function, region), Cost())

    @property
    def reached(self) -> bool:
        """Whether the limit is reached."""
        return self.limit_usd is not None and self.spent_usd >= self.limit_usd

    def refusal(self, what: str) -> CostLimit:
        """what: what became of the command."""
        return CostLimit(
            f"this kernel has cost about {dollars(self.spent_usd)}, and its limit is {dollars(self.limit_usd or 0)}: "
            f"{what}. `%cost --limit USD` raises it, `%cost --limit none` lifts it"
        )
