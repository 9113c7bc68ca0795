"""A new environment without tenants: Lambda takes an idle one, if there is any."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.report import Report
from lambda_kernel.session.cell import Cell, Result, ThreadControl
from lambda_kernel.session.connection import HOLDING
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from tests.support.in_process_session import LambdaContext
from tests.support.waiting import wait_until


class SeveralEnvironments:
    """A Transport to a function that has some. The one used last is taken first. What is held is free again when the
    hello was answered or throttled, so that nobody waits for a second.

    most: how many it runs at once.
    """

    function, region = "fake", "eu-west-1"

    def __init__(self, idle: int, most: int = 1_000) -> None:
        self.idle = [index.Environment(dict(os.environ)) for _ in range(idle)]
        self.most, self.busy, self.asked = most, 0, 0
        self.lock, self.answered = threading.Lock(), threading.Event()

    def invoke(self, event: Event) -> Reply:
        holds = event["op"] == "close" and bool(event.get("hold"))
        if event["op"] == "hello":
            wait_until(lambda: self.asked >= sum(thread.name == HOLDING for thread in threading.enumerate()))
        environment, cold = self.take(holds)
        try:
            if holds:
                assert self.answered.wait(20)
            payload = environment.answer(event | {"hold": 0}, LambdaContext())
        finally:
            with self.lock:
                self.idle.append(environment)
                self.busy -= 1
        if event["op"] == "hello":
            self.asked = 0
            self.answered.set()
        report = Report("id", 1.0, 1.0, 128, 30, init_duration_ms=100.0 if cold else None)
        return Reply(payload, "id", 0.001, report)

    def take(self, holds: bool) -> tuple[index.Environment, bool]:
        with self.lock:
            self.asked += holds
            if holds:
                self.answered.clear()
            if self.busy >= self.most:
                if not holds:
                    self.answered.set()
                raise errors.Throttled("too many", limit="the account's limit")
            self.busy += 1
            return (self.idle.pop(), False) if self.idle else (index.Environment(dict(os.environ)), True)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...


def reset(session: Session) -> Usage:
    usage = Usage()
    session.reset(Context(lambda cell_event: None, ThreadControl(), usage), cold=True)
    return usage


@pytest.fixture
def started() -> Iterator[list[SeveralEnvironments]]:
    made: list[SeveralEnvironments] = []
    yield made
    for one in made:
        for environment in one.idle:
            for shell in environment.shells.values():
                shell.close()


@pytest.mark.parametrize("idle", [1, 2, 3, 6])
def test_it_is_cold_however_many_are_idle(idle: int, started: list[SeveralEnvironments]) -> None:
    world = SeveralEnvironments(idle)
    started.append(world)
    session, usage = Session(world, time.monotonic), Usage()
    assert session.run(Cell("x=1"), Context(lambda cell_event: None, ThreadControl(), usage)) == Result(0)
    assert (usage.cold_starts, len(world.idle)) == (0, idle)
    for number in range(3):
        found = len(world.idle)
        usage = reset(session)
        assert usage.cold_starts == 1
        if number:  # how many there are is known by now
            assert (usage.invocations, len(world.idle)) == (1, found + 1)
    assert len(world.idle) <= 2 * idle + 4


def test_a_session_without_an_environment_gets_a_cold_one_as_well(started: list[SeveralEnvironments]) -> None:
    world = SeveralEnvironments(3)
    started.append(world)
    usage = reset(Session(world, time.monotonic))
    assert (usage.cold_starts, len(world.idle)) == (1, 5)


def test_where_lambda_takes_no_more_another_one_will_do(started: list[SeveralEnvironments]) -> None:
    world = SeveralEnvironments(4, most=3)
    started.append(world)
    session = Session(world, time.monotonic)
    session.run(Cell("x=1"), Context(lambda cell_event: None, ThreadControl(), Usage()))
    before = session.remote.environment
    usage = reset(session)
    assert session.remote.environment not in (None, before)
    assert (usage.cold_starts, len(world.idle)) == (0, 4)
