"""All environments of the function: which one takes an event, and when one is let go.

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
from .limits import TENANT_ENVIRONMENTS_PER_CONCURRENCY


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
        self._busy: set[Environment] = set()
        # The most recently used one is last.
        self._idle: list[Environment] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    async def run(self, invocation: Invocation) -> Outcome:
        """Run an event at once, or raise ApiError when all of the function's concurrency is in use."""
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
        """Run an asynchronous event, which Lambda queues while there is no room for it."""
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
        """Let go of what has been idle too long."""
        oldest = self._clock() - self._idle_s
        for environment in [found for found in self._idle if found.idle_since <= oldest]:
            self._let_go(environment)

    async def close(self) -> None:
        for environment in [*self._idle, *self._busy]:
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
            environment = self._make(tenant_id)
        self._busy.add(environment)
        return environment

    def _make_room(self) -> None:
        """Keep to the number that Lambda allows; it would refuse the event, here the longest idle one goes."""
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
