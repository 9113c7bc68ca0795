"""A reply does not overtake the output."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from lambda_kernel.kernel.publishing import published


class SlowPublisher:
    """It does nothing until it is told to."""

    def __init__(self) -> None:
        self.scheduled: list[Callable[[], object]] = []

    def schedule(self, f: Callable[[], object], /) -> None:
        self.scheduled.append(f)

    def publish(self) -> None:
        for f in self.scheduled:
            f()


def test_it_waits_for_the_thread_that_publishes() -> None:
    async def wait() -> None:
        publisher = SlowPublisher()
        waiting = asyncio.create_task(published(publisher, 1000))
        while not publisher.scheduled:
            await asyncio.sleep(0)
        assert not waiting.done()
        thread = threading.Thread(target=publisher.publish)
        thread.start()
        await waiting
        thread.join()

    asyncio.run(wait())


def test_a_thread_that_is_stuck_holds_no_reply_back_for_long() -> None:
    asyncio.run(published(SlowPublisher(), 0.01))
