"""What a cell says while it waits for the way to its function."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Transport
from lambda_kernel.images.progress import Progress
from lambda_kernel.session.cell import CellEvent, Shown, Waiting
from lambda_kernel.session.waits import LONG_SECONDS
from lambda_kernel.session.worker import Worker
from lambda_kernel.workspace.workspace import Workspace
from tests.support.clocked_control import Stuck
from tests.support.fake_transport import FakeTransport
from tests.support.silent_connector import SilentConnector


class SlowConnector(SilentConnector):
    """Gives a transport long after the wait for it is told."""

    def __init__(self, control: Stuck, meanwhile: Callable[[], object]) -> None:
        self.control, self.meanwhile = control, meanwhile

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.meanwhile()
        self.control.stick(LONG_SECONDS)
        return FakeTransport(lambda event, context: {}, object)


def entered(target: Target, *, pulls: bool = False) -> list[CellEvent]:
    control, seen = Stuck(), list[CellEvent]()
    connector = SlowConnector(control, lambda: pulls and workspace.on_pull(Progress("pulling", "image", 1, 2)))
    workspace = Workspace(target, connector, clock=lambda: control.now, caller=Worker())
    workspace.enter(seen.append, control)
    before = len(seen)
    workspace.enter(seen.append, control)
    assert len(seen) == before  # the second cell has its session
    return seen


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (Target("local"), "Waiting for the local emulator."),
        (Target("shell", "eu-west-1"), "Waiting for AWS credentials."),
    ],
)
def test_it_is_told_and_taken_back(target: Target, what: str) -> None:
    assert entered(target) == [Waiting(what), Waiting("")]


def test_a_pull_shows_more_than_that() -> None:
    assert {type(cell_event) for cell_event in entered(Target("local"), pulls=True)} == {Shown}
