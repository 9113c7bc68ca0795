"""What a cell says while something else has its thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lambda_kernel.kernel.turn import TURN, Turn
from lambda_kernel.session.waits import LONG_SECONDS


@dataclass
class Later:
    """A loop whose time goes on when a test says so."""

    seconds: float = 0.0
    call: Callable[[], None] = lambda: None
    told: list[str] = field(default_factory=list)

    def __call__(self, seconds: float, call: Callable[[], None]) -> Later:
        self.seconds, self.call = seconds, call
        return self

    def cancel(self) -> None:
        self.call = lambda: None


def test_a_turn_that_comes_at_once_is_not_told() -> None:
    later = Later()
    turn = Turn(later, later.told.append)
    turn.come()
    later.call()
    assert (later.seconds, later.told) == (LONG_SECONDS, [])


def test_a_turn_that_comes_late_is_told_and_taken_back_once() -> None:
    later = Later()
    turn = Turn(later, later.told.append)
    later.call()
    assert later.told == [TURN]
    turn.come()
    turn.come()
    assert later.told == [TURN, ""]
