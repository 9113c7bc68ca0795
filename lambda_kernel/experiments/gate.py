"""What decides whether further runs of an experiment may begin."""

from __future__ import annotations

import math
from typing import Protocol

from ..errors import KernelError
from .experiment import Experiment


class Gate(Protocol):
    """most: how many runs may go on at once, and why: in a few words. asks: the user has to be asked, and none begins
    before the answer. closed: no further run begins."""

    @property
    def most(self) -> float: ...

    @property
    def why(self) -> str: ...

    @property
    def asks(self) -> bool: ...

    @property
    def closed(self) -> bool: ...

    def look(self, experiment: Experiment) -> None:
        """Is called after each run, and now and then. All runs wait for it, so it asks nobody."""

    def settle(self, seconds: float) -> None:
        """Ask, and wait for the answer for so long. Runs that have begun go on meanwhile."""

    def error(self, experiment: Experiment) -> KernelError | None:
        """Why it has ended the experiment, if it has."""


class OpenGate:
    """All runs may begin."""

    most, why, asks, closed = math.inf, "", False, False

    def look(self, experiment: Experiment) -> None: ...

    def settle(self, seconds: float) -> None: ...

    def error(self, experiment: Experiment) -> None: ...
