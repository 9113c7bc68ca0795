"""A session over a function in this process: the real bash, the real protocol, no network."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.report import Report
from lambda_kernel.session.cell import (
    Cell,
    CellEvent,
    InputEnded,
    InputRequest,
    Notice,
    Output,
    Result,
    Truncated,
    never,
)
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from tests.support.fake_transport import FakeTransport

# In a cell: until the function has read what the cell has printed.
UNTIL_READ = "while read -t 0 </proc/self/fd/1 || read -t 0 </proc/self/fd/2; do sleep 0.01; done"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEXAMPLE" * 20,
}


class LambdaContext:
    """Lambda's context object, as far as the function uses it."""

    aws_request_id = "6bc28136-xmpl-4365-b021-0ce6b2e64ab0"
    tenant_id: str | None = None

    def __init__(self, seconds: float = 60) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self.end - time.monotonic()) * 1000)


class Interrupts:
    """A Control: the user interrupts once each of so many answers have come."""

    def __init__(
        self,
        after: Iterable[int] = (),
        sleep: Callable[[float], None] = lambda seconds: None,
        lines: Iterable[str | None] = (),
        closes: int | None = None,
    ) -> None:
        self.after, self.sleep, self.lines, self.closes = list(after), sleep, list(lines), closes
        self.answers = 0
        self.questions: list[InputRequest] = []

    @property
    def interrupts(self) -> int:
        return sum(1 for answers in self.after if self.answers >= answers)

    @property
    def closed(self) -> bool:
        return self.closes is not None and self.answers >= self.closes

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        self.sleep(seconds)

    def wake(self) -> None: ...

    def take(self) -> None: ...

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        self.questions.append(question)
        return self.lines.pop(0) if self.lines else ""


@dataclass
class Ran:
    """What a cell came to."""

    result: Result
    cell_events: list[CellEvent]
    usage: Usage
    control: Interrupts

    @property
    def context(self) -> Context:
        return Context(self.cell_events.append, self.control, self.usage)

    @property
    def outputs(self) -> list[Output]:
        return [h for h in self.cell_events if isinstance(h, Output)]

    def text(self, stream: str, job: bool = False) -> str:
        data = (output for output in self.outputs if output.stream == stream)
        return b"".join(h.data for h in data if (h.job is not None) == job).decode("utf-8", "replace")

    @property
    def out(self) -> str:
        return self.text("stdout")

    @property
    def err(self) -> str:
        return self.text("stderr")

    @property
    def exit_code(self) -> int:
        return self.result.exit_code

    @property
    def notices(self) -> list[str]:
        return [h.text for h in self.cell_events if isinstance(h, Notice)]

    @property
    def shell_notices(self) -> list[str]:
        """That the shell or its environment is another one."""
        return [h.text for h in self.cell_events if isinstance(h, Notice) and h.code in ("environment", "shell")]

    @property
    def gaps(self) -> list[Truncated]:
        return [h for h in self.cell_events if isinstance(h, Truncated)]

    @property
    def input_ended(self) -> bool:
        return any(isinstance(h, InputEnded) for h in self.cell_events)


def fresh(control: Interrupts | None = None) -> Ran:
    """A cell that has not run yet."""
    return Ran(Result(-1), [], Usage(), control or Interrupts())


class InProcess:
    """One execution environment and a session with it. faults: called before and after each invocation; reports: Lambda
    gives its figures of each. Without them the function measures, and looks at all processes of this machine."""

    def __init__(
        self,
        faults: Callable[[Event, Callable[[], Reply]], Reply] | None = None,
        credentials: Mapping[str, str] = CREDENTIALS,
        reports: bool = True,
    ) -> None:
        self.environ = {**os.environ, **credentials}
        self.environment = index.Environment(self.environ)
        self.context_seconds = 60.0
        self.transport = CountingTransport(self, faults, reports)
        self.slept = 0.0  # nobody really sleeps: the clock goes on instead
        self.session = Session(self.transport, lambda: time.monotonic() + self.slept, "test", lambda: 0.5)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self.environment.answer(event, context)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def replace(self) -> None:
        """Lambda gives the function a new environment."""
        self.close()
        self.environment = index.Environment(self.environ)

    def run(
        self,
        code: str,
        interrupts: Iterable[int] = (),
        lines: Iterable[str | None] = (),
        closes: int | None = None,
        cue: str | None = None,
        **options: Any,
    ) -> Ran:
        """interrupts: after how many answers each of them comes; lines: what the user types; cue: the output at which
        the user interrupts."""
        ran = fresh(Interrupts(interrupts, self.sleep, lines, closes))
        self.transport.control = ran.control

        def emit(cell_event: CellEvent) -> None:
            ran.cell_events.append(cell_event)
            if cue is not None and cue in ran.out and not ran.control.after:
                ran.control.after.append(0)

        ran.result = self.session.run(Cell(code, **options), replace(ran.context, emit=emit))
        return ran

    def close(self) -> None:
        for shell in self.environment.shells.values():
            shell.close()
        self.environment.shells.clear()


@dataclass
class CountingTransport:
    """A FakeTransport with faults, and telling the control how many answers came. The way there takes no time, so
    that a busy machine makes no longer slices."""

    remote: InProcess
    faults: Callable[[Event, Callable[[], Reply]], Reply] | None
    reports: bool
    control: Interrupts = field(default_factory=Interrupts)
    function: str = "fake"
    region: str = "local"

    def __post_init__(self) -> None:
        self.fake = FakeTransport(self.remote.answer, lambda: LambdaContext(self.remote.context_seconds))

    @property
    def events(self) -> list[Event]:
        return self.fake.events

    def invoke(self, event: Event) -> Reply:
        reply = self.faults(event, lambda: self.fake.invoke(event)) if self.faults else self.fake.invoke(event)
        if event["op"] != "hello":
            self.control.answers += 1
        inside = reply.payload.get("duration_ms") if isinstance(reply.payload, dict) else None
        if self.reports and reply.report is None:
            reply = replace(reply, report=Report(reply.request_id, inside or 1.0))
        return reply if inside is None else replace(reply, seconds=inside / 1000)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...


def as_bash_5_2(text: str) -> str:
    """bash 5.3 also says what is unfinished, and where that begins (its parse.y)."""
    return re.sub(r"(unexpected end of file) from `.*' command on line \d+", r"\1", text)
