"""One execution environment: a runtime and what it started, a /tmp and a log, serving one invocation at a time.

Its life follows https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: an init phase; then
invocations, frozen in between; after a timeout or a crash the runtime starts again inside the next invocation
("suppressed init"), with /tmp as it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import invocation as answers
from .cpu_share import Rotation
from .groups import Groups
from .invocation import Answer, Invocation, Outcome
from .limit_monitor import Excess, LimitMonitor
from .log_pipe import LogPipe
from .log_tail import LogTail, Report, init_report
from .quotas import Patience
from .run_directory import RunDirectory
from .runtime_process import RuntimeProcess
from .sandbox import Launcher
from .settings import Settings


@dataclass(frozen=True)
class SharedConfig:
    """What all environments of one engine share. starting: so many start at once. With more, each would take many times
    longer than it does by itself, and Lambda gives each a CPU share of its own."""

    settings: Settings
    launcher: Launcher
    directory: RunDirectory
    groups: Groups
    rotation: Rotation | None
    patience: Patience
    starting: asyncio.Semaphore


class Environment:
    """See the module."""

    def __init__(self, shared: SharedConfig, name: str, runtime_api: str, tenant_id: str | None) -> None:
        self.tenant_id = tenant_id
        self.idle_since = 0.0
        self.on_close: Callable[[], None] = lambda: None
        self._shared = shared
        self._settings = shared.settings
        self._name = name
        self._starts = self._groups = 0
        self._log = LogTail()
        self._pipe = LogPipe(self._log.write)
        self._storage = shared.launcher.storage.make(shared.directory.make_tmp(name))
        self.runtime_process = RuntimeProcess(
            self._settings,
            shared.launcher,
            runtime_api=runtime_api,
            storage=self._storage,
            log=self._pipe.write_end,
            make_groups=self._make_groups,
            rotation=shared.rotation,
        )
        self._monitor = LimitMonitor(
            self._settings.memory_mb,
            self.runtime_process.members,
            self._on_excess,
            self.runtime_process.out_of_memory,
            self._storage.used,
        )

    def prepare(self) -> None:
        """Do ahead what Lambda does before an init phase, and does not count to it: make the sandbox."""
        self.runtime_process.prepare()

    async def run(self, invocation: Invocation) -> Outcome:
        """Run the function for one event."""
        self.runtime_process.request_id = invocation.request_id
        self.runtime_process.thaw()
        self._monitor.begin()
        starts = self._starts
        init_ms = None
        if starts == 0:
            async with self._shared.starting:
                init_ms = await self._init_phase()
        with _Alarm(self._settings.timeout_s, self._timed_out, invocation):
            ended = await self.runtime_process.back()
        self.runtime_process.throttle()
        began = time.perf_counter()
        # The function's timeout starts with the event, and includes a repeated start.
        deadline = time.time() + self._settings.timeout_s
        with _Alarm(self._settings.timeout_s, self._timed_out, invocation) as alarm:
            # A runtime that ended by itself before the event is started again, without a message.
            gone = ended is not None and self.runtime_process.failed
            failed = ended if gone else await self._initialise_again()
            self._pipe.drain()
            # A repeated init, too, comes before START: doInvoke in internal/lambda/rapid/handlers.go of AWS's emulator.
            self._log.start(invocation.request_id, after_init=self._starts > starts)
            answer = failed or await self.runtime_process.serve(invocation, deadline)
        duration_ms = self._duration_ms(answer, began)
        self._monitor.end()
        if answer.error_type == answers.OUT_OF_MEMORY:
            self._monitor.fill()
        self._pipe.drain()
        report = Report(
            invocation.request_id, duration_ms, self._settings.memory_mb, self._monitor.peak_mb,
            init_ms, answer.status, answer.error_type,
        )  # fmt: skip
        outcome = Outcome(answer, self._log.end(report))
        self.runtime_process.freeze_when_idle(alarm.remaining_s)
        return outcome

    async def close(self) -> None:
        """End all processes, and clean up everything."""
        self._monitor.end()
        await self.runtime_process.end()
        self._pipe.close()
        await self._storage.close()
        self._shared.directory.remove_tmp(self._name)
        self.on_close()

    async def _init_phase(self) -> float | None:
        """Start for the first time. Return how long it took, or None if the invocation has to repeat it."""
        began = time.perf_counter()
        with _Alarm(
            self._shared.patience.init_s, self.runtime_process.kill, Answer(b"", failed=True, status="timeout")
        ):
            failed = await self._initialise("init")
        return None if failed else (time.perf_counter() - began) * 1000

    async def _initialise_again(self) -> Answer | None:
        """Start the runtime inside the invocation if there is none. Return what went wrong."""
        if not self.runtime_process.alive:
            failed = await self._initialise("invoke")
            if failed is not None:
                return failed
            self.runtime_process.throttle()
        return await self.runtime_process.back()

    def _duration_ms(self, answer: Answer, began: float) -> float:
        """A timeout's Duration is the limit, however long the end took: `Duration: 3000.00 ms … Status: timeout`."""
        if answer.status == "timeout":
            return self._settings.timeout_s * 1000
        return (time.perf_counter() - began) * 1000

    async def _initialise(self, phase: str) -> Answer | None:
        began = time.perf_counter()
        self._starts += 1
        failed = await self.runtime_process.start()
        if failed is not None:
            self._pipe.drain()
            init_ms = (time.perf_counter() - began) * 1000
            self._log.write(init_report(init_ms, phase, failed.status or "error", failed.error_type))
        return failed

    def _timed_out(self, invocation: Invocation) -> None:
        self.runtime_process.kill(answers.timed_out(invocation.request_id, self._settings.timeout_s))

    def _on_excess(self, excess: Excess) -> None:
        make = {Excess.MEMORY: answers.out_of_memory, Excess.PROCESSES: answers.killed}[excess]
        self.runtime_process.kill(make(self.runtime_process.request_id))

    def _make_groups(self) -> Groups:
        self._groups += 1
        return self._shared.groups.make_below(f"{self._name}-{self._groups}")


class _Alarm:
    """Calls a function if the block is not left in time."""

    def __init__(self, after_s: float, ring: Callable[..., None], *arguments: object) -> None:
        self._due = time.monotonic() + after_s
        self._timer = asyncio.get_running_loop().call_later(after_s, ring, *arguments)

    def __enter__(self) -> _Alarm:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def remaining_s(self) -> float:
        return max(0.0, self._due - time.monotonic())
