"""The live views as a front end gets them, from a real kernel on the local engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.notebook import Message, Notebook, Shown, notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local engine needs Linux")


@pytest.fixture(scope="module")
def kernel() -> Iterator[Notebook]:
    with notebook() as made:
        made.run("true")
        yield made


def frames(shown: Shown) -> list[Message]:
    """Displays and their updates, without notices, and without the report, which has no display id."""
    both = [m for m in shown.messages if m["msg_type"] in ("display_data", "update_display_data")]
    drawn = [m for m in both if "lambda_notice" not in m["content"]["metadata"]]
    return [m for m in drawn if m["content"].get("transient", {}).get("display_id")]


def test_a_watched_command_is_one_display_that_is_updated(kernel: Notebook) -> None:
    shown = kernel.run("%%watch -n 0.1 -c 3\necho $((n += 1)); false")
    drawn = frames(shown)
    assert [m["msg_type"] for m in drawn] == ["display_data", *["update_display_data"] * 2]
    assert len({m["content"]["transient"]["display_id"] for m in drawn}) == 1
    assert drawn[-1]["content"]["data"]["text/plain"].endswith("\x1b[7m3\x1b[0m")
    assert "3</span></pre>" in drawn[-1]["content"]["data"]["text/html"]
    assert shown.error == ("ExitCode", "1")
    assert shown.reply["metadata"]["lambda"]["invocations"] == 3


def test_top(kernel: Notebook) -> None:
    kernel.run("while :; do :; done & x=1")
    shown = kernel.run("%top -n 0.1 -c 2")
    kernel.run("kill %1")
    assert len(frames(shown)) == 2
    assert "COMMAND" in frames(shown)[-1]["content"]["data"]["text/plain"]
    assert "bootstrap" in frames(shown)[-1]["content"]["data"]["text/plain"]
    assert shown.error is None
    assert shown.reply["metadata"]["lambda"]["invocations"] == 2


def test_the_environment_as_json(kernel: Notebook) -> None:
    [shown] = frames(kernel.run("%environment"))
    told = shown["content"]["metadata"]["lambda_environment"]
    assert told["memory_size_mb"] == 128
    assert told["execution_environment"].startswith("AWS_Lambda_python3.")


@pytest.mark.parametrize("cell", ["%top -n 0.2", "%%watch -n 0.2\necho $((m += 1))", "%%watch -n 0.1\nsleep 0.3"])
def test_an_interrupt_ends_a_view_and_fails_nothing(kernel: Notebook, cell: str) -> None:
    request = in_a_notebook(kernel, cell)
    shown = kernel.collect(request, interrupt_at="update_display_data")
    assert shown.reply["content"]["status"] == "ok"
    assert shown.error is None
    assert len(frames(shown)) >= 2
    assert kernel.run("echo alive").out == "alive\n"


def test_a_terminals_frames_are_written_one_over_the_other(kernel: Notebook) -> None:
    shown = kernel.run("%%watch -n 0.1 -c 2\necho $((k += 1))", allow_stdin=True)
    drawn = frames(shown)
    assert [m["msg_type"] for m in drawn] == ["display_data"] * 2
    assert all(m["content"]["data"]["text/plain"].startswith("\x1b[H") for m in drawn)
    assert shown.contents("clear_output") == [{"wait": True}]
    assert not kernel.run("%environment", allow_stdin=True).report.startswith("\x1b")


def test_an_interrupt_between_two_frames_skips_the_command_below(kernel: Notebook) -> None:
    request = in_a_notebook(kernel, "%top -n 0.1\necho not run")
    shown = kernel.collect(request, interrupt_at="update_display_data")
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.out == ""


def in_a_notebook(kernel: Notebook, code: str) -> str:
    """As JupyterLab runs a cell: it can ask the user, and says which cell it is."""
    client = kernel.client
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
    message = client.session.msg("execute_request", content, metadata={"cellId": "one"})
    client.shell_channel.send(message)
    request: str = message["header"]["msg_id"]
    return request
