"""The cost of a kernel's invocations, by function, and what it may come to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..aws.prices import cost_usd, dollars
from ..aws.usage import ARCHITECTURES, Usage
from ..errors import CostLimit, Throttled

WARN_USD = 0.10
LIMIT = "`%cost --limit`"
UNDER_WAY = "what is under way may cost all that is left of this kernel's limit of {}"


@dataclass
class Cost:
    """The cost of one function.

    usd: of the invocations whose price is known; unknown: the number of the others; latest: the last invocation that
    Lambda gave figures of.
    """

    function: str
    region: str
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

    def expected_usd(self, seconds: float, *, invocations: int = 1, starts: bool = False) -> float | None:
        """The cost of invocations that take so many seconds together, by what earlier ones have told. starts: one may
        start an environment, which may be a tenant's. None: no price is known."""
        latest = self.latest
        if latest is None or latest.totals is None:
            return None
        return cost_usd(
            seconds * 1000,
            latest.totals.memory_size_mb,
            ARCHITECTURES.get(latest.machine),
            self.region,
            invocations=invocations,
            tenant_environments=int(starts and latest.tenant),
        )


@dataclass
class Costs:
    """By function and region, in the order of their first use. Invocations at the same time may add to it.

    warn_usd: an experiment that will cost more asks first; limit_usd: no invocation begins beyond it. None: any cost.
    What an invocation costs is known when it is over. Until then it is reckoned with the most that it may cost.
    """

    warn_usd: float | None = WARN_USD
    limit_usd: float | None = None
    spent_usd: float = 0.0
    _by_function: dict[tuple[str, str], Cost] = field(default_factory=dict)
    _under_way: dict[object, float] = field(default_factory=dict, repr=False)  # what costs nothing is not in it
    _reckoned_usd: float = 0.0  # their sum
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __iter__(self) -> Iterator[Cost]:
        return iter(self._by_function.values())

    def begin(self, usd: float, *, ends: bool = False) -> object:
        """An invocation begins that costs so much at most. It is alone, or stays below the limit with all others that
        are under way. ends: it ends a command, and may begin in any case. Raises CostLimit, and Throttled if it may
        begin later."""
        with self._lock:
            if self.limit_usd is not None and not ends:
                if self.spent_usd >= self.limit_usd:
                    raise self.refusal("nothing was run")
                if self._under_way and self.spent_usd + self._reckoned_usd + usd > self.limit_usd:
                    raise Throttled(UNDER_WAY.format(dollars(self.limit_usd)), limit=LIMIT)
            key = object()
            if usd:
                self._under_way[key] = usd
                self._reckoned_usd += usd
            return key

    def end(self, key: object, function: str, region: str, usage: Usage | None) -> None:
        """An invocation that has begun is over. usage None: nothing was run, or nobody knows."""
        with self._lock:
            self._reckoned_usd -= self._under_way.pop(key, 0.0)
            if not self._under_way:
                self._reckoned_usd = 0.0  # it may have been a little off
            if usage:
                self._add(function, region, usage)

    def add(self, function: str, region: str, usage: Usage) -> None:
        with self._lock:
            self._add(function, region, usage)

    def _add(self, function: str, region: str, usage: Usage) -> None:
        usd = usage.cost_usd(region)
        self._cost(function, region).add(usage, usd)
        self.spent_usd += usd or 0

    def expected_usd(self, function: str, region: str, seconds: float, *, starts: bool = False) -> float | None:
        """The cost of one invocation, as in Cost."""
        cost = self.find(function, region)
        return cost.expected_usd(seconds, starts=starts) if cost else None

    def find(self, function: str, region: str) -> Cost | None:
        """None: it has not been invoked yet."""
        return self._by_function.get((function, region))

    def count_cell(self, function: str, region: str) -> None:
        with self._lock:
            self._cost(function, region).cells += 1

    def _cost(self, function: str, region: str) -> Cost:
        return self._by_function.setdefault((function, region), Cost(function, region))

    @property
    def reached(self) -> bool:
        """Whether it is time to interrupt: when all that is under way may reach the limit even without the dearest
        invocation. So the limit is exceeded by one invocation at most."""
        limit = self.limit_usd
        if limit is None or self.spent_usd + self._reckoned_usd < limit:
            return False
        with self._lock:
            return self.spent_usd + self._reckoned_usd - max(self._under_way.values(), default=0.0) >= limit

    def refusal(self, what: str) -> CostLimit:
        """what: what became of the command."""
        return CostLimit(
            f"this kernel has cost about {dollars(self.spent_usd)}, and its limit is {dollars(self.limit_usd or 0)}: "
            f"{what}. `%cost --limit USD` raises it, `%cost --limit none` lifts it"
        )
