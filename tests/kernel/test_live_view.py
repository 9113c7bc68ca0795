"""The live views as a front end gets them, from a real kernel on the local emulator."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from lambda_kernel.output.runs_view import NOTICE
from tests.support.kernel_client import Message, Notebook, Shown, notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")


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
    shown = kernel.run("%top -d 0.1 -n 2")
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


@pytest.mark.parametrize("cell", ["%top -d 0.2", "%%watch -n 0.2\necho $((m += 1))", "%%watch -n 0.1\nsleep 0.3"])
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
    request = in_a_notebook(kernel, "%top -d 0.1\necho not run")
    shown = kernel.collect(request, interrupt_at="update_display_data")
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.out == ""


def test_an_experiment_and_its_rows_in_the_notebook(kernel: Notebook) -> None:
    kernel.run("r=0")
    ran = kernel.run("%%repeat 3\necho hi; ((r += 1))")
    [table] = frames(ran)
    *_, progress = [m for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert (progress["content"]["metadata"], progress["content"]["data"]["text/plain"]) == (NOTICE, "3 of 3 runs")
    rows = table["content"]["metadata"]["lambda_runs"]
    assert [(row["target"], row["cold_start"], row["exit_code"]) for row in rows] == [("local", False, 0)] * 3
    assert ("runs", "[runs 1-3: 3 of 3]") in ran.notices
    assert (ran.out, ran.error) == ("hi\n", None)
    assert ran.reply["metadata"]["lambda"]["invocations"] == sum(row["invocations"] for row in rows)

    told = kernel.run("%%repeat --cold 1\necho $LAMBDA_COLD_START,$LAMBDA_INIT_MS").out
    init_ms = kernel.run("%last").displays[-1]["metadata"]["lambda_runs"][0]["init_duration_ms"]
    assert told == f"1,{init_ms:g}\n"
    cold = frames(kernel.run("%%repeat --cold 2"))[-1]["content"]["metadata"]["lambda_runs"]
    assert [row["cold_start"] for row in cold] == [True, True]
    assert len({row["environment_id"] for row in [rows[0], *cold]}) == 3
    assert all(row["init_duration_ms"] > 0 and row["wall_ms"] > row["init_duration_ms"] for row in cold)
    assert frames(kernel.run("%last"))[-1]["content"]["metadata"]["lambda_runs"] == cold
    assert kernel.run("echo ${r-new}").out == "new\n"


def test_a_terminal_shows_progress_in_its_last_line_until_something_else_comes(kernel: Notebook) -> None:
    """A console shows no updates of displays: the first one would stand there for good."""
    kernel.client.is_complete("true")  # as front ends with a prompt ask
    shown = kernel.run("%%repeat 3\necho hi", allow_stdin=True)
    texts = [(m["msg_type"], m["content"].get("text")) for m in shown.messages if m["msg_type"] in ("stream", "error")]
    first, last = (("stream", f"\x1b[?7l{done} of 3 runs\x1b[?7h") for done in (0, 3))
    erased, at = ("stream", "\r\x1b[K"), texts.index(first)
    assert texts[at : at + 2] == [first, erased]
    assert texts[-3:] == [last, erased, ("stream", "hi\n")]
    assert "of 3 runs\n" not in shown.report.partition("%%repeat 3:")[0]


def test_an_interrupt_between_two_runs_keeps_the_rows(kernel: Notebook) -> None:
    kernel.run("i=0")
    shown = kernel.collect(in_a_notebook(kernel, "%%repeat 9 -d 3600\n((i += 1))"), interrupt_at="update_display_data")
    assert len(frames(shown)[-1]["content"]["metadata"]["lambda_runs"]) == 1
    assert shown.notices[-1][1].startswith("[interrupted: the rows so far are kept")
    assert shown.error == ("KeyboardInterrupt", "")
    assert kernel.run("echo $i").out == "1\n"


def in_a_notebook(kernel: Notebook, code: str) -> str:
    """As JupyterLab runs a cell: it can ask the user, and says which cell it is."""
    client = kernel.client
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
    message = client.session.msg("execute_request", content, metadata={"cellId": "one"})
    client.shell_channel.send(message)
    request: str = message["header"]["msg_id"]
    return request
