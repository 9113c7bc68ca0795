"""Requests for what this kernel has not: each gets an answer that says so, and nothing waits for ever."""

from __future__ import annotations

from typing import Any

from ipykernel.kernelbase import Kernel

Message = dict[str, Any]
NO_SUBSHELLS = "there are no subshells: the cells of this kernel share one shell, one after another"
NO_DEBUGGER = "there is no debugger for shell text: `set -x` shows what runs"


class OptionalRequestsKernel(Kernel):
    """The base class makes subshells on demand, also where kernel_info does not offer them (ipykernel 7.4)."""

    msg_types = [*Kernel.msg_types, "comm_open", "comm_msg", "comm_close"]  # noqa: RUF012 - the base class declares it

    async def create_subshell_request(self, socket: Any, ident: Any, parent: Any) -> None:
        self._refuse_subshell("create_subshell_reply", socket, ident, parent)

    async def delete_subshell_request(self, socket: Any, ident: Any, parent: Any) -> None:
        self._refuse_subshell("delete_subshell_reply", socket, ident, parent)

    async def list_subshell_request(self, socket: Any, ident: Any, parent: Any) -> None:
        self._refuse_subshell("list_subshell_reply", socket, ident, parent)

    def _refuse_subshell(self, reply: str, stream: Any, ident: Any, parent: Any) -> None:
        error = {"status": "error", "ename": "NotSupported", "evalue": NO_SUBSHELLS, "traceback": []}
        self._answer(reply, error, stream, ident, parent)

    async def do_debug_request(self, msg: Any) -> Message:
        """The answer of the Debug Adapter Protocol to what is not supported."""
        about = msg if isinstance(msg, dict) else {}
        asked = {"request_seq": about.get("seq", 0), "command": about.get("command", "")}
        return {"seq": 0, "type": "response", "success": False, "message": NO_DEBUGGER, **asked}

    async def comm_open(self, stream: Any, ident: Any, parent: Any) -> None:
        """No target is known here, so the other side has to close it (Jupyter's messaging, "Opening a Comm")."""
        comm = parent["content"].get("comm_id")
        self.send_response(self.iopub_socket, "comm_close", {"comm_id": comm, "data": {}})

    async def comm_msg(self, stream: Any, ident: Any, parent: Any) -> None:
        """Of a comm that was never open."""

    async def comm_close(self, stream: Any, ident: Any, parent: Any) -> None:
        """Of a comm that was never open."""

    async def usage_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """The base class tells this machine's use."""
        self._answer("usage_reply", self.usage(), stream, ident, parent)

    def usage(self) -> Message:
        """What a usage_reply holds."""
        raise NotImplementedError

    def _answer(self, kind: str, content: Message, stream: Any, ident: Any, parent: Any) -> None:
        if self.session:
            self.session.send(stream, kind, content, parent, ident=ident)
