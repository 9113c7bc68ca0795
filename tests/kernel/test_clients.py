"""Who sends cells."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from lambda_kernel.kernel.clients import Clients, command_line, leaves
from tests.support.kernel_client import notebook
from tests.support.waiting import wait_until


@pytest.mark.parametrize("code", ["exit", " exit 3 ;\n", "logout", "quit # bye", "exit\t0"])
def test_what_leaves(code: str) -> None:
    assert leaves(code)


@pytest.mark.parametrize(
    "code", ["exit now", "echo; exit", "exit; echo", "exit $x", "quit 3", "", "exiting", "exit\nls"]
)
def test_what_stays(code: str) -> None:
    assert not leaves(code)


def test_who_has_asked_as_a_console_does() -> None:
    clients = Clients(0)
    clients.meet({"header": {"session": "a"}})
    assert clients.prompts({"header": {"session": "a"}})
    assert not clients.prompts({"header": {"session": "b"}})
    assert not clients.prompts({})


@pytest.mark.parametrize(
    ("name", "known"), [("jupyter-run", True), ("jupyter-runner", False), ("jupyter-console", False)]
)
def test_jupyter_run_is_known_by_its_command(name: str, known: bool, tmp_path: Path) -> None:
    program = tmp_path / name
    program.write_text("input()")
    process = subprocess.Popen([sys.executable, program, "x"], stdin=subprocess.PIPE)
    try:
        wait_until(lambda: command_line(process.pid))
        assert Clients(process.pid).jupyter_run == known
    finally:
        process.communicate()


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["jupyter-console", "--kernel", "lambda"], True),
        (["-m", "jupyter_console"], True),
        (["jupyter-qtconsole", "--kernel=jupyter-console-like"], False),
    ],
)
def test_jupyter_console_is_known_by_its_command(words: list[str], known: bool, tmp_path: Path) -> None:
    for name in ("jupyter-console", "jupyter-qtconsole", "jupyter_console.py"):
        (tmp_path / name).write_text("input()")
    process = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, cwd=tmp_path)
    try:
        wait_until(lambda: command_line(process.pid))
        assert Clients(process.pid).jupyter_console == known
    finally:
        process.communicate()


def test_as_a_module_too(tmp_path: Path) -> None:
    (tmp_path / "jupyter_client").mkdir()
    (tmp_path / "jupyter_client" / "runapp.py").write_text("input()")
    process = subprocess.Popen([sys.executable, "-m", "jupyter_client.runapp"], stdin=subprocess.PIPE, cwd=tmp_path)
    try:
        wait_until(lambda: command_line(process.pid))
        assert Clients(process.pid).jupyter_run
    finally:
        process.communicate()


def test_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert command_line(process.pid) == ""
    assert not Clients(process.pid).jupyter_run
    assert not Clients(os.getpid()).jupyter_run


def test_the_console_is_as_wide_as_its_terminal() -> None:
    """The kernel's parent is the console. Its terminal is neither the kernel's nor these tests'."""
    outer, inner = os.openpty()
    try:
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 77, 0, 0))
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=inner)
        with process:
            assert Clients(process.pid).columns == (77 if sys.platform == "linux" else None)
            fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
            assert Clients(process.pid).columns is None
    finally:
        os.close(outer)
        os.close(inner)


def test_without_a_terminal_its_width_is_not_known() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert Clients(process.pid).columns is None
    assert Clients(process.pid).columns is None  # it has ended


@pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")
@pytest.mark.parametrize(("module", "told"), [("lambda_kernel", True), ("tests.support.console_kernel", False)])
def test_a_console_takes_no_idle_for_that_of_its_cell(module: str, told: bool) -> None:
    """What is asked while a cell is typed has statuses, but for jupyter_console."""
    with notebook(module=module) as book:
        for ask in (book.client.is_complete, book.client.complete, book.client.inspect):
            asked = ask("echo")
            book.client.get_shell_msg(timeout=30)
            ran = book.start("echo $((1 + 1))")
            kinds: dict[str, list[str]] = {asked: [], ran: []}
            while kinds[ran][-1:] != ["idle"]:
                message = book.next(time.monotonic() + 30)
                about = message["parent_header"].get("msg_id")
                if about in kinds and message["msg_type"] in ("status", "stream"):
                    kinds[about].append(message["content"].get("execution_state") or message["content"]["text"])
            book.client.get_shell_msg(timeout=30)
            assert kinds == {asked: ["busy", "idle"] if told else [], ran: ["busy", "2\n", "idle"]}
