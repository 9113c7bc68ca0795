"""Requests that are answered while a cell runs: those of editors and consoles, which would else wait for its end."""

from __future__ import annotations

from typing import Any

from ipykernel.kernelbase import Kernel

Message = dict[str, Any]
# An interrupt belongs on the control channel; VS Code's came on this one until 2025 (microsoft/vscode-jupyter#17143).
BESIDE = {
    *("complete_request", "inspect_request", "is_complete_request", "history_request", "kernel_info_request"),
    "interrupt_request",
}


class BesideKernel(Kernel):
    """running: the request of the cell that runs.

    shell_main, which gets each message of the shell channel, is private to ipykernel: 7.4 holds back all but comms as
    long as a cell runs.
    """

    running: Message | None = None

    async def shell_main(self, subshell_id: str | None, msg: Any) -> None:
        if self.running and subshell_id is None and self._kind(msg) in BESIDE:
            await self._answer_beside(msg)
        else:
            await super().shell_main(subshell_id, msg)

    def _kind(self, msg: Any) -> str | None:
        assert self.session is not None
        try:
            _, frames = self.session.feed_identities(msg, copy=False)
            kind: str = self.session.deserialize(frames, content=False, copy=False)["header"]["msg_type"]
        except (ValueError, TypeError, KeyError):  # the base class says what is wrong with it
            return None
        return kind

    async def _answer_beside(self, msg: Any) -> None:
        """A front end takes the last status for the kernel's: the cell's is told again."""
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
        """Where the base class sends what answers the shell channel."""
        if self.shell_channel_thread:
            return self.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(None)
        return self.shell_stream
