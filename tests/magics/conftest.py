"""Cells of magics, on a session with the function in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.report import Report
from tests.support.in_process_session import InProcess
from tests.support.silent_connector import RunsCells


class CellRunner(RunsCells):
    """A workspace whose every target is an environment in this process; what is known of it is made up."""

    def __init__(self) -> None:
        self.remotes: dict[Target, InProcess] = {}
        super().__init__(LOCAL)

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.remotes[target] = InProcess()
        return self.remotes[target].transport

    def notices(self, target: Target) -> tuple[str, ...]:
        return ("it is only a test",) if target.local else ()

    @property
    def sent(self) -> list[str]:
        """The operations that were sent to any function."""
        return [event["op"] for remote in self.remotes.values() for event in remote.transport.events]

    def close(self) -> None:
        for remote in self.remotes.values():
            remote.close()


@pytest.fixture
def runner() -> Iterator[CellRunner]:
    made = CellRunner()
    yield made
    made.close()


class PricedRunner(CellRunner):
    """Its functions are on AWS, by what their reports say: each invocation is billed with so many ms of 1 GB."""

    def __init__(self) -> None:
        super().__init__()
        self.billed_ms = 1_000.0
        self.workspace.use(Target("shell", "eu-west-1"))

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        transport = super().__call__(target, read_timeout)
        if not target.local:
            self.remotes[target].transport.faults = self.bill
            transport.function, transport.region = target.function, target.region or "us-east-1"
        return transport

    def bill(self, event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        return replace(reply, report=Report(reply.request_id, 9.0, self.billed_ms, 1024, 80))


@pytest.fixture
def priced() -> Iterator[PricedRunner]:
    made = PricedRunner()
    yield made
    made.close()
