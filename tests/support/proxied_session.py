"""A session over boto3, a proxy that may misbehave, and a local emulator in this process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lambda_kernel import errors, function
from lambda_kernel.aws.transport import BotoTransport, LambdaClient, make_client
from lambda_kernel.local import Endpoint, LocalEngine, Settings
from lambda_kernel.session.cell import Cell, CellEvent
from lambda_kernel.session.connection import HOLDING
from lambda_kernel.session.session import Session
from tests.support.in_process_session import Interrupts, Ran, fresh
from tests.support.proxy import Fault, Proxy
from tests.support.run_log import RunLog

CODE = Path(function.__path__[0])


def shell_engine(clock: Callable[[], float] = time.monotonic, **settings: Any) -> LocalEngine:
    return LocalEngine(Settings(CODE, **settings), clock)


def send_to(proxy: Proxy, client: LambdaClient, at: Endpoint) -> None:
    """Requests stay signed for the engine, which takes nothing else."""

    def redirect(request: Any, **_: object) -> None:
        request.headers["Host"] = at.endpoint_url.removeprefix("http://")
        request.url = request.url.replace(at.endpoint_url, proxy.url)

    client.meta.events.register("before-send.lambda.Invoke", redirect)


def client_of(at: Endpoint, **options: Any) -> LambdaClient:
    return make_client(at.region, None, at.endpoint_url, (at.access_key_id, at.secret_access_key), **options)


@dataclass
class ProxiedSession:
    """One session. ahead: seconds by which its clock is before this machine's."""

    at: Endpoint
    name: str = "tests"
    make: Callable[[Endpoint], LambdaClient] = client_of
    ahead: float = 0.0

    def __post_init__(self) -> None:
        self.log = RunLog()
        self.proxy = Proxy(self.at.endpoint_url)
        self.client = self.make(self.at)
        send_to(self.proxy, self.client, self.at)
        transport = BotoTransport(self.at.function, self.at.region, self.client, self.name, clock=self.now)
        self.session = Session(transport, self.now, self.name, lambda: 0.5, uptime=self.now)

    def now(self) -> float:
        return time.monotonic() + self.ahead

    def jump(self, seconds: float) -> None:
        self.ahead += seconds

    def wait(self, seconds: float) -> None:
        """Only as long as the engine is at work for nobody, or is held; the clock goes on by the rest of it."""
        end = time.monotonic() + seconds
        while (self.proxy.busy or held()) and time.monotonic() < end:
            time.sleep(0.002)
        self.ahead += max(end - time.monotonic(), 0)

    def run(self, code: str, *plan: Fault, **options: Any) -> Ran:
        ran, lost = self.attempt(code, *plan, **options)
        if lost:
            raise lost
        return ran

    def attempt(
        self,
        code: str,
        *plan: Fault,
        see: Callable[[CellEvent], object] = lambda cell_event: None,
        lines: tuple[str | None, ...] = (),
        control: Interrupts | None = None,
        **options: Any,
    ) -> tuple[Ran, errors.KernelError | None]:
        """What came, and why no more did. plan: what happens to the first exchanges of the cell; see: called with each
        cell_event; lines: what the user types."""
        ran = fresh(control or Interrupts(sleep=self.wait, lines=lines))

        def emit(cell_event: CellEvent) -> None:
            ran.cell_events.append(cell_event)
            see(cell_event)

        self.proxy.plan.extend(plan)
        try:
            ran.result = self.session.run(Cell(code, **options), replace(ran.context, emit=emit))
        except errors.KernelError as error:
            return ran, error
        finally:
            self.proxy.plan.clear()
        return ran, None

    def leave(self) -> None:
        self.session.leave()
        self.client.close()
        self.proxy.close()
        self.log.close()


def held() -> bool:
    """Whether the session keeps an environment busy, or is about to."""
    return any(thread.name == HOLDING for thread in threading.enumerate())


@contextlib.contextmanager
def proxied_session(**settings: Any) -> Iterator[ProxiedSession]:
    """With an engine of its own."""
    with shell_engine(**{"tenancy": True, **settings}) as engine:
        made = ProxiedSession(engine.start())
        try:
            yield made
        finally:
            made.leave()
