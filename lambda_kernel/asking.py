"""The user is asked for a line through Jupyter's stdin channel, while the kernel's loop goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq
from ipykernel.kernelbase import Kernel

from .cell import Ask, ThreadControl

POLL_SECONDS = 0.02
# What a program has printed before it reads takes another socket, and a console shows none of it while it waits for a
# line (jupyter_console 6.6): it has to be there first.
OUTPUT_SECONDS = 0.02
END = "\x04"  # what front ends send for the end of the input (ipykernel's raw_input takes it so)
TYPED_END = "^D"  # and what can be typed where they have no key for it


class Asker:
    """Questions of one cell. It polls: a blocking receive could not be interrupted, nor one in a thread taken back."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel, self._session = kernel, kernel.session
        # Private to ipykernel, and what its own raw_input uses (7.4).
        self._parent = kernel.get_parent("shell")
        self._ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self.control: ThreadControl | None = None

    def __call__(self, question: Ask) -> None:
        """From the worker's thread: show the question, and give the control the answer when it comes."""
        self._loop.call_soon_threadsafe(self._ask, question)

    def close(self) -> None:
        if self._task:
            self._task.cancel()

    def _ask(self, question: Ask) -> None:
        while self._receive():  # answers to what is no longer asked
            pass
        self._task = self._loop.create_task(self._answer(question))

    async def _answer(self, question: Ask) -> None:
        await asyncio.sleep(OUTPUT_SECONDS)
        content = {"prompt": question.prompt, "password": question.secret}
        assert self._session is not None
        sent: Any = self._session.send(
            self._kernel.stdin_socket, "input_request", content, self._parent, ident=self._ident
        )
        request = sent["header"]["msg_id"]
        while True:
            reply = self._receive()
            # After an interrupt JupyterLab leaves the old box on the screen; what is typed there has the old parent.
            if reply and reply["parent_header"].get("msg_id", request) == request:
                break
            if reply is None:
                await asyncio.sleep(POLL_SECONDS)
        value = str(reply["content"].get("value", ""))
        if self.control:
            self.control.answer("" if value in (END, TYPED_END) else value + "\n")

    def _receive(self) -> dict[str, Any] | None:
        assert self._session is not None
        try:
            message: dict[str, Any] | None = self._session.recv(self._kernel.stdin_socket, zmq.NOBLOCK)[1]
        except ValueError:  # not signed with the connection's key
            return {"parent_header": {"msg_id": "unknown"}, "content": {}}
        return message
