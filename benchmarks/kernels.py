"""Kernel processes and a client as thin as can be, so that what is measured is the kernel's.

The client is blocking sockets: jupyter_client's own costs an event loop's turn for each message. And a request is only
sent once the kernel listens: before that, ZeroMQ tries again every 100 ms, which would round each start up.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from lambda_kernel.local.processes import descendants

from .figures import BASH, CALYSTO, IPYKERNEL, OURS
from .processes import kill_all

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
CELL_SECONDS = 180.0


@dataclass(frozen=True)
class Subject:
    """A kernel to measure."""

    name: str
    module: str
    shell: bool = True
    interrupt_mode: str = "signal"

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def code(self, shell: str, python: str) -> str:
        return shell if self.shell else python


SUBJECTS = (
    Subject(OURS, "lambda_kernel", interrupt_mode="message"),
    Subject(IPYKERNEL, "ipykernel_launcher", shell=False),
    Subject(CALYSTO, "calysto_bash"),
    Subject(BASH, "bash_kernel"),
)


@dataclass
class Ran:
    """One cell: seconds from the request until both its reply and its idle are there."""

    seconds: float = 0.0
    reply: dict[str, Any] = field(default_factory=dict)
    characters: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    first: float = 0.0  # when the first output had come
    table: float = 0.0  # when the table of an experiment had come, before its plot
    end: float = 0.0  # when both had come

    def take(self, kind: str, content: dict[str, Any]) -> bool:
        """Note an iopub message; tell whether it is the last."""
        if kind == "stream":
            self.first = self.first or time.perf_counter()
            self.characters += len(content["text"])
        elif kind == "display_data":
            self.figures = content["metadata"].get("lambda", {})
            self.table = time.perf_counter() if "lambda_runs" in content["metadata"] else self.table
        return kind == "status" and content["execution_state"] == "idle"


class Kernel:
    """A started kernel. wait: until output is sure to be heard, which takes a tenth of a second."""

    def __init__(self, subject: Subject, *, wait: bool) -> None:
        self.subject = subject
        self.manager = KernelManager(kernel_spec_manager=_Spec(subject), kernel_name="measured")
        self.begun = time.perf_counter()
        self.manager.start_kernel(cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for port in (self.manager.shell_port, self.manager.iopub_port):
                self._await_port(port, self.begun + START_SECONDS)
            self.shell, self.iopub = self.manager.connect_shell(), self.manager.connect_iopub()
            self._await(self._send("kernel_info_request", {}), START_SECONDS)
            self.ready = time.perf_counter()
            if wait:
                self._await_iopub()
            else:
                self._await_welcome()
        except BaseException:
            self.manager.shutdown_kernel(now=True)
            raise

    @property
    def start_seconds(self) -> float:
        return self.ready - self.begun

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def run(self, code: str) -> Ran:
        return self.finish(self.begin(code))

    def begin(self, code: str) -> str:
        return self._send("execute_request", {"code": code, "silent": False, "store_history": True})

    def finish(self, request: str, since: float | None = None) -> Ran:
        """Read until the cell is over; its time counts from its request, or from another moment."""
        begin = since or self.sent
        [ran] = self.finish_all([request])
        ran.seconds = ran.end - begin
        return ran

    def finish_all(self, requests: list[str], limit: float = CELL_SECONDS) -> list[Ran]:
        """Read until all cells are over."""
        cells, idle = {request: Ran() for request in requests}, set[str]()
        poller, end = self._poller(), time.perf_counter() + limit
        while not all(ran.end for ran in cells.values()):
            for channel, _ in self._poll(poller, end):
                message = self._receive(channel)
                request = message["parent_header"].get("msg_id")
                if (ran := cells.get(request)) is None:
                    continue
                if channel is self.shell:
                    ran.reply = message["content"]
                elif ran.take(message["msg_type"], message["content"]):
                    idle.add(request)
                if ran.reply and request in idle and not ran.end:
                    ran.end = time.perf_counter()
        return list(cells.values())

    def close(self) -> None:
        """Shut down, and leave nothing behind where the kernel does."""
        children = descendants(self.pid)
        self.shell.close()
        self.iopub.close()
        self.manager.shutdown_kernel(now=False)
        self.manager.cleanup_resources()
        kill_all(children)

    def _send(self, kind: str, content: dict[str, Any]) -> str:
        self.sent = time.perf_counter()
        message = self.manager.session.send(self.shell, kind, content)
        return str(message["header"]["msg_id"])

    def _receive(self, channel: zmq.Socket[bytes]) -> dict[str, Any]:
        _, message = self.manager.session.recv(channel, mode=0)
        return message  # type: ignore[no-any-return]

    def _await(self, request: str, seconds: float) -> None:
        """Until the reply."""
        end = time.perf_counter() + seconds
        poller = zmq.Poller()
        poller.register(self.shell, zmq.POLLIN)
        while True:
            for channel, _ in self._poll(poller, end):
                if self._receive(channel)["parent_header"].get("msg_id") == request:
                    return

    def _await_port(self, port: int, end: float) -> None:
        while time.perf_counter() < end:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            time.sleep(0.002)
        raise TimeoutError(f"{self.subject.name} does not start")

    def _await_welcome(self) -> None:
        """ipykernel tells a new subscriber that it will hear all from now on (Jupyter's enhancement proposal 65)."""
        while self.iopub.poll(int(START_SECONDS * 1000)):
            if self._receive(self.iopub)["msg_type"] == "iopub_welcome":
                return
        raise TimeoutError(f"{self.subject.name} tells nobody that it is heard")

    def _await_iopub(self) -> None:
        """A subscription takes effect a while after it is made: ask until something is heard."""
        for _ in range(100):
            self._await(self._send("kernel_info_request", {}), START_SECONDS)
            if self.iopub.poll(100):
                break
        time.sleep(0.1)
        while self.iopub.poll(0):
            self._receive(self.iopub)

    def _poller(self) -> zmq.Poller:
        poller = zmq.Poller()
        for channel in (self.shell, self.iopub):
            poller.register(channel, zmq.POLLIN)
        return poller

    def _poll(self, poller: zmq.Poller, end: float) -> list[tuple[Any, int]]:
        ready = poller.poll(int(max(end - time.perf_counter(), 0) * 1000))
        if not ready:
            raise TimeoutError(f"{self.subject.name} does not answer")
        return ready


@contextlib.contextmanager
def started(subject: Subject, *, wait: bool = True) -> Iterator[Kernel]:
    kernel = Kernel(subject, wait=wait)
    try:
        yield kernel
    finally:
        kernel.close()


class _Spec(KernelSpecManager):
    """Finds one kernel, registered with Jupyter or not."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", self.subject.module, "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name=kernel_name, interrupt_mode=self.subject.interrupt_mode)
