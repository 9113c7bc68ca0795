"""The kernel without a Jupyter server: who spawns it has a connection file and ZMQ, as VS Code does (vscode-jupyter,
src/kernels/raw)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.manager import KernelManager
from jupyter_kernel_test.msgspec_v5 import validate_message

from lambda_kernel.local.processes import descendants
from tests.support.installed_kernel import left_over, surroundings
from tests.support.kernel_client import Message, Notebook
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")

Command = Callable[[Path], list[str]]


def as_the_kernelspec_says(file: Path) -> list[str]:
    spec = json.loads((file.parent / "share/jupyter/kernels/lambda/kernel.json").read_text())
    return [word.replace("{connection_file}", str(file)) for word in spec["argv"]]


def with_an_equals_sign(file: Path) -> list[str]:
    return [sys.executable, "-m", "lambda_kernel.cli", "launch", f"--f={file}"]


def with_ports_and_quotes(file: Path) -> list[str]:
    """VS Code's for kernels that it takes for Python's; it quotes a path with a space, and there is no shell."""
    told = json.loads(file.read_text())
    ports = [f"--{name}={told[f'{name}_port']}" for name in ("stdin", "control", "hb", "shell", "iopub")]
    key = [f'--Session.signature_scheme="{told["signature_scheme"]}"', f'--Session.key=b"{told["key"]}"']
    return [sys.executable, "-m", "lambda_kernel", f"--ip={told['ip']}", *key, *ports, f'--f="{file}"']


class Raw:
    """A kernel that was spawned, and a client of it. mark: in the environment of the process and its children."""

    def __init__(self, process: subprocess.Popen[bytes], client: BlockingKernelClient, mark: str) -> None:
        self.process, self.client, self.mark = process, client, mark
        self.book = Notebook(KernelManager(), client)  # which has started nothing

    def start(self, code: str) -> str:
        """Until it prints."""
        request, end = self.book.start(code), time.monotonic() + 40
        while self.book.next(end)["msg_type"] != "stream":
            pass
        return request

    def ask(self, channel: str, kind: str) -> str:
        request = self.client.session.msg(kind, {})
        getattr(self.client, f"{channel}_channel").send(request)
        return str(request["header"]["msg_id"])

    def reply(self, channel: str, request: str) -> Message:
        while True:
            message: Message = getattr(self.client, f"get_{channel}_msg")(timeout=20)
            if message["parent_header"]["msg_id"] == request:
                return message

    def idle_after(self, request: str) -> bool:
        """The last status; nothing comes after it."""
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            idle = message["content"].get("execution_state") == "idle"
            if idle and message["parent_header"].get("msg_id") == request:
                return True


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def started(command: Command, file: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """A kernel that listens. Another program may take one of its ports before it does: then it is started again."""
    processes: list[subprocess.Popen[bytes]] = []
    while len(processes) < 3:
        file.unlink(missing_ok=True)
        port = write_connection_file(str(file), kernel_name="lambda")[1]["shell_port"]
        processes.append(subprocess.Popen(command(file), env=environ, stdin=subprocess.DEVNULL))
        wait_until(partial(has_begun, processes[-1], port), 40)
        if processes[-1].poll() is None:
            return processes[-1]
    raise AssertionError(f"the kernel does not start: {[process.returncode for process in processes]}")


def has_begun(process: subprocess.Popen[bytes], port: int) -> bool:
    return process.poll() is not None or listens(port)


@contextmanager
def raw(command: Command, file: Path, **environ: str) -> Iterator[Raw]:
    name, value = "RAW_START", uuid.uuid4().hex
    with started(command, file, {**surroundings(file.parent), name: value, **environ}) as process:
        client = BlockingKernelClient()
        client.load_connection_file(str(file))
        client.start_channels(hb=False)  # with it, a kernel that is slow to start is taken for dead
        try:
            client.wait_for_ready(timeout=40)
            yield Raw(process, client, f"{name}={value}")
        finally:
            client.stop_channels()
            for pid in left_over(f"{name}={value}"):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (as_the_kernelspec_says, "with a space.json"),
        (with_an_equals_sign, "with a space.json"),
        (with_ports_and_quotes, "with a space.json"),
    ],
)
def test_every_way_to_name_the_connection(command: Command, name: str, tmp_path: Path) -> None:
    with raw(command, tmp_path / name) as kernel:
        assert kernel.book.run("echo $((40 + 2))").out == "42\n"
        request = kernel.client.shutdown()
        validate_message(kernel.reply("control", request), "shutdown_reply", request)
        assert kernel.idle_after(request)
        assert kernel.process.wait(20) == 0
        assert not left_over(kernel.mark)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    with raw(as_the_kernelspec_says, tmp_path_factory.mktemp("raw") / "kernel-v2-1.json") as kernel:
        yield kernel


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_an_interrupt_by_a_message(channel: str, shared: Raw) -> None:
    """Older VS Codes send it on the shell channel, behind the cells that wait there."""
    book = shared.book
    running, waiting = shared.start(f"kept={channel}; echo started; sleep 300"), book.start("echo never")
    request = shared.ask(channel, "interrupt_request")
    validate_message(shared.reply(channel, request), "interrupt_reply", request)
    assert book.collect(running).error == ("KeyboardInterrupt", "")
    aborted = shared.reply("shell", waiting)
    assert aborted["content"]["status"] == "aborted"
    assert "lambda" not in aborted["metadata"]
    assert book.run("echo $kept").out == f"{channel}\n"


def test_an_interrupt_on_the_shell_channel_while_nothing_runs(shared: Raw) -> None:
    request = shared.ask("shell", "interrupt_request")
    validate_message(shared.reply("shell", request), "interrupt_reply", request)
    assert shared.book.run("echo fine").out == "fine\n"


def kill_the_kernel(kernel: Raw) -> None:
    kernel.process.terminate()


def kill_its_children_first(kernel: Raw) -> None:
    """As VS Code does when a notebook is closed."""
    for pid in descendants(kernel.process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    kernel.process.terminate()


@pytest.mark.parametrize("kill", [kill_the_kernel, kill_its_children_first])
def test_a_kernel_that_is_terminated_leaves_nothing(kill: Callable[[Raw], None], tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with raw(as_the_kernelspec_says, tmp_path / "a.json", TMPDIR=str(temporary)) as kernel:
        shell = kernel.book.run("sleep 500 & setsid sleep 500 & echo LAMBDA_KERNEL_SHELL=$LAMBDA_KERNEL_SHELL").out
        assert left_over(shell.strip())
        kernel.start("echo started; sleep 500")
        kill(kernel)
        kernel.process.wait(20)
        wait_until(lambda: left_over(kernel.mark) == left_over(shell.strip()) == [], 20)
        wait_until(lambda: list(temporary.iterdir()) == [], 5)


PARENT = "import os, subprocess, sys; os.environ['JPY_PARENT_PID'] = str(os.getpid()); subprocess.run(sys.argv[1:])"


def test_a_kernel_ends_with_its_parent(tmp_path: Path) -> None:
    def below_another(file: Path) -> list[str]:
        return [sys.executable, "-c", PARENT, *as_the_kernelspec_says(file)]

    with raw(below_another, tmp_path / "a.json") as kernel:
        shell = kernel.book.run("sleep 500 & echo LAMBDA_KERNEL_SHELL=$LAMBDA_KERNEL_SHELL").out
        assert left_over(shell.strip())
        kernel.process.kill()
        wait_until(lambda: left_over(kernel.mark) == left_over(shell.strip()) == [], 20)
