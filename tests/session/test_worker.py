"""A thread that blocks for the loop: what a call returns or raises comes back, always."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from lambda_kernel.session.worker import Worker


def test_results_and_errors_come_back_every_time() -> None:
    def fail(number: int) -> int:
        raise ValueError(number)

    async def use() -> None:
        worker, loop = Worker(), asyncio.get_running_loop()
        for number in range(300):
            assert await asyncio.wait_for(worker.submit(partial(int, number), loop), 5) == number
            with pytest.raises(ValueError, match=str(number)):
                await asyncio.wait_for(worker.submit(partial(fail, number), loop), 5)

    asyncio.run(use())


def test_calls_run_one_after_another_in_a_daemon_thread() -> None:
    seen: list[tuple[int, str, bool]] = []

    def note(number: int) -> None:
        thread = threading.current_thread()
        seen.append((number, thread.name, thread.daemon))

    async def use() -> None:
        worker, loop = Worker(), asyncio.get_running_loop()
        await asyncio.gather(*[worker.submit(partial(note, n), loop) for n in range(20)])

    asyncio.run(use())
    assert [number for number, _, _ in seen] == list(range(20))
    assert {(name, daemon) for _, name, daemon in seen} == {("calls", True)}


def test_a_loop_that_is_closed_is_not_waited_for() -> None:
    worker, go, done = Worker(), threading.Event(), threading.Event()

    async def leave() -> None:
        worker.submit(lambda: go.wait(10), asyncio.get_running_loop())

    asyncio.run(leave())
    go.set()

    async def again() -> None:
        await worker.submit(done.set, asyncio.get_running_loop())

    asyncio.run(again())
    assert done.is_set()
