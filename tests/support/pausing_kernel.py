"""The kernel, which stops at a point that a cell's text names, until a file is there: run as a module.

`# pause POINT FILE` in a cell makes it print `paused` and wait when that cell is at POINT: `turn` (its turn has come),
`begun` (it has been announced), `answered` (its command has ended), `decided` (so is its reply), `over` (the reply is
sent, and the next cell waits). Its control channel and its signals are at work meanwhile. It says `marked` when it
knows what came before an interrupt: no reply tells of a signal. The requests that the cell's metadata calls `behind`
have arrived when it pauses.
"""

from __future__ import annotations

import re
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ipykernel.kernelapp import IPKernelApp

from lambda_kernel.kernel.app import KernelApp
from lambda_kernel.kernel.kernel import LambdaKernel
from tests.support.waiting import wait_until

POINTS = ("turn", "begun", "answered", "decided", "over")


class PausingKernel(LambdaKernel):
    def __init__(self, **kwargs: Any) -> None:
        self.received: list[str] = []  # the ids of requests
        super().__init__(**kwargs)

    async def shell_channel_thread_main(self, msg: Any) -> None:
        self.received.append(str(self.header(msg).get("msg_id")))
        await super().shell_channel_thread_main(msg)

    def pause(self, point: str, request: Any) -> None:
        content = request.get("content")
        code = content.get("code", "") if isinstance(content, dict) else ""  # of a refused one it has not been unpacked
        if asked := re.search(rf"# pause {point} (\S+)", code):
            behind, number = request["metadata"].get("behind", 0), self.received.index(request["header"]["msg_id"])
            wait_until(lambda: len(self.received) > number + behind, 60)
            self.say("paused", request)
            wait_until(lambda: Path(asked[1]).exists(), 60)

    def say(self, word: str, parent: Any = None) -> None:
        if self.session:
            self.session.send(self.iopub_socket, "stream", {"name": "stdout", "text": f"{word}\n"}, parent)

    def interrupt(self, arrived: int | None = None) -> Future[None] | None:
        if mark := super().interrupt(arrived):
            mark.add_done_callback(lambda _: self.say("marked"))
        return mark

    def should_handle(self, stream: Any, msg: Any, idents: Any) -> Any:
        self.pause("turn", msg)
        return super().should_handle(stream, msg, idents)

    def _publish_execute_input(self, code: str, parent: Any, execution_count: int) -> None:
        super()._publish_execute_input(code, parent, execution_count)
        self.pause("begun", parent)

    def seal(self, *, stopped: bool = False) -> bool:
        if self.control:
            self.pause("answered", self.get_parent("shell"))
        return super().seal(stopped=stopped)

    def finish_metadata(self, parent: Any, metadata: Any, reply_content: Any) -> Any:
        self.pause("decided", parent)
        return super().finish_metadata(parent, metadata, reply_content)

    def post_handler_hook(self) -> None:
        super().post_handler_hook()
        self.pause("over", self.get_parent("shell"))


if __name__ == "__main__":
    app: type[IPKernelApp] = KernelApp
    app.launch_instance(kernel_class=PausingKernel, outstream_class=None)
