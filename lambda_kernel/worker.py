"""A thread for calls that block, so that the kernel's loop never does."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """Runs calls one after another. A daemon thread: a blocked one keeps nobody from leaving, as a pool's would."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[], T], loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        """A future of the loop's for what the call returns or raises."""
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                finish = functools.partial(future.set_result, call())
            except BaseException as error:  # noqa: BLE001 - it is raised where the future is awaited
                finish = functools.partial(future.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(lambda: None if future.done() else finish())

        self._calls.put(run)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="invocations", daemon=True)
            self._thread.start()
        return future

    def _work(self) -> None:
        while True:
            self._calls.get()()
