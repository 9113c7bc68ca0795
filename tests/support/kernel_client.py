"""A real kernel process and a client of it: every message that comes is validated."""

from __future__ import annotations

import queue
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_kernel_test.msgspec_v5 import validate_message

Message = dict[str, Any]


class ThisKernel(KernelSpecManager):
    """Finds the kernel of this checkout, installed or not."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", self.module, "-f", "{connection_file}", *self.options]
        metadata = {"supported_encryption": ["curve"]}
        return KernelSpec(argv=argv, display_name="test", language="bash", interrupt_mode="message", metadata=metadata)

    options: tuple[str, ...] = ()
    module = "lambda_kernel"


@dataclass
class Shown:
    """What one cell came to, as a front end sees it. times: seconds from the request to each iopub message."""

    reply: Message
    messages: list[Message] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def contents(self, kind: str) -> list[Message]:
        return [message["content"] for message in self.messages if message["msg_type"] == kind]

    def text(self, stream: str) -> str:
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == stream)

    @property
    def out(self) -> str:
        return self.text("stdout")

    @property
    def err(self) -> str:
        return self.text("stderr")

    @property
    def error(self) -> tuple[str, str] | None:
        errors = self.contents("error")
        return (errors[0]["ename"], errors[0]["evalue"]) if errors else None

    @property
    def displays(self) -> list[Message]:
        """Those that are no notices."""
        return [c for c in self.contents("display_data") if "lambda_notice" not in c["metadata"]]

    @property
    def notices(self) -> list[tuple[str, str]]:
        """The code and the text of each notice display, as it was left. A busy machine has waits, which are none."""
        found: dict[str, tuple[str, str]] = {}
        for message in self.messages:
            content = message["content"]
            code = content.get("metadata", {}).get("lambda_notice")
            if code and code != "wait":
                key = content["transient"].get("display_id", message["header"]["msg_id"])
                assert (message["msg_type"] == "update_display_data") == (key in found)
                found[key] = (code, content["data"]["text/plain"])
        return list(found.values())

    @property
    def noticed(self) -> str:
        return "".join(f"{text}\n" for _, text in self.notices)

    @property
    def report(self) -> str:
        return "".join(c["data"]["text/plain"] for c in self.displays)

    @property
    def figures(self) -> Message:
        [shown] = self.displays
        figures: Message = shown["metadata"]["lambda"]
        return figures


class Notebook:
    """One kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, timeout: float = 30, **options: Any) -> Shown:
        """A cell that nothing waits behind. ipykernel would abort a next one that comes just after a failure (7.4)."""
        return self.collect(self.start(code, **{"stop_on_error": False, **options}), timeout)

    def start(self, code: str, **options: Any) -> str:
        """The front end has no input box, unless the options say that it has: allow_stdin=True."""
        request: str = self.client.execute(code, **{"allow_stdin": False, **options})
        return request

    def collect(self, request: str, timeout: float = 30, interrupt_at: str | None = None) -> Shown:
        """Until the reply and the idle have come. interrupt_at: the kind of message that the user interrupts at."""
        begin = time.monotonic()
        shown = Shown({})
        while not shown.messages or shown.messages[-1]["content"].get("execution_state") != "idle":
            message = self.next(begin + timeout)
            if message["parent_header"].get("msg_id") == request:
                shown.messages.append(message)
                shown.times.append(time.monotonic() - begin)
                if message["msg_type"] == interrupt_at:
                    interrupt_at = None
                    self.manager.interrupt_kernel()
        shown.seconds = time.monotonic() - begin
        while shown.reply == {}:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == request:
                validate_message(reply, "execute_reply", request)
                shown.reply = reply
        return shown

    def interrupt(self) -> None:
        """As JupyterLab's button does, until the reply: what is sent now is not stopped. `manager.interrupt_kernel`
        does not wait for it, and its message may come after what the client sends next."""
        request = self.client.session.msg("interrupt_request", {})
        self.client.control_channel.send(request)
        validate_message(self.client.get_control_msg(timeout=20), "interrupt_reply", request["header"]["msg_id"])

    def next(self, end: float) -> Message:
        try:
            message: Message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0))
        except queue.Empty:
            raise AssertionError("the kernel did not come to an end in time") from None
        if message["msg_type"] == "iopub_welcome":  # of a new connection; the validator does not know it (JEP 65)
            return self.next(end)
        validate_message(message)
        return message


@contextmanager
def notebook(
    *options: str,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    module: str = "lambda_kernel",
    ready: bool = True,
    **traits: str,
) -> Iterator[Notebook]:
    """A kernel started with these options, and ended. ready: once it answers; traits: of its manager, as Jupyter's
    configuration sets them."""
    specs = ThisKernel()
    specs.options, specs.module = options, module
    with private_ports() as private:
        manager = KernelManager(kernel_spec_manager=specs, kernel_name="lambda", **(traits or private))
        yield from _started(manager, cwd, env, ready)


@contextmanager
def private_ports() -> Iterator[dict[str, str]]:
    """The traits of a manager whose ports are files.

    jupyter_client chooses TCP ports that are free, and another process may take one before the kernel does
    (https://github.com/nteract/papermill/issues/511).
    """
    with tempfile.TemporaryDirectory(prefix="kernel-") as directory:
        yield {"transport": "ipc", "ip": f"{directory}/port"}


def _started(manager: KernelManager, cwd: Path | None, env: dict[str, str] | None, ready: bool) -> Iterator[Notebook]:
    manager.shutdown_wait_time = 60  # a busy machine is no reason to kill it
    manager.start_kernel(cwd=str(cwd) if cwd else None, **({"env": env} if env is not None else {}))
    client = manager.blocking_client()
    client.start_channels()
    try:
        if ready:
            client.wait_for_ready(timeout=30)
        yield Notebook(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        manager.cleanup_resources()
