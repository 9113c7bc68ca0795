"""When runs are tried again that Lambda has throttled."""

from __future__ import annotations

import pytest

from lambda_kernel.errors import Throttled
from lambda_kernel.experiments.plan import Run, fleet
from lambda_kernel.experiments.schedule import RETRY_SECONDS, Schedule

NO = Throttled("no")


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def begun(schedule: Schedule) -> list[tuple[Run, int]]:
    """All that may begin now."""
    found = []
    while isinstance(taken := schedule.next(), tuple):
        found.append(taken)
    return found


def waits(schedule: Schedule) -> float:
    found = schedule.next()
    assert isinstance(found, float)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_runs_that_were_throttled_together_wait_as_one(clock: Clock) -> None:
    """Another notebook was in the way when the fleet began, and has ended."""
    schedule = Schedule(fleet("%%fleet 12", 12, 12, "run"), 12, clock)
    _, *others = begun(schedule)
    for run, slot in others:
        schedule.throttled(run, slot, NO)
    assert waits(schedule) == RETRY_SECONDS[0]
    grown = []
    for seconds in (1, 3, 5, 7):
        clock.seconds = seconds
        grown.append(len(begun(schedule)))
    assert grown == [1, 2, 4, 4]


def test_a_limit_that_stays_is_tried_less_and_less(clock: Clock) -> None:
    schedule = Schedule(fleet("%%fleet 12", 12, 12, "run"), 12, clock)
    for run, slot in begun(schedule)[2:]:
        schedule.throttled(run, slot, NO)
    paused = []
    for _ in range(5):
        paused.append(waits(schedule))
        clock.seconds += paused[-1]
        [(run, slot)] = begun(schedule)
        schedule.throttled(run, slot, NO)
    assert paused == [1, 2, 4, 8, RETRY_SECONDS[1]]


def test_lambda_says_when_to_come_again(clock: Clock) -> None:
    schedule = Schedule(fleet("%%fleet 3", 3, 3, "run"), 3, clock)
    _, *others = begun(schedule)
    for seconds, (run, slot) in zip((5.0, 7.0), others, strict=True):
        schedule.throttled(run, slot, Throttled("no", seconds))
    assert waits(schedule) == 7


def test_a_limit_that_shrinks_is_not_tried_at_once(clock: Clock) -> None:
    schedule = Schedule(fleet("%%fleet 9", 9, 9, "run"), 9, clock)
    first, _, *others = begun(schedule)
    for run, slot in others:
        schedule.throttled(run, slot, NO)
    clock.seconds = 1
    [tried] = begun(schedule)
    schedule.throttled(*tried, NO)
    clock.seconds = 60
    schedule.over(first[1])
    in_its_place = schedule.next()
    assert isinstance(in_its_place, tuple)
    schedule.throttled(*in_its_place, NO)
    assert waits(schedule) > 0
