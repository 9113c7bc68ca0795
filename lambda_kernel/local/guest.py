"""The runtime inside an environment, as the engine deals with it: start, hand over an event, freeze, end.

Everything here happens in the engine's one thread, between two awaits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from . import invocation as answers
from .cgroups import Cgroup
from .invocation import Answer, Invocation
from .limits import MIB, PROCESSES, RESPONSE_BYTES, function_arn
from .processes import Members
from .sandbox import Launcher, Runtime, Start
from .settings import Settings
from .variables import function_variables
from .web import Request

# A caller that comes back at once finds the runtime awake; a person notices nothing of so short a time.
_FREEZE_DELAY_S = 0.005
_END_S = 5.0
_JSON = {"Content-Type": "application/json"}
_ACCEPTED = b'{"status":"OK"}'
_TOO_LARGE = b'{"errorMessage":"Exceeded maximum allowed payload size","errorType":"RequestEntityTooLarge"}'
_UNKNOWN = b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'


class Guest:
    """One runtime after the other in one environment; the Runtime API calls the methods named after its requests."""

    def __init__(
        self,
        settings: Settings,
        launcher: Launcher,
        *,
        runtime_api: str,
        tmp: Path,
        log: int,
        make_cgroup: Callable[[], Cgroup | None],
    ) -> None:
        self._settings = settings
        self._launcher = launcher
        self._runtime_api = runtime_api
        self._tmp, self._log = tmp, log
        self._make_cgroup = make_cgroup
        self.request_id = ""
        self._runtime: Runtime | None = None
        # The runtime's request for an event, held open until there is one.
        self._next: Request | None = None
        self._current: Invocation | None = None
        # What somebody waits for: an answer, or None once the runtime asks for an event.
        self._pending: asyncio.Future[Answer | None] | None = None
        # Why the runtime is about to end, where its exit status does not tell.
        self._verdict: Answer | None = None
        self._freeze_timer: asyncio.TimerHandle | None = None
        self._patience_timer: asyncio.TimerHandle | None = None
        self._frozen = False

    @property
    def alive(self) -> bool:
        return self._runtime is not None

    def members(self) -> Members | None:
        return self._runtime.members if self._runtime is not None else None

    async def start(self) -> Answer | None:
        """Start a runtime and wait until it asks for an event; return what went wrong instead."""
        self._verdict = None
        cgroup = self._make_cgroup()
        variables = function_variables(self._settings, self._runtime_api, self._launcher.places)
        runtime = self._launcher.launch(Start(variables, self._tmp, self._log, cgroup))
        if cgroup is not None:
            cgroup.limit(self._settings.memory_mb * MIB, PROCESSES)
        self._runtime = runtime
        runtime.ended.add_done_callback(lambda ended: self._ended(runtime, ended.result()))
        return await self._expect()

    async def back(self) -> None:
        """Wait for a runtime that has answered and not yet asked for more."""
        if self._runtime is not None and self._next is None:
            await self._expect()

    async def serve(self, invocation: Invocation, deadline: float) -> Answer:
        """Hand over an event and wait for the answer."""
        assert self._next is not None
        request, self._next = self._next, None
        self._current = invocation
        request.reply(200, _event_headers(invocation, self._settings.function, deadline), invocation.payload)
        answer = await self._expect()
        self._current = None
        assert answer is not None
        return answer

    def condemn(self, verdict: Answer) -> None:
        """Kill everything; whoever waits gets the verdict once it is dead."""
        if self._runtime is not None and self._pending is not None and not self._pending.done():
            self._verdict = verdict
            self._runtime.kill()

    def rouse(self) -> None:
        """Undo a freeze, or keep it from coming."""
        if self._freeze_timer is not None:
            self._freeze_timer.cancel()
            self._freeze_timer = None
        if self._frozen and self._runtime is not None:
            self._runtime.freezer.thaw()
        self._frozen = False

    def rest(self, patience_s: float) -> None:
        """Freeze as soon as the runtime has come back; end it when it does not come back in time."""
        if self._runtime is None:
            return
        if self._next is not None:
            self._freeze_later()
        else:
            self._patience_timer = asyncio.get_running_loop().call_later(patience_s, self._runtime.kill)

    async def end(self) -> None:
        """Kill everything and wait for its death."""
        self.rouse()
        if self._runtime is not None:
            runtime = self._runtime
            runtime.kill()
            await asyncio.wait([runtime.ended], timeout=_END_S)

    def next_requested(self, request: Request) -> None:
        self._next = request
        if self._patience_timer is not None:
            self._patience_timer.cancel()
            self._patience_timer = None
        if self._current is None and not self._resolve(None):
            self._freeze_later()

    def response_posted(self, request: Request, request_id: str) -> None:
        self._answered(request, request_id, Answer(request.body))

    def error_posted(self, request: Request, request_id: str) -> None:
        self._answered(request, request_id, Answer(request.body, failed=True))

    def init_error_posted(self, request: Request) -> None:
        """Remember why; the runtime exits next, and that ends the init phase."""
        self._verdict = answers.init_error(request.body)
        request.reply(202, _JSON, _ACCEPTED)

    def _answered(self, request: Request, request_id: str, answer: Answer) -> None:
        if self._current is None or self._current.request_id != request_id:
            request.reply(400, _JSON, _UNKNOWN)
            return
        fits = request.size <= RESPONSE_BYTES
        self._current = None
        self._resolve(answer if fits else answers.too_large())
        # After the caller's reply, which is what is waited for. Told 413, awslambdaric gives up and exits.
        status, body = (202, _ACCEPTED) if fits else (413, _TOO_LARGE)
        asyncio.get_running_loop().call_soon(request.reply, status, _JSON, body)

    def _ended(self, runtime: Runtime, status: int) -> None:
        if runtime is not self._runtime:
            return
        if runtime.out_of_memory():
            self._verdict = answers.out_of_memory(self.request_id)
        runtime.remove()
        self._runtime = self._next = self._current = None
        self._frozen = False
        self._resolve(self._verdict or answers.exited(self.request_id, status))

    async def _expect(self) -> Answer | None:
        self._pending = asyncio.get_running_loop().create_future()
        try:
            return await self._pending
        finally:
            self._pending = None

    def _resolve(self, answer: Answer | None) -> bool:
        if self._pending is None or self._pending.done():
            return False
        self._pending.set_result(answer)
        return True

    def _freeze_later(self) -> None:
        self._freeze_timer = asyncio.get_running_loop().call_later(_FREEZE_DELAY_S, self._freeze)

    def _freeze(self) -> None:
        self._freeze_timer = None
        if self._runtime is not None:
            self._runtime.freezer.freeze()
            self._frozen = True


def _event_headers(invocation: Invocation, function: str, deadline: float) -> dict[str, str]:
    """Return what awslambdaric makes the context object from."""
    headers = {
        **_JSON,
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": function_arn(function),
        "Lambda-Runtime-Trace-Id": invocation.trace_id,
    }
    if invocation.client_context is not None:
        headers["Lambda-Runtime-Client-Context"] = invocation.client_context
    if invocation.tenant_id is not None:
        headers["Lambda-Runtime-Aws-Tenant-Id"] = invocation.tenant_id
    return headers
