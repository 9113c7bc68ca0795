"""Who requests to the function are made for."""

from __future__ import annotations

from dataclasses import dataclass

from ..aws.usage import Usage
from .cell import Control, Emit


@dataclass(frozen=True)
class Context:
    """emit: shows what comes; control: tells of interrupts, and asks the user; usage: counts the invocations."""

    emit: Emit
    control: Control
    usage: Usage
