"""Requests that front ends and extensions may send, and that this kernel has little to say to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ipykernel._version import version_info

from lambda_kernel.kernel.optional_requests import NO_DEBUGGER, NO_SUBSHELLS
from lambda_kernel.kernel.usage import MB, NOTHING, usage
from tests.magics.conftest import PricedRunner, priced
from tests.support.kernel_client import Notebook, notebook

__all__ = ["priced"]


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    if sys.platform != "linux":
        pytest.skip("needs Linux: the local emulator does")
    with notebook() as started:
        yield started


def ask(book: Notebook, channel: str, kind: str, **content: object) -> dict[str, Any]:
    """What the reply holds. Its kind is checked."""
    return send(book, channel, book.client.session.msg(kind, content))


def send(book: Notebook, channel: str, request: dict[str, Any]) -> dict[str, Any]:
    getattr(book.client, f"{channel}_channel").send(request)
    while True:
        reply: dict[str, Any] = getattr(book.client, f"get_{channel}_msg")(timeout=20)
        if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            assert reply["msg_type"] == request["msg_type"].replace("_request", "_reply")
            return dict(reply["content"])


@pytest.mark.parametrize("kind", ["create_subshell_request", "delete_subshell_request", "list_subshell_request"])
def test_subshells_are_refused(book: Notebook, kind: str) -> None:
    assert ask(book, "control", kind, subshell_id="x") == {
        "status": "error",
        "ename": "NotSupported",
        "evalue": NO_SUBSHELLS,
        "traceback": [],
    }


@pytest.mark.skipif(version_info[:2] < (7, 4), reason="an older ipykernel sends no reply")
def test_a_cell_for_a_subshell_is_refused(book: Notebook) -> None:
    request = book.client.session.msg("execute_request", {"code": "echo no", "silent": False})
    request["header"]["subshell_id"] = "nosuch"
    assert send(book, "shell", request)["status"] == "error"
    assert book.run("echo yes").out == "yes\n"


def test_debug_requests_are_refused(book: Notebook) -> None:
    answer = ask(book, "control", "debug_request", type="request", seq=3, command="debugInfo")
    assert (answer["type"], answer["request_seq"], answer["command"]) == ("response", 3, "debugInfo")
    assert (answer["success"], answer["message"]) == (False, NO_DEBUGGER)


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_connect_requests_are_answered(book: Notebook, channel: str) -> None:
    answer = ask(book, channel, "connect_request")
    ports = {f"{name}_port" for name in ("shell", "iopub", "stdin", "control", "hb")}
    assert answer["status"] == "ok"
    assert {name: answer[name] for name in ports} == {name: getattr(book.manager, name) for name in ports}


def test_a_comm_is_closed_at_once_and_its_messages_are_ignored(book: Notebook) -> None:
    request = book.client.session.msg("comm_open", {"comm_id": "c1", "target_name": "widget", "data": {}})
    book.client.shell_channel.send(request)
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["content"].get("execution_state") != "idle":
        message = book.client.get_iopub_msg(timeout=20)
        if message["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            seen.append(message)
    assert [one["content"] for one in seen if one["msg_type"] == "comm_close"] == [{"comm_id": "c1", "data": {}}]
    for kind in ("comm_msg", "comm_close"):
        book.client.shell_channel.send(book.client.session.msg(kind, {"comm_id": "c1", "data": {}}))
    assert ask(book, "shell", "comm_info_request") == {"status": "ok", "comms": {}}
    assert book.run("echo yes").out == "yes\n"


def test_a_running_kernel_tells_the_use_of_its_environment(book: Notebook) -> None:
    figures = book.run("true").figures
    told = ask(book, "control", "usage_request")
    assert told["hostname"] == f"{figures['function']}, local"
    assert told["host_virtual_memory"]["total"] == figures["memory_size_mb"] * MB
    assert told["kernel_cpu"] == 0


# --- what is told of it


def test_before_the_first_report_nothing_is_known(priced: PricedRunner) -> None:
    assert usage(priced.workspace, idle=True) == NOTHING == {"hostname": "", "pid": os.getpid()}
    assert priced.sent == []


def test_the_last_report_is_told_without_an_invocation(priced: PricedRunner) -> None:
    priced.run("true")
    sent = priced.sent
    told = usage(priced.workspace, idle=True)
    memory = told.pop("host_virtual_memory")
    assert told == {"hostname": "shell, eu-west-1", "pid": os.getpid(), "kernel_cpu": 0.0, "kernel_memory": 80 * MB}
    assert memory["used"] + memory["free"] == memory["total"] == 1024 * MB
    assert memory["percent"] == 100 * 80 / 1024
    assert "kernel_cpu" not in usage(priced.workspace, idle=False)
    assert priced.sent == sent


def test_the_current_target_counts(priced: PricedRunner) -> None:
    priced.run("true")
    priced.run("%use other --region eu-west-1")
    assert usage(priced.workspace, idle=True) == NOTHING
