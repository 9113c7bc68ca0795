"""Waits until Lambda has made or changed a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .problems import DeployError
from .progress import POLL_SECONDS

ACTIVE_SECONDS = 300.0


class State(NamedTuple):
    """What Lambda says of a function. update: of its last change."""

    state: str
    update: str
    reason: str


class Failed(DeployError):
    """Lambda cannot run the function as it is."""


def until_active(name: str, look: Callable[[], State | None], sleep: Callable[[float], None]) -> str:
    """Return the final state. Like botocore's waiter function_active_v2, but an update must be over as well."""
    waited = 0.0
    while waited < ACTIVE_SECONDS:
        found = look()
        if found is None:
            raise DeployError(f"the function {name} is gone: run `lambda-kernel deploy` again")
        if "Failed" in (found.state, found.update):
            raise Failed(f"the function {name} failed: {found.reason or 'Lambda gives no reason'}")
        if found.state != "Pending" and found.update != "InProgress":
            return found.state
        sleep(POLL_SECONDS / 2)
        waited += POLL_SECONDS / 2
    raise DeployError(f"the function {name} is still not active after five minutes: see `lambda-kernel status`")
