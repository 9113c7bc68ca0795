"""Cells of magics, on a session with the function in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambda_kernel.cell import Result
from lambda_kernel.execution import Execution
from lambda_kernel.target import LOCAL, Target
from lambda_kernel.transport import Transport
from lambda_kernel.workspace import Workspace
from tests.far import Far, Ran, fresh


class Desk:
    """A workspace whose every target is an environment in this process; what is known of it is made up."""

    def __init__(self) -> None:
        self.fars: dict[Target, Far] = {}
        self.workspace = Workspace(LOCAL, self)

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.fars[target] = Far()
        return self.fars[target].transport

    def notices(self) -> tuple[str, ...]:
        return ("it is only a test",)

    def warnings(self) -> tuple[str, ...]:
        return ()

    def run(self, text: str) -> Ran:
        ran = fresh()
        work = Execution(text, 1, self.workspace, ran.happenings.append, ran.control, ran.tally)
        ran.result = work.run() or Result(-1)
        return ran

    @property
    def sent(self) -> list[str]:
        """The operations that were sent to any function."""
        return [event["op"] for far in self.fars.values() for event in far.transport.events]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    for far in made.fars.values():
        far.close()
