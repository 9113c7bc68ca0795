"""Asks the user for a line through Jupyter's stdin channel, while the kernel's loop goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq
from ipykernel.kernelbase import Kernel

from ..session.cell import InputRequest, ThreadControl

POLL_SECONDS = 0.02
# A program's output goes through another socket. A console shows no output while it waits for a line (jupyter_console
# 6.6), so output has to arrive first.
OUTPUT_SECONDS = 0.02
END = "\x04"  # the end of the input, as front ends send it (see ipykernel's raw_input)
TYPED_END = "^D"  # what users can type if there is no key for it


class InputRequester:
    """Asks for input for one cell. It polls, because a blocking receive could not be interrupted."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel, self._session = kernel, kernel.session
        # Private to ipykernel; its own raw_input uses them (7.4).
        self._parent = kernel.get_parent("shell")
        self._ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self.control: ThreadControl | None = None

    def __call__(self, question: InputRequest) -> None:
        """Called in the worker's thread. Show the question, and pass the answer to the control."""
        self._loop.call_soon_threadsafe(self._ask, question)

    def close(self) -> None:
        if self._task:
            self._task.cancel()

    def _ask(self, question: InputRequest) -> None:
        while self._receive():  # drop answers to earlier questions
            pass
        self._task = self._loop.create_task(self._answer(question))

    async def _answer(self, question: InputRequest) -> None:
        await asyncio.sleep(OUTPUT_SECONDS)
        content = {"prompt": question.prompt, "password": question.secret}
        assert self._session is not None
        sent: Any = self._session.send(
            self._kernel.stdin_socket, "input_request", content, self._parent, ident=self._ident
        )
        request = sent["header"]["msg_id"]
        while True:
            reply = self._receive()
            # After an interrupt JupyterLab keeps the old input box. Its answer has the old parent.
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
        except ValueError:  # a wrong signature
            return {"parent_header": {"msg_id": "unknown"}, "content": {}}
        return message
