"""Interrupts: they stop the running cell, and the waiting cells that the user had sent before."""

from __future__ import annotations

import asyncio
import itertools
import math
import signal
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import zmq

from ..session.cell import ThreadControl
from .concurrent_requests import ConcurrentRequestsKernel
from .optional_requests import Message

MARK_SECONDS = 1.0  # how long a reply waits for the mark, which takes a fraction of a millisecond
MARK = b"lambda-kernel: interrupted"  # one frame; messages of clients have more


@dataclass(eq=False)
class Press:
    """One interrupt. arrived: how many requests came before it.

    Until that is known, all that have come count as before it: the mark that tells it comes after them.
    """

    number: int = 0
    arrived: float = math.inf

    def stops(self, request: int) -> bool:
        return request <= self.arrived


@dataclass
class Presses:
    """The interrupts so far. The thread that runs cells and the threads that get interrupts write it.

    under_way: those whose marks are in the shell channel; stop: the last one that stops waiting cells; of_cell: the
    last one of the running cell, or of the cell whose reply is being sent.
    """

    under_way: deque[Press] = field(default_factory=deque)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    stop: Press = field(default_factory=lambda: Press(arrived=0))
    of_cell: Press | None = None
    # Reentrant, because a signal handler may run in the thread that holds it.
    lock: AbstractContextManager[bool] = field(default_factory=threading.RLock)


class InterruptKernel(ConcurrentRequestsKernel):
    """Interrupts cells, by a message on either channel or by SIGINT.

    Messages on two channels have no order, and clients' clocks cannot be trusted. So requests are numbered as they
    arrive, and each interrupt sends a mark through the shell channel, behind all that has been received. What comes
    before the mark was sent before the interrupt. ipykernel finds the end of what it aborts in the same way (7.4).
    """

    control: ThreadControl | None = None  # of the running cell

    def __init__(self, **kwargs: Any) -> None:
        self.presses = Presses()
        self._arrived = 0
        self._requests: dict[str, int] = {}  # numbers by id: of the waiting requests and the running one
        super().__init__(**kwargs)

    def start(self) -> None:
        """SIGINT always means an interrupt. A terminal sends it to the kernel too, and ipykernel ignores it between
        cells."""
        super().start()
        signal.signal(signal.SIGINT, lambda *_: self.interrupt())

    def pre_handler_hook(self) -> None:
        """In the base class, SIGINT raises KeyboardInterrupt wherever the thread is."""

    def post_handler_hook(self) -> None: ...

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """The base class sends SIGINT to this process, which ends an awaiting do_execute (ipykernel 7.4).

        Requests that come after the reply are not stopped.
        """
        if threading.current_thread() is threading.main_thread():  # it came on the shell channel, in order
            self.interrupt(self._arrived)
        elif mark := self.interrupt():
            await asyncio.wait([asyncio.wrap_future(mark)], timeout=MARK_SECONDS)
        if self.session:
            self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    def interrupt(self, arrived: int | None = None) -> Future[None] | None:
        """Called in any thread, and in a signal handler. Returns a future for the mark if one is needed."""
        presses = self.presses
        with presses.lock:
            press = Press(next(presses.numbers), math.inf if arrived is None else arrived)
            if self.control:
                presses.of_cell = press
                self.control.interrupt()
            else:
                presses.stop = press
            loop = self.shell_channel_thread.io_loop.asyncio_loop
            if arrived is not None or loop.is_closed():  # the kernel is ending
                return None
            presses.under_way.append(press)
            return asyncio.run_coroutine_threadsafe(self._send_mark(), loop)

    async def _send_mark(self) -> None:
        """Runs in the thread of the shell channel, which passes on each message in a task of its own."""
        assert self.shell_stream is not None
        self.shell_stream.flush(zmq.POLLIN)
        await asyncio.sleep(0)
        async with self.shell_channel_thread.asyncio_lock:
            self.shell_channel_thread.manager.get_shell_channel_to_subshell_socket(None).send(MARK)

    async def shell_main(self, subshell_id: str | None, msg: Any) -> None:
        if len(msg) == 1 and msg[0].bytes == MARK:
            self.presses.under_way.popleft().arrived = self._arrived
        else:
            await super().shell_main(subshell_id, msg)

    async def receive(self, subshell_id: str | None, msg: Any, header: Message) -> None:
        self._arrived += 1
        request = str(header.get("msg_id"))
        self._requests[request] = self._arrived
        try:
            await super().receive(subshell_id, msg, header)
        finally:
            self._requests.pop(request, None)

    def should_handle(self, stream: Any, msg: Message, idents: Any) -> Any:
        """Called by the base class for each message when it is its turn."""
        if msg["header"]["msg_type"] == "execute_request" and self._stopped(msg):
            self._send_abort_reply(stream, msg, idents)
            return False
        return super().should_handle(stream, msg, idents)

    def _stopped(self, request: Message) -> bool:
        number = self._requests.get(request["header"]["msg_id"], self._arrived)
        return self.presses.stop.stops(number)

    def begin(self, control: ThreadControl) -> None:
        """A cell begins. Interrupts are now for it, also one that came since its turn."""
        request = self.get_parent("shell")
        with self.presses.lock:
            self.control, self.running = control, request
            self.presses.of_cell = None
            if self._stopped(request):
                control.interrupt()
                self.presses.of_cell = self.presses.stop

    def seal(self, *, stopped: bool = False) -> bool:
        """The running cell is over, so interrupts are no longer for it.

        Returns whether one was and must fail the cell. stopped: a part of the cell did not run.
        """
        with self.presses.lock:
            control, self.control = self.control, None
            if control and not (control.interrupted or stopped):
                self.presses.of_cell = None
            return self.presses.of_cell is not None

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """After a failed cell, the base class aborts all requests that have come.

        After an interrupted one, only what was sent before the interrupt is aborted.
        """
        presses = self.presses
        with presses.lock:
            press = presses.of_cell
            if press and press.number > presses.stop.number:
                presses.stop = press
        if not press:
            super()._abort_queues(subshell_id)
