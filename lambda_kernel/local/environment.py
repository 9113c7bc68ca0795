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
from .cgroups import Cgroup
from .guest import Guest
from .invocation import Answer, Invocation, Outcome
from .log_pipe import LogPipe
from .log_tail import LogTail, Report, init_report
from .run_directory import RunDirectory
from .sandbox import Launcher
from .settings import Settings
from .watch import Excess, Watch


@dataclass(frozen=True)
class Premises:
    """What all environments of one engine share."""

    settings: Settings
    launcher: Launcher
    directory: RunDirectory
    cgroup: Cgroup | None
    # The init phase's own time limit.
    init_s: float


class Environment:
    """See the module."""

    def __init__(self, premises: Premises, name: str, runtime_api: str, tenant_id: str | None) -> None:
        self.tenant_id = tenant_id
        self.idle_since = 0.0
        self.on_close: Callable[[], None] = lambda: None
        self._premises = premises
        self._settings = premises.settings
        self._name = name
        self._starts = 0
        self._log = LogTail()
        self._pipe = LogPipe(self._log.write)
        tmp = premises.directory.make_tmp(name)
        self.guest = Guest(
            self._settings,
            premises.launcher,
            runtime_api=runtime_api,
            tmp=tmp,
            log=self._pipe.write_end,
            make_cgroup=self._make_cgroup,
        )
        self._watch = Watch(self._settings.memory_mb, self.guest.members, self._on_excess)

    async def run(self, invocation: Invocation) -> Outcome:
        """Take one event through the function."""
        self.guest.request_id = invocation.request_id
        self.guest.rouse()
        self._watch.begin()
        cold = self._starts == 0
        init_ms = await self._init_phase() if cold else None
        await self.guest.back()
        self._log.start(invocation.request_id, cold)
        began = time.perf_counter()
        with _Alarm(self._settings.timeout_s, self._timed_out, invocation) as alarm:
            answer = await self._serve(invocation)
        duration_ms = (time.perf_counter() - began) * 1000
        self._watch.end()
        self._pipe.drain()
        report = Report(
            invocation.request_id, duration_ms, self._settings.memory_mb, self._watch.peak_mb,
            init_ms, answer.status, answer.error_type,
        )  # fmt: skip
        outcome = Outcome(answer, self._log.end(report))
        self.guest.rest(alarm.remaining_s)
        return outcome

    async def close(self) -> None:
        """End everything and leave nothing behind."""
        self._watch.end()
        await self.guest.end()
        self._pipe.close()
        self._premises.directory.remove_tmp(self._name)
        self.on_close()

    async def _init_phase(self) -> float | None:
        """Start for the first time; return how long it took, or None when the invocation has to repeat it."""
        began = time.perf_counter()
        with _Alarm(self._premises.init_s, self.guest.condemn, Answer(b"", failed=True, status="timeout")):
            failed = await self._initialise("init")
        return None if failed else (time.perf_counter() - began) * 1000

    async def _serve(self, invocation: Invocation) -> Answer:
        # The function's clock starts with the event; a start that is repeated here runs against it.
        deadline = time.time() + self._settings.timeout_s
        if not self.guest.alive:
            failed = await self._initialise("invoke")
            if failed is not None:
                return failed
        return await self.guest.serve(invocation, deadline)

    async def _initialise(self, phase: str) -> Answer | None:
        began = time.perf_counter()
        self._starts += 1
        failed = await self.guest.start()
        if failed is not None:
            self._pipe.drain()
            init_ms = (time.perf_counter() - began) * 1000
            self._log.write(init_report(init_ms, phase, failed.status or "error", failed.error_type))
        return failed

    def _timed_out(self, invocation: Invocation) -> None:
        self.guest.condemn(answers.timed_out(invocation.request_id, self._settings.timeout_s))

    def _on_excess(self, excess: Excess) -> None:
        make = {Excess.MEMORY: answers.out_of_memory, Excess.PROCESSES: answers.killed}[excess]
        self.guest.condemn(make(self.guest.request_id))

    def _make_cgroup(self) -> Cgroup | None:
        if self._premises.cgroup is None:
            return None
        cgroup = Cgroup(self._premises.cgroup.path / f"{self._name}-{self._starts}")
        cgroup.make()
        return cgroup


class _Alarm:
    """Calls a function unless the block is left in time."""

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
