"""Tab and Shift-Tab in a real kernel: of the shell that lives, and at once while a cell runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_kernel_test.msgspec_v5 import validate_message

from tests.support.kernel_client import Notebook, notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")


@pytest.fixture(scope="module")
def kernel() -> Iterator[Notebook]:
    with notebook() as kernel:
        kernel.run("zz_function() { echo a; }; zz_variable=1")
        yield kernel


def answer(kernel: Notebook, request: str, kind: str, timeout: float = 20) -> dict[str, Any]:
    """The reply to a request, and the idle that follows it."""
    reply = kernel.client.get_shell_msg(timeout=timeout)
    validate_message(reply, kind, request)
    end = time.monotonic() + timeout
    while True:
        message = kernel.next(end)
        if message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle":
            content: dict[str, Any] = reply["content"]
            return content


def test_completion(kernel: Notebook) -> None:
    code = "echo 😀; zz"
    reply: dict[str, Any] = {"matches": []}
    while not reply["matches"]:  # on a busy machine the kernel may give up asking the shell
        reply = answer(kernel, kernel.client.complete(code, len(code)), "complete_reply")
    assert reply["matches"] == ["zz_function"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (8, 10)


def test_inspection(kernel: Notebook) -> None:
    reply = answer(kernel, kernel.client.inspect("zz_function", 3), "inspect_reply")
    assert reply["found"]
    assert "echo a" in reply["data"]["text/plain"]
    assert "echo a" in reply["data"]["text/html"]
    assert not answer(kernel, kernel.client.inspect("zz_none", 3), "inspect_reply")["found"]


def test_the_answer_comes_while_a_cell_runs(kernel: Notebook) -> None:
    answer(kernel, kernel.client.complete("zz", 2), "complete_reply")
    assert "/usr/bin/" in answer(kernel, kernel.client.complete("ls /usr/", 8), "complete_reply")["matches"]
    cell = kernel.start("sleep 60")
    known = (("zz", ["zz_function"]), ("mapf", ["mapfile"]), ("%%out", ["%%output"]), ("ls /usr/bi", ["/usr/bin/"]))
    for code, matches in known:
        reply = answer(kernel, kernel.client.complete(code, len(code)), "complete_reply")
        assert reply["matches"] == matches
    assert answer(kernel, kernel.client.inspect("cd", 2), "inspect_reply")["found"]
    assert answer(kernel, kernel.client.is_complete("for x in 1; do"), "is_complete_reply")["status"] == "incomplete"
    answer(kernel, kernel.client.kernel_info(), "kernel_info_reply")
    # The last status is the cell's: the kernel is shown as busy.
    status = kernel.next(time.monotonic() + 20)
    assert (status["parent_header"]["msg_id"], status["content"]["execution_state"]) == (cell, "busy")
    kernel.manager.interrupt_kernel()
    shown = kernel.collect(cell)
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.seconds < 50
    assert kernel.run("echo $?").out == "130\n"


def test_cells_still_wait_for_each_other(kernel: Notebook) -> None:
    first, second = kernel.start("sleep 0.3; echo one"), kernel.start("echo two")
    kernel.client.complete("mapf", 4)
    assert kernel.collect(first).out == "one\n"
    assert kernel.collect(second).out == "two\n"
