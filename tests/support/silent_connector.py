"""Connectors for tests, which have nothing to tell, and cells that run on one without Jupyter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Transport
from lambda_kernel.kernel.run_cell import Execution
from lambda_kernel.session.cell import Result
from lambda_kernel.workspace.workspace import Workspace
from tests.support.in_process_session import Interrupts, Ran, fresh


class SilentConnector(ABC):
    """A workspace's Connect."""

    @abstractmethod
    def __call__(self, target: Target, read_timeout: float = 0) -> Transport: ...

    def functions(self, target: Target) -> list[str]:
        return []

    def warning(self, target: Target) -> str:
        return ""

    def decisions(self, target: Target, arn: str, actions: Sequence[str]) -> dict[str, str]:
        return {}

    def notices(self, target: Target) -> tuple[str, ...]:
        return ()

    def warnings(self, target: Target) -> tuple[str, ...]:
        return ()


class RunsCells(SilentConnector):
    """One that has a workspace of its own."""

    def __init__(self, target: Target) -> None:
        self.workspace = Workspace(target, self)
        self.workspace.pictures = False  # of plots: one takes a second to draw

    def run(self, text: str) -> Ran:
        return self.run_with(Interrupts(), text, stdin=False)

    def run_with(self, control: Interrupts, text: str, stdin: bool = True) -> Ran:
        """control: has the user's interrupts and answers; stdin: whether there is one."""
        ran = fresh(control)
        work = Execution(text, 1, self.workspace, ran.cell_events.append, control, ran.usage, stdin)
        ran.result = work.run() or Result(-1)
        return ran
