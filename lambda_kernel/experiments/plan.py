"""A plan: which runs of a cell an experiment makes, when, and how many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Unit = Literal["run", "shell", "item"]
ITEM = "FLEET_ITEM"  # the variable with a run's item


@dataclass(frozen=True)
class Run:
    """One execution of the cell in one environment.

    slot: which of the plan's environments, from 0; None: any that is free. repetition: from 1; pause_seconds: to wait
    before it; cold: in a new environment. variables: for the command. tried: when it was tried first, by the engine's
    clock; None: not yet, or once only.
    """

    slot: int | None
    repetition: int
    pause_seconds: float = 0.0
    cold: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    tried: float | None = None


@dataclass(frozen=True)
class Plan:
    """name: what the user typed for it. at_once: how many runs go on at the same time. unit: what a run is called.
    by_slot: a run is named by its slot, and not by its repetition."""

    name: str
    runs: tuple[Run, ...]
    at_once: int = 1
    unit: Unit = "run"
    by_slot: bool = False

    @property
    def fleet(self) -> bool:
        """Whether it is about many environments."""
        return self.by_slot or self.unit == "item"

    def number(self, slot: int, repetition: int) -> int:
        return slot if self.by_slot else repetition


def repetitions(name: str, count: int, pause_seconds: float = 0.0, cold: bool = False) -> Plan:
    """One run after another, with a pause between two."""
    pauses = [0.0, *[pause_seconds] * (count - 1)]
    return Plan(name, tuple(Run(0, number, pause, cold) for number, pause in enumerate(pauses, 1)))


def fleet(name: str, size: int, at_once: int, unit: Unit) -> Plan:
    """One run in each slot."""
    return Plan(name, tuple(Run(slot, 1) for slot in range(size)), at_once, unit, by_slot=True)


def mapped(name: str, items: Iterable[str], at_once: int) -> Plan:
    """One run for each item, in any slot that is free."""
    runs = (Run(None, number, variables={ITEM: item}) for number, item in enumerate(items, 1))
    return Plan(name, tuple(runs), at_once, "item")
