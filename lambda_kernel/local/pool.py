"""All environments of the function: chooses one for each event, and ends idle ones.

"Lambda first attempts to locate an available execution environment"; two overlapping invocations get two
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html), and an environment serves one tenant only
(https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .environment import Environment
from .errors import ApiError, throttled
from .invocation import Invocation, Outcome
from .quotas import TENANT_ENVIRONMENTS_PER_CONCURRENCY


class Pool:
    """Hands events to environments, the most recently used one first."""

    def __init__(
        self,
        make: Callable[[str | None], Environment],
        concurrency: int,
        idle_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._make = make
        self._concurrency = concurrency
        self._idle_s = idle_s
        self._clock = clock
        self._prepared: Environment | None = None  # nobody's yet, and not counted
        self._busy: set[Environment] = set()
        # The most recently used one is last.
        self._idle: list[Environment] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    def prepare(self) -> None:
        """Make the sandbox of the first environment ahead. Nothing of Lambda's runs in it yet."""
        if not (self._prepared or self._idle or self._busy):
            self._prepared = self._make(None)
            self._prepared.prepare()

    async def run(self, invocation: Invocation) -> Outcome:
        """Run an event at once. Raises ApiError if the function's concurrency is used up."""
        self.expire()
        environment = self._take(invocation.tenant_id)
        try:
            outcome = await environment.run(invocation)
        except BaseException:
            # It did not get as far as an answer: nothing is known of its state.
            self._busy.discard(environment)
            self._close(environment)
            raise
        self._busy.discard(environment)
        environment.idle_since = self._clock()
        self._idle.append(environment)
        self._free()
        return outcome

    async def run_when_free(self, invocation: Invocation) -> None:
        """Run an asynchronous event. Like Lambda, queue it until there is room."""
        while True:
            freed = self._freed
            try:
                await self.run(invocation)
            except ApiError as error:
                if error.status != 429:
                    raise
                await freed.wait()
            else:
                return

    def expire(self) -> None:
        """End environments that have been idle for too long."""
        oldest = self._clock() - self._idle_s
        for environment in [found for found in self._idle if found.idle_since <= oldest]:
            self._let_go(environment)

    async def close(self) -> None:
        prepared, self._prepared = self._prepared, None
        for environment in [*self._idle, *self._busy, *([prepared] if prepared else [])]:
            self._close(environment)
        self._idle.clear()
        self._busy.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def _take(self, tenant_id: str | None) -> Environment:
        if len(self._busy) >= self._concurrency:
            raise throttled("ConcurrentInvocationLimitExceeded")
        for environment in reversed(self._idle):
            if environment.tenant_id == tenant_id:
                self._idle.remove(environment)
                break
        else:
            self._make_room()
            environment, self._prepared = self._prepared or self._make(tenant_id), None
            environment.tenant_id = tenant_id
        self._busy.add(environment)
        return environment

    def _make_room(self) -> None:
        """Keep to Lambda's limit. Lambda would refuse the event; here the environment that was idle longest is
        ended."""
        most = int(self._concurrency * TENANT_ENVIRONMENTS_PER_CONCURRENCY)
        if self._idle and len(self._idle) + len(self._busy) >= most:
            self._let_go(self._idle[0])

    def _let_go(self, environment: Environment) -> None:
        self._idle.remove(environment)
        self._close(environment)

    def _close(self, environment: Environment) -> None:
        task = asyncio.get_running_loop().create_task(environment.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._free()

    def _free(self) -> None:
        self._freed.set()
        self._freed = asyncio.Event()
