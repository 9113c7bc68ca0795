"""Sums over the invocations of one cell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..report import Report, Totals
from .prices import cost_usd

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}  # uname's names, and Lambda's
ENDS = 10  # how many request ids are kept of the first, and of the last


class Key(NamedTuple):
    """Describes a metadata key for the reference. type: its JSON type. Its unit is part of its name."""

    type: str
    what: str


@dataclass
class Usage:
    """Sums over invocations, their request ids in order, and the environment that they ran in."""

    totals: Totals | None = None
    invocations: int = 0
    first_ids: list[str] = field(default_factory=list)
    last_ids: list[str] = field(default_factory=list)
    environment_id: str | None = None
    replaced: bool = False  # whether the environment is a new one
    restored: bool = False  # whether a new shell has got the state of an earlier one
    retries: int = 0  # invocations that were sent again
    machine: str = ""  # of the environment, as in uname(2)
    tenant: bool = False  # whether the environment belongs to a tenant: AWS charges for each new one
    cold_starts: int = 0
    inits_ms: list[float] = field(default_factory=list)  # Init Duration of each cold start
    measured: bool = False  # whether the function measured the figures, because Lambda gave none

    def add(self, request_id: str, report: Report | None) -> None:
        self.invocations += 1
        self._note(request_id)
        if report:
            if report.init_duration_ms is not None:
                self.cold_starts += 1
                self.inits_ms.append(report.init_duration_ms)
            self.measured |= report.measured
            totals = Totals.of(report)
            self.totals = self.totals + totals if self.totals else totals

    def _note(self, request_id: str) -> None:
        if len(self.first_ids) < ENDS:
            self.first_ids.append(request_id)
        else:
            self.last_ids = [*self.last_ids, request_id][-ENDS:]

    def include(self, other: Usage) -> None:
        """Add a part of what the cell has used, which was counted by itself."""
        self.invocations += other.invocations
        for request_id in other.first_ids + other.last_ids:
            self._note(request_id)
        self.cold_starts += other.cold_starts
        self.inits_ms += other.inits_ms
        self.retries += other.retries
        self.restored |= other.restored
        self.measured |= other.measured
        self.replaced |= other.replaced
        self.tenant |= other.tenant
        self.machine = other.machine or self.machine
        self.environment_id = other.environment_id or self.environment_id
        if other.totals:
            self.totals = self.totals + other.totals if self.totals else other.totals

    def name_cold_start(self, init_ms: float) -> None:
        """Of an environment that something else has started. What that cost is counted already."""
        if self.totals and self.totals.init_duration_ms is None:
            self.totals = replace(self.totals, init_duration_ms=init_ms)
            self.inits_ms.append(init_ms)

    def cost_usd(self, region: str) -> float | None:
        """The cost on AWS, or None if the price is not known. The region "local" has no price."""
        figures = self.totals
        if figures is None:
            return None
        return cost_usd(
            figures.billed_duration_ms,
            figures.memory_size_mb,
            ARCHITECTURES.get(self.machine),
            region,
            invocations=self.invocations,
            tenant_environments=self.cold_starts if self.tenant else 0,
        )

    def metadata(self) -> dict[str, Any]:
        """The figures for the display metadata: times in ms, memory in MB."""
        figures = self.totals
        return {
            "environment_id": self.environment_id,
            "request_ids": self.first_ids + self.last_ids,
            "invocations": self.invocations,
            "measured_by": "function" if self.measured else "lambda",
            "duration_ms": figures and figures.duration_ms,
            "billed_duration_ms": figures and figures.billed_duration_ms,
            "init_duration_ms": figures and figures.init_duration_ms,
            "memory_size_mb": figures and figures.memory_size_mb,
            "max_memory_used_mb": figures and figures.max_memory_used_mb,
        }
