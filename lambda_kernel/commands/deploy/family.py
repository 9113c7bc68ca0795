"""A family: the functions of one stack, one for each combination of memory and architecture."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .problems import DeployError

LONGEST_NAME = 64  # API reference, CreateFunction


@dataclass(frozen=True)
class Member:
    """A function of a stack. function: its name."""

    function: str
    memory_mb: str
    architecture: str

    @property
    def resource(self) -> str:
        """Its logical id in a family's template, which takes letters and digits."""
        return f"Shell{self.memory_mb}{self.architecture.replace('_', '')}"

    @property
    def parameters(self) -> dict[str, str]:
        """The template's parameters for this function alone."""
        return {"Function": self.function, "Memory": self.memory_mb, "Architecture": self.architecture}


def members(values: Mapping[str, str]) -> tuple[Member, ...]:
    """The functions of a stack with these parameters.

    In a family each has its memory and its architecture in its name, also where all have the same one: then no function
    gets another name, and so is replaced, when one more joins. Raises DeployError.
    """
    function, memory, architecture = (values[name] for name in ("Function", "Memory", "Architecture"))
    pairs = list(itertools.product(memory.split(","), architecture.split(",")))
    if len(pairs) == 1:
        return (Member(function, memory, architecture),)
    return tuple(Member(_named(function, *pair), *pair) for pair in pairs)


def _named(function: str, memory_mb: str, architecture: str) -> str:
    name = f"{function}-{memory_mb}-{architecture}"
    if len(name) > LONGEST_NAME:
        raise DeployError(f"{name!r} is too long for the name of a function: choose a shorter --function")
    return name


def names(values: Mapping[str, str]) -> list[str]:
    return [member.function for member in members(values)]


def described(names: Sequence[str]) -> str:
    return f"{'functions' if len(names) > 1 else 'function'} {', '.join(names)}"
