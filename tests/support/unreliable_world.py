"""Lambda and the network in a model with a clock of its own: what the kernel and the function do is the real code.

Of the function only bash is modelled: a command that takes so long, prints its name at its beginning and its end, and
is counted when it begins.
"""

from __future__ import annotations

import heapq
import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function import index
from lambda_kernel.report import Report
from lambda_kernel.session.cell import InputRequest, never
from lambda_kernel.session.connection import HOLD_SECONDS, Connection
from lambda_kernel.session.session import Session
from lambda_kernel.session.worker import inline
from tests.support.in_process_session import LambdaContext

TRIP = 0.01  # seconds, in each direction
START = 0.2  # of a new environment
TIMEOUT = 60.0  # of the client
MOST = 1000.0  # seconds that pass while something is waited for, at most


@dataclass(frozen=True)
class Copy:
    """A request as it is delivered: how late, which of the idle environments gets it, and how late its answer comes."""

    late: float = 0.0
    choice: int = 0
    answer_late: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """What the network makes of a request. heard: whose answer the client gets; None: the first. broken: after so many
    seconds the client loses its connection, and gets none."""

    copies: tuple[Copy, ...] = (Copy(),)
    heard: int | None = None
    broken: float | None = None


PLAIN = Exchange()


class TenantContext(LambdaContext):
    tenant_id: Any = "tenant"


class FakeCell:
    """In place of bash's side of a cell."""

    def __init__(self) -> None:
        self.log, self.done, self.reads, self.status = index.Log(None), True, None, 0
        self.messages = type("Messages", (), {"disabled": False})
        self.name, self.left = "", 0.0

    def flush(self) -> None: ...

    def finish(self, status: int) -> None:
        self.log.put(index.OUT, f"{self.name} ends\n".encode())
        self.done, self.status = True, status


class FakeShell:
    """What index.Environment uses of a Shell. A command's text is its name and its seconds."""

    def __init__(self, world: World, epoch: int) -> None:
        self.world, self.epoch = world, epoch
        self.id, self.pid = world.new_name("shell"), os.getpid()
        self.seq = self.signals = self.dumped = 0
        self.command: int | None = None
        self.ended: dict[str, Any] | None = None
        self.secrets: index.Secrets = ()
        self.blind = self.unrun = False
        self.restored = None
        self.cell = FakeCell()
        self.talk = type("Talk", (), {"unstarted": False})
        self.state = type("State", (), {"digest": None, "debuggers": (), "mend": staticmethod(lambda: None)})

    def reap(self) -> None: ...

    def close(self) -> None:
        self.ended = {"cause": "closed", "exit": 137}

    def restore(self, packed: str, deadline: float) -> None: ...

    def start(self, seq: int, text: str, facts: dict[str, str], way: index.CellOptions) -> None:
        name, seconds = text.split()
        self.world.effects[name] += 1
        self.seq, self.cell = seq, FakeCell()
        self.cell.name, self.cell.left, self.cell.done = name, float(seconds), False
        self.cell.log.put(index.OUT, f"{name} begins\n".encode())

    def signal(self, name: str) -> None:
        self.cell.finish(130)

    def pump(self, hold: float, deadline: float) -> None:
        if not self.cell.done:
            spent = min(deadline - hold + index.HOLD_SECONDS, self.cell.left)
            self.cell.left -= spent
            self.world.spent += spent
            if self.cell.left <= 1e-6:
                self.cell.finish(0)


class ModelledEnvironment(index.Environment):
    """busy: until when an invocation has it."""

    def __init__(self, world: World) -> None:
        super().__init__({})
        self.world, self.id = world, world.new_name("environment")
        self.busy, self.alive, self.free_late = 0.0, True, 0.0

    def _start(self, epoch: int, code: str) -> Any:
        return FakeShell(self.world, epoch)


@dataclass
class Slot:
    """What has come of a request."""

    answers: dict[int, Any] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)


class World:
    """A transport, a clock and a control in one. plans: what happens to the next requests; when there is none left they
    are plain."""

    function, region = "fake", "local"

    def __init__(self, tenant: bool = True, concurrency: int = 50) -> None:
        self.tenant, self.concurrency = tenant, concurrency
        self.now = self.spent = 0.0
        self.environments: list[ModelledEnvironment] = []
        self.effects: Counter[str] = Counter()
        self.plans: list[Exchange] = []
        self.interrupts_at: list[float] = []
        self.closed = False
        self.exchanges = 0
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._names = 0

    def new_name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    def session(self) -> Session:
        session = Session(self, lambda: self.now, "model", lambda: 0.5, uptime=lambda: self.now)
        session.connection = ModelConnection(self)
        return session

    # --- time

    def advance(self, seconds: float) -> None:
        self.until(self.now + seconds)

    def until(self, end: float, done: Callable[[], bool] = never) -> None:
        while not done() and self._coming and self._coming[0][0] <= end:
            at, _, happen = heapq.heappop(self._coming)
            self.now = max(self.now, at)
            happen()
        if not done():
            self.now = max(self.now, end)

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        self._names += 1
        heapq.heappush(self._coming, (self.now + seconds, self._names, happen))

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way."""
        return not self._coming and all(e.busy <= self.now for e in self.environments if e.alive)

    # --- a control

    @property
    def interrupts(self) -> int:
        return sum(1 for at in self.interrupts_at if at <= self.now)

    def wait(self, seconds: float, until: Callable[[], bool] = never) -> None:
        news = [at for at in self.interrupts_at if at > self.now]
        self.until(min([self.now + seconds, *news]), until)

    def wake(self) -> None: ...

    def take(self) -> None: ...

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        raise AssertionError("no command asks for a line")

    # --- a transport

    def invoke(self, event: Event) -> Reply:
        self.exchanges += 1
        plan = self.plans.pop(0) if self.plans else PLAIN
        begin, slot = self.now, self.send(event, plan)
        broken = TIMEOUT if plan.broken is None else plan.broken

        def heard() -> bool:
            return bool(slot.order) if plan.heard is None else plan.heard in slot.answers

        self.until(begin + broken, heard)
        if plan.broken is not None or not heard():
            raise errors.Unanswered("the connection to Lambda broke")
        answer = slot.answers[slot.order[0] if plan.heard is None else plan.heard]
        if isinstance(answer, errors.KernelError):
            raise answer
        return replace(answer, seconds=self.now - begin)

    def send(self, event: Event, plan: Exchange) -> Slot:
        slot, text = Slot(), json.dumps(event)
        for number, copy in enumerate(plan.copies):
            self.later(TRIP + copy.late, lambda number=number, copy=copy: self._deliver(text, number, copy, slot))  # type: ignore[misc]
        return slot

    def _deliver(self, text: str, number: int, copy: Copy, slot: Slot) -> None:
        alive = [e for e in self.environments if e.alive]
        idle = [e for e in alive if e.busy <= self.now]
        spent = 0.0
        if idle:
            environment = idle[copy.choice % len(idle)]
        elif len(alive) >= self.concurrency:
            self._answer(errors.Throttled("Lambda throttled `fake`"), TRIP, number, slot)
            return
        else:
            environment, spent = ModelledEnvironment(self), START
            self.environments.append(environment)
        event = json.loads(text)
        hold = event.pop("hold", 0.0)
        if event.get("environment") != environment.id:  # as the function does
            spent += hold
        self.spent = 0.0
        payload = environment.answer(event, TenantContext() if self.tenant else LambdaContext())
        spent += self.spent
        if "duration_ms" in payload:
            payload["duration_ms"] = max(spent, 0.0) * 1000
        environment.busy = self.now + spent + environment.free_late

        def answer() -> None:
            died = not environment.alive
            report = Report("id", spent * 1000)
            failed = errors.FunctionFailed("the runtime died", "Runtime.ExitError", "id", report)
            answered = Reply(json.loads(json.dumps(payload)), "id", 0.0, report)
            self._answer(failed if died else answered, TRIP + copy.answer_late, number, slot)

        self.later(spent, answer)

    def _answer(self, answer: Reply | errors.KernelError, seconds: float, number: int, slot: Slot) -> None:
        def arrive() -> None:
            slot.answers[number] = answer
            slot.order.append(number)

        self.later(seconds, arrive)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...


class ModelConnection(Connection):
    """hold: what it sends is under way when it returns, without a thread."""

    def __init__(self, world: World) -> None:
        super().__init__(world, lambda: world.now, lambda: 0.5, inline)
        self.world = world

    def hold(self, event: Event) -> threading.Thread:
        self.world.exchanges += 1
        plans = self.world.plans
        self.world.send(event | {"hold": HOLD_SECONDS}, plans.pop(0) if plans else PLAIN)
        return threading.Thread()
