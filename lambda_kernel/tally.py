"""What the invocations of one cell came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .prices import cost_usd
from .report import Report, Totals, summary

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}  # uname's names, and Lambda's
ENDS = 10  # of many request ids, so many of the first and of the last are kept


@dataclass
class Tally:
    """Sums over invocations; request ids in order; which environment they ran in, and whether it is a new one."""

    totals: Totals | None = None
    invocations: int = 0
    first_ids: list[str] = field(default_factory=list)
    last_ids: list[str] = field(default_factory=list)
    environment_id: str | None = None
    replaced: bool = False
    machine: str = ""  # the environment's, as uname(2) names it
    tenant: bool = False  # whether the environment is a tenant's: each new one is charged
    cold_starts: int = 0
    measured: bool = False  # whether figures are the function's own, for want of Lambda's

    def add(self, request_id: str, report: Report | None) -> None:
        self.invocations += 1
        if len(self.first_ids) < ENDS:
            self.first_ids.append(request_id)
        else:
            self.last_ids = [*self.last_ids, request_id][-ENDS:]
        if report:
            self.cold_starts += report.init_duration_ms is not None
            self.measured |= report.measured
            totals = summary([report])
            self.totals = self.totals + totals if self.totals else totals

    def cost_usd(self, region: str) -> float | None:
        """What it costs on AWS, where the price is known; nothing is known of the local engine's "local"."""
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
        """The figures under the names of the display metadata: times in ms, memory in MB."""
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
