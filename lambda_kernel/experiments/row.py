"""The row of one run. Names and units are those of the `lambda` metadata where the figure is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from ..aws.usage import Key, Usage
from .displays import digest
from .plan import ITEM, Run

ITEM_CHARACTERS = 200
Outcome = Literal["ok", "failed", "lost", "interrupted", "timed out"]


@dataclass(frozen=True)
class Row:
    """What one run came to. None: not known. stdout: the output itself; None: there was no room to keep it."""

    target: str
    region: str
    slot: int
    repetition: int
    item: str | None
    start: str
    outcome: Outcome
    exit_code: int | None
    environment_id: str | None
    cold_start: bool
    invocations: int
    wall_ms: float
    queue_ms: float
    init_duration_ms: float | None
    restore_duration_ms: float | None
    duration_ms: float | None
    billed_duration_ms: float | None
    memory_size_mb: int | None
    max_memory_used_mb: int | None
    cost_usd: float | None
    stdout_bytes: int
    stdout_sha256: str
    stdout: bytes | None

    @property
    def completed(self) -> bool:
        """Whether the command came to its end."""
        return self.outcome in ("ok", "failed")

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.start.replace("Z", "+00:00"))  # Python 3.10 knows no Z

    def data(self) -> dict[str, Any]:
        """As it is saved, in JSON and in CSV: without the output, which the notebook shows."""
        return {name: getattr(self, name) for name in KEYS}


@dataclass(frozen=True)
class Ending:
    """How a run ended. exit_code None: nobody knows it."""

    outcome: Outcome
    exit_code: int | None


@dataclass(frozen=True)
class Begin:
    """Where and when a run began. start: in UTC. queue_seconds: since it was tried first."""

    target: str
    region: str
    start: datetime
    queue_seconds: float = 0.0


def measured(run: Run, slot: int, begin: Begin, wall_ms: float, ending: Ending, *, usage: Usage, stdout: bytes) -> Row:
    figures = usage.metadata()
    duration_ms = figures["duration_ms"]
    return Row(
        target=begin.target,
        region=begin.region,
        slot=slot,
        repetition=run.repetition,
        item=short(run.variables.get(ITEM)),
        start=begin.start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        outcome=ending.outcome,
        exit_code=ending.exit_code,
        environment_id=usage.environment_id,
        cold_start=usage.cold_starts > 0,
        invocations=usage.invocations,
        wall_ms=round(wall_ms, 2),
        queue_ms=round(begin.queue_seconds * 1000, 2),
        init_duration_ms=figures["init_duration_ms"],
        restore_duration_ms=usage.totals.restore_duration_ms if usage.totals else None,
        duration_ms=None if duration_ms is None else round(duration_ms, 2),
        billed_duration_ms=figures["billed_duration_ms"],
        memory_size_mb=figures["memory_size_mb"],
        max_memory_used_mb=figures["max_memory_used_mb"],
        cost_usd=usage.cost_usd(begin.region),
        stdout_bytes=len(stdout),
        stdout_sha256=digest(stdout),
        stdout=stdout,
    )


def short(item: str | None) -> str | None:
    return item if item is None or len(item) <= ITEM_CHARACTERS else f"{item[:ITEM_CHARACTERS]}…"


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "target": Key("string", "the function's name, as it was given to the kernel; of `%%compare`, as it was typed"),
        "region": Key("string", "its AWS region, or `local`"),
        "slot": Key(
            "integer",
            "which of the experiment's environments, from 0 (`$FLEET_INDEX`); of `%%compare`, which target",
        ),
        "repetition": Key(
            "integer",
            "the number of the run in its slot, or of the item of `--map`, from 1; of those for warming up 0 or less",
        ),
        "item": Key("string or null", f"the item of `--map`, up to {ITEM_CHARACTERS} characters of it"),
        "start": Key("string", "when the run began by this machine's clock, ISO 8601 in UTC"),
        "outcome": Key("string", "`ok`, `failed`, `lost`, `interrupted` or `timed out`"),
        "exit_code": Key("integer or null", "the command's exit code; null if it is not known"),
        "environment_id": Key("string or null", "lambda-kernel's name for the execution environment"),
        "cold_start": Key("boolean", "whether the run met a cold start, by Lambda's Init Duration"),
        "invocations": Key("integer", "how many invocations the run took"),
        "wall_ms": Key("number", "from the run's start to its end, as the kernel saw it"),
        "queue_ms": Key("number", "how long the run waited for its turn before it began, since Lambda throttled it"),
        "init_duration_ms": Key("number or null", "Init Duration; null if the environment was warm"),
        "restore_duration_ms": Key("number or null", "Restore Duration, of a function with SnapStart"),
        "duration_ms": Key("number or null", "Duration, summed over the run's invocations"),
        "billed_duration_ms": Key("number or null", "Billed Duration, summed over the run's invocations"),
        "memory_size_mb": Key("integer or null", "Memory Size, in MB of 1,024 KB"),
        "max_memory_used_mb": Key("integer or null", "Max Memory Used, the largest of the run's invocations"),
        "cost_usd": Key("number or null", "an estimate in US dollars from list prices; null if a price is not known"),
        "stdout_bytes": Key("integer", "the size of what came of stdout, which `%limit` bounds"),
        "stdout_sha256": Key(
            "string", "SHA-256 of that, without the names in what `display` prints: equal where the outputs are"
        ),
    }
)
