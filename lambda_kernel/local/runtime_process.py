"""The runtime inside an environment, as the engine deals with it: start, hand over an event, freeze, end.

Everything here happens in the engine's one thread, between two awaits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext

from tornado.iostream import IOStream

from . import invocation as answers
from .cpu_share import Rotation, quota_us
from .freezer import Freezing
from .groups import Groups
from .invocation import Answer, Invocation
from .processes import Members
from .quotas import MIB, PROCESSES, RESPONSE_BYTES, function_arn
from .sandbox import Launcher, Runtime, Start
from .settings import Settings
from .storage import Storage
from .variables import function_variables
from .web import Memory, Request

_END_S = 5.0
_JSON = {"Content-Type": "application/json"}
_ACCEPTED = b'{"status":"OK"}'
_TOO_LARGE = b'{"errorMessage":"Exceeded maximum allowed payload size","errorType":"RequestEntityTooLarge"}'
# Two answers at once: who sends a third has to wait for no one.
_MEMORY_BYTES = 2 * RESPONSE_BYTES
_UNKNOWN = b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'


class RuntimeProcess:
    """One runtime after the other in one environment; the Runtime API calls the methods named after its requests."""

    def __init__(
        self,
        settings: Settings,
        launcher: Launcher,
        *,
        runtime_api: str,
        storage: Storage,
        log: int,
        make_groups: Callable[[], Groups],
        rotation: Rotation | None,
    ) -> None:
        self._settings = settings
        self._launcher = launcher
        self._runtime_api = runtime_api
        self._storage, self._log = storage, log
        self._make_groups, self._rotation = make_groups, rotation
        self.request_id = ""
        self.memory = Memory(_MEMORY_BYTES)
        self._runtime: Runtime | None = None
        self._held: Runtime | None = None  # a sandbox in which no runtime has been started
        self._freezing: Freezing | None = None
        # The runtime's request for an event, held open until there is one; and whose connection it came by.
        self._next: Request | None = None
        self._asker: IOStream | None = None
        self._current: Invocation | None = None
        # The event as it was handed over.
        self._event: tuple[dict[str, str], bytes] = ({}, b"")
        self._initialising = False
        # What somebody waits for: an answer, or None once the runtime asks for an event.
        self._pending: asyncio.Future[Answer | None] | None = None
        # Why the runtime is about to end, where its exit status does not tell.
        self._failure: Answer | None = None
        self._patience_timer: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        return self._runtime is not None

    def members(self) -> Members | None:
        return self._runtime.members if self._runtime is not None else None

    async def start(self) -> Answer | None:
        """Start a runtime and wait until it asks for an event; return what went wrong instead."""
        self._failure = None
        runtime, self._held = self._held, None
        if runtime is None or runtime.ended.done():
            runtime = self._launch()
        runtime.let_go()
        self._runtime, self._freezing = runtime, Freezing(runtime.freezer)
        self._initialising = True
        runtime.ended.add_done_callback(lambda ended: self._ended(runtime, ended.result()))
        return await self._expect()

    def prepare(self) -> None:
        """Make the sandbox of the first start ahead."""
        if self._launcher.holds:
            self._held = self._launch(hold=True)

    def _launch(self, hold: bool = False) -> Runtime:
        groups = self._make_groups()
        variables = function_variables(self._settings, self._runtime_api, self._launcher.places)
        with self._rotation.chosen() if self._rotation else nullcontext():
            runtime = self._launcher.launch(Start(variables, self._storage, self._log, groups), hold)
        # What is written to a /tmp in memory counts as its writer's. The monitor holds the function's own limit then.
        groups.limit(self._settings.memory_mb * MIB + self._storage.most, PROCESSES)
        return runtime

    def throttle(self) -> None:
        """Give the runtime its share of the CPU only. Before, in the init phase, it has what it needs."""
        if self._runtime is not None and self._rotation is not None:
            self._runtime.groups.throttle(quota_us(self._settings.memory_mb))

    def out_of_memory(self) -> bool:
        return self._runtime is not None and self._runtime.groups.out_of_memory()

    async def back(self) -> Answer | None:
        """Wait for a runtime that has answered and not yet asked for more; return how it has ended instead."""
        ended = None
        while self._runtime is not None and self._next is None:
            ended = await self._expect()
        return ended

    async def serve(self, invocation: Invocation, deadline: float) -> Answer:
        """Hand over an event and wait for the answer."""
        assert self._next is not None
        request, self._next = self._next, None
        self._current = invocation
        self._event = _event_headers(invocation, self._settings.function, deadline), invocation.payload
        request.reply(200, *self._event)
        answer = await self._expect()
        self._current, self._event = None, ({}, b"")
        assert answer is not None
        return answer

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def kill(self, failure: Answer) -> None:
        """Kill everything. Whoever waits gets this failure once all is dead."""
        if self._runtime is not None and self._pending is not None and not self._pending.done():
            self._failure = failure
            self._kill()

    def thaw(self) -> None:
        """Thaw the runtime, or prevent a freeze."""
        if self._freezing is not None:
            self._freezing.end()

    def freeze_when_idle(self, patience_s: float) -> None:
        """Freeze once the runtime asks for the next event. Kill it if it does not ask in time."""
        if self._freezing is None:
            return
        if self._next is not None:
            self._freezing.begin()
        else:
            self._patience_timer = asyncio.get_running_loop().call_later(patience_s, self._kill)

    async def end(self) -> None:
        """Kill everything and wait for its death."""
        held, self._held = self._held, None
        if held is not None:
            held.kill()
            await asyncio.wait([held.ended], timeout=_END_S)
            held.remove()
        if self._runtime is not None:
            runtime = self._runtime
            self._kill()
            await asyncio.wait([runtime.ended], timeout=_END_S)

    def next_requested(self, request: Request) -> None:
        """Take a request for an event. It may also come from a cell.

        While an event runs, Lambda gives that event once more (RuntimeRunningState in core/states.go of AWS's emulator,
        github.com/aws/aws-lambda-runtime-interface-emulator). Who asks beside a runtime that waits would get one of the
        next events there, and the runtime would miss it. Here it is refused: awslambdaric asks by one connection.
        """
        if self._current is not None:
            request.reply(200, *self._event)
        elif self._runtime is None or (self._asker not in (None, request.client) and not self._asker.closed()):
            _refuse_state(request, "Ready", "Ready")
        else:
            self._next, self._asker = request, request.client
            request.on_leave = self._asker_left
            self._initialising = False
            self._be_patient()
            if not self._resolve(None) and self._freezing is not None:
                self._freezing.begin()

    def _asker_left(self) -> None:
        self._next = None

    def expects(self, request: Request, request_id: str) -> bool:
        """Whether this answers the running event. Otherwise refuse it."""
        expected = self._current is not None and self._current.request_id == request_id
        if not expected:
            request.reply(400, _JSON, _UNKNOWN)
        return expected

    def too_much(self, request: Request) -> None:
        request.reply(413, _JSON, _TOO_LARGE)

    def response_posted(self, request: Request, request_id: str) -> None:
        self._answered(request, request_id, Answer(request.body))

    def error_posted(self, request: Request, request_id: str) -> None:
        self._answered(request, request_id, Answer(request.body, failed=True))

    def init_error_posted(self, request: Request) -> None:
        """Remember why. The runtime then exits, and that ends the init phase."""
        if not self._initialising:
            _refuse_state(request, "Running" if self._current else "Ready", "InitError")
            return
        self._failure = answers.init_error(request.body, request.headers.get("Lambda-Runtime-Function-Error-Type", ""))
        request.reply(202, _JSON, _ACCEPTED)

    def _answered(self, request: Request, request_id: str, answer: Answer) -> None:
        if not self.expects(request, request_id):
            return
        fits = request.size <= RESPONSE_BYTES
        # An answer that overtakes a kill counts; the next event gets a new runtime.
        self._current = self._failure = None
        self._resolve(answer if fits else answers.too_large())
        # After the caller's reply, which is what is waited for. Told 413, awslambdaric gives up and exits.
        status, body = (202, _ACCEPTED) if fits else (413, _TOO_LARGE)
        asyncio.get_running_loop().call_soon(request.reply, status, _JSON, body)

    def _ended(self, runtime: Runtime, status: int) -> None:
        if runtime is not self._runtime:
            return
        how = answers.out_of_memory(self.request_id) if runtime.groups.out_of_memory() else self._failure
        runtime.remove()
        self._runtime = self._freezing = self._next = self._asker = self._current = None
        self._be_patient()
        self._resolve(how or answers.exited(self.request_id, status))

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

    def _be_patient(self) -> None:
        if self._patience_timer is not None:
            self._patience_timer.cancel()
            self._patience_timer = None

    def _kill(self) -> None:
        if self._runtime is not None and self._freezing is not None:
            self._freezing.end_for_good()
            self._runtime.kill()


def _refuse_state(request: Request, now: str, then: str) -> None:
    """Answer in the words of AWS's emulator: internal/lambda/rapi/rendering."""
    message = f"State transition from {now} to {then} failed for runtime. Error: State transition is not allowed"
    request.reply(403, _JSON, json.dumps({"errorMessage": message, "errorType": "InvalidStateTransition"}).encode())


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
