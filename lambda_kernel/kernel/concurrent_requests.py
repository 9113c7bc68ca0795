"""Answers requests of editors and consoles while a cell runs. ipykernel would answer them after the cell."""

from __future__ import annotations

from typing import Any

from .optional_requests import Message, OptionalRequestsKernel

BESIDE = {"complete_request", "inspect_request", "is_complete_request", "history_request", "kernel_info_request"}
# An interrupt belongs on the control channel; VS Code's came on this one until 2025 (microsoft/vscode-jupyter#17143).
INTERRUPT = "interrupt_request"


class ConcurrentRequestsKernel(OptionalRequestsKernel):
    """running: the request of the running cell.

    shell_main, which gets each message of the shell channel, is private to ipykernel. In 7.4 it holds back all messages
    but comms while a cell runs.
    """

    running: Message | None = None

    async def shell_main(self, subshell_id: str | None, msg: Any) -> None:
        await self.receive(subshell_id, msg, self.header(msg))

    async def receive(self, subshell_id: str | None, msg: Any, header: Message) -> None:
        """A message of the shell channel, whose header is read once."""
        kind = header.get("msg_type")
        if subshell_id is None and (kind == INTERRUPT or (self.running and kind in BESIDE)):
            await self._answer_beside(msg)
        else:
            await super().shell_main(subshell_id, msg)

    def header(self, msg: Any) -> Message:
        """A message's header. Empty if the message is wrong; the base class then reports that."""
        assert self.session is not None
        try:
            _, frames = self.session.feed_identities(msg, copy=False)
            header: Message = self.session.deserialize(frames, content=False, copy=False)["header"]
        except (ValueError, TypeError, KeyError):
            return {}
        return header

    async def _answer_beside(self, msg: Any) -> None:
        """Answer a request. A front end shows the last status, so the cell's is sent again."""
        assert self.session is not None
        ident, frames = self.session.feed_identities(msg, copy=False)
        request = self.session.deserialize(frames, copy=False)
        self._publish_status("busy", "shell", request)
        try:
            await self.shell_handlers[request["header"]["msg_type"]](self._stream(), ident, request)
        except Exception:
            self.log.exception("a request beside a running cell failed")
        self._publish_status("idle", "shell", request)
        if self.running:
            self._publish_status("busy", "shell", self.running)

    def _stream(self) -> Any:
        """The stream for answers on the shell channel."""
        if self.shell_channel_thread:
            return self.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(None)
        return self.shell_stream
