"""A cell's turn: one thread does all that uses the shell, and something else may have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..session.waits import LONG_SECONDS

TURN = "Waiting for the environment, which Tab or %keep-warm has asked something. Interrupt to give up."


class Timer(Protocol):
    def cancel(self) -> None: ...


class Turn:
    """Tells that the cell still waits for its turn, and takes that back when it has come.

    later: calls a function after so many seconds, as a loop's call_later. tell: an empty text takes the last one back.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], Timer], tell: Callable[[str], None]) -> None:
        self._tell, self._told = tell, False
        self._timer = later(LONG_SECONDS, self._late)

    def _late(self) -> None:
        self._told = True
        self._tell(TURN)

    def come(self) -> None:
        self._timer.cancel()
        if self._told:
            self._told = False
            self._tell("")
