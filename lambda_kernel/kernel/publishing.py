"""Output is published in a thread of its own, and a reply is not: it must not overtake the output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

SECONDS = 1.0  # it takes a fraction of a millisecond, unless the machine is stuck


class Publisher(Protocol):
    """ipykernel's IOPubThread. schedule: call that after all that was published before."""

    def schedule(self, f: Callable[[], object], /) -> None: ...


async def published(publisher: Publisher, seconds: float = SECONDS) -> None:
    """Wait until all output is on its way. jupyter_console looks at output no more after the reply, if it takes the
    `idle` of an earlier request for the cell's (6.6). ipykernel flushes sys.stdout for that, which is not used here."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    publisher.schedule(lambda: loop.call_soon_threadsafe(done.set_result, None))
    await asyncio.wait([done], timeout=seconds)
