"""An interrupt stops the cell at work and those that wait behind it, whenever it comes, and none that come later."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from jupyter_kernel_test.msgspec_v5 import validate_message

from tests.support.kernel_client import Message, Notebook, Shown, notebook

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(120),
]

Press = Callable[[Notebook], None]
OK, STOPPED, NEVER = "ok", "error", "aborted"


def message(book: Notebook) -> None:
    book.interrupt()


def sigint(book: Notebook) -> None:
    book.manager.signal_kernel(signal.SIGINT)
    until(book, None, "stream", "marked")


PRESSES = pytest.mark.parametrize("press", [message, sigint])


@pytest.fixture(scope="module")
def shared() -> Iterator[Notebook]:
    with notebook(module="tests.support.pausing_kernel") as made:
        yield made


@pytest.fixture
def book(shared: Notebook) -> Notebook:
    shared.run("%report line\n%reset\nstate=kept")
    return shared


@pytest.fixture
def go(tmp_path: Path) -> Path:
    return tmp_path / "go"


def run_all(book: Notebook, *codes: str) -> list[str]:
    """As a front end does at "Run all": without waiting for any."""
    return [in_a_notebook(book, code, behind=len(codes) - number) for number, code in enumerate(codes, 1)]


def in_a_notebook(book: Notebook, code: str, *, stop_on_error: bool = True, behind: int = 0) -> str:
    """behind: how many requests come next. A cell that pauses waits until they have arrived."""
    content = {"code": code, "silent": False, "allow_stdin": True, "stop_on_error": stop_on_error}
    request = book.client.session.msg("execute_request", content, metadata={"cellId": "one", "behind": behind})
    book.client.shell_channel.send(request)
    return str(request["header"]["msg_id"])


def until(book: Notebook, request: str | None, kind: str, text: str = "") -> Message:
    """The first such message of the cell."""
    end = time.monotonic() + 60
    while True:
        told = book.next(end)
        about = told["parent_header"].get("msg_id")
        if about == request and told["msg_type"] == kind and text in str(told["content"]):
            return told


def replies(book: Notebook, requests: Sequence[str]) -> list[Message]:
    """In the order of the requests, which is that of the replies."""
    got = [book.client.get_shell_msg(timeout=60) for _ in requests]
    assert [reply["parent_header"]["msg_id"] for reply in got] == list(requests)
    for reply, request in zip(got, requests, strict=True):
        if reply["content"]["status"] != NEVER:  # ipykernel's word, which the validator does not know
            validate_message(reply, "execute_reply", request)
    return got


def statuses(book: Notebook, requests: Sequence[str]) -> list[str]:
    return [reply["content"]["status"] for reply in replies(book, requests)]


def lives_on(book: Notebook) -> None:
    """What the user runs next is run, in the same shell."""
    assert book.run("echo $state").out == "kept\n"


@PRESSES
@pytest.mark.parametrize(
    ("point", "second"),
    [("turn", NEVER), ("begun", STOPPED), ("answered", STOPPED), ("decided", OK), ("over", OK)],
)
def test_one_press_stops_a_queue_wherever_it_is(
    book: Notebook, go: Path, press: Press, point: str, second: str
) -> None:
    requests = run_all(book, "echo one", f"echo two # pause {point} {go}", "echo three", "echo four")
    until(book, requests[1], "stream", "paused")
    press(book)
    go.touch()
    first, pressed, *rest = replies(book, requests)
    assert [r["content"]["status"] for r in (first, pressed, *rest)] == [OK, second, NEVER, NEVER]
    assert pressed["content"].get("ename") == ("KeyboardInterrupt" if second == STOPPED else None)
    run = [r["metadata"]["lambda"]["exit_code"] for r in (pressed, *rest) if "lambda" in r["metadata"]]
    assert run == ([] if point in ("turn", "begun") else [0])  # what was sent to Lambda, and what it came to
    lives_on(book)


@PRESSES
def test_a_command_that_had_ended_shows_its_output_and_the_interrupt(book: Notebook, go: Path, press: Press) -> None:
    request = book.start(f"echo done; (exit 3) # pause answered {go}")
    until(book, request, "stream", "paused")
    press(book)
    go.touch()
    shown = book.collect(request)
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.figures["exit_code"] == shown.reply["content"]["exit_code"] == 3
    assert "exit code 3" in shown.report  # the error is the interrupt
    lives_on(book)


MAGICS = ["%status", "%status #\n%report line", "%put /etc/hostname /tmp/x", "%%writefile /tmp/x\ntext", "%time true"]


@PRESSES
@pytest.mark.parametrize("code", MAGICS)
@pytest.mark.parametrize("point", ["begun", "answered"])
def test_a_cell_of_magics_as_well(book: Notebook, go: Path, press: Press, code: str, point: str) -> None:
    requests = run_all(book, f"{code} # pause {point} {go}", "echo next")
    until(book, requests[0], "stream", "paused")
    press(book)
    go.touch()
    shown = book.collect(requests[0])
    assert shown.error == ("KeyboardInterrupt", "")
    assert statuses(book, requests[1:]) == [NEVER]
    assert point == "answered" or (shown.displays, shown.out) == ([], "")  # nothing of it has been run
    lives_on(book)


def test_a_running_command_among_those_that_wait(book: Notebook) -> None:
    requests = run_all(book, "echo one", "echo two; sleep 60", "echo three")
    until(book, requests[1], "stream", "two")
    message(book)
    assert statuses(book, requests) == [OK, STOPPED, NEVER]
    lives_on(book)


@pytest.mark.parametrize("presses", [1, 3])
@PRESSES
def test_forty_trivial_cells(book: Notebook, go: Path, press: Press, presses: int) -> None:
    """The press comes wherever it comes, once all have come. The last cell lasts, so that the queue cannot be over."""
    requests = run_all(book, f"true # pause begun {go}", *["true"] * 38, "sleep 60")
    until(book, requests[0], "stream", "paused")
    go.touch()
    until(book, requests[2], "execute_input")
    for _ in range(presses):
        press(book)
    order = " ".join(statuses(book, requests))
    assert re.fullmatch(r"ok ok(?: ok)*(?: error)?(?: aborted)*", order)
    assert not order.endswith(OK)
    shown = book.collect(book.start("trap 'echo one' INT; echo started; sleep 60"), interrupt_at="stream")
    assert (shown.out.split(), shown.notices) == (["started", "one"], [])  # the presses before are not this cell's
    lives_on(book)


@PRESSES
@pytest.mark.parametrize("point", ["begun", "answered", "decided", "over"])
def test_what_is_sent_after_the_press_is_run(book: Notebook, go: Path, press: Press, point: str) -> None:
    requests = run_all(book, f"echo one # pause {point} {go}", "echo two")
    until(book, requests[0], "stream", "paused")
    press(book)
    # Its failure must not abort the next test's first cell: ipykernel aborts what comes just after it.
    later = in_a_notebook(book, "echo three; (exit 3)", stop_on_error=False)
    go.touch()
    *_, waiting, last = replies(book, [*requests, later])
    assert waiting["content"]["status"] == NEVER
    assert (last["content"]["ename"], last["content"]["evalue"]) == ("ExitCode", "3")


@PRESSES
def test_a_press_while_nothing_runs_stops_nothing(book: Notebook, press: Press) -> None:
    for _ in range(3):
        press(book)
        assert statuses(book, run_all(book, "echo one", "echo two")) == [OK, OK]
    lives_on(book)


def test_a_second_press_is_a_stronger_signal_for_its_own_cell_only(book: Notebook) -> None:
    for presses in (2, 1):
        requests = run_all(book, "trap '' INT; echo started; (trap - TERM; sleep 3); echo after", "echo next")
        until(book, requests[0], "stream", "started")
        for _ in range(presses):
            message(book)
        shown = book.collect(requests[0])
        assert [code for code, _ in shown.notices] == ["signal"] * (presses - 1)
        assert shown.out.endswith("after\n")
        assert shown.error == ("KeyboardInterrupt", "")
        assert statuses(book, requests[1:]) == [NEVER]
        lives_on(book)


def test_a_view_is_ended_and_the_queue_goes_on(book: Notebook) -> None:
    """An interrupt is the way to leave it. What stands below it in its own cell is stopped, and the queue with it."""
    requests = run_all(book, "%top -d 0.1", "%%watch -n 0.1\necho x", "%top -d 0.1\necho below", "echo next")
    for request in requests[:3]:
        until(book, request, "update_display_data")
        message(book)
    assert statuses(book, requests) == [OK, OK, STOPPED, NEVER]
    lives_on(book)


def test_a_cell_whose_errors_stop_nothing(book: Notebook) -> None:
    """JupyterLab says so of cells with the tag `raises-exception`."""
    first = in_a_notebook(book, "echo started; sleep 60", stop_on_error=False)
    second = in_a_notebook(book, "echo next")
    until(book, first, "stream")
    message(book)
    assert statuses(book, [first, second]) == [STOPPED, OK]


def test_a_question_to_the_user(book: Notebook) -> None:
    requests = run_all(book, "read -p name: x", "echo next")
    asked = book.client.get_stdin_msg(timeout=30)
    assert asked["content"]["prompt"] == "name:"
    message(book)
    assert statuses(book, requests) == [STOPPED, NEVER]
    lives_on(book)


def test_what_a_front_end_asks_meanwhile_is_answered(book: Notebook) -> None:
    requests = run_all(book, "echo started; sleep 60", "echo next")
    until(book, requests[0], "stream")
    book.client.complete("mapf", 4)
    assert book.client.get_shell_msg(timeout=20)["content"]["matches"] == ["mapfile"]
    message(book)
    assert statuses(book, requests) == [STOPPED, NEVER]


def test_a_time_limit_is_not_the_users_interrupt(book: Notebook, go: Path) -> None:
    requests = run_all(book, f"%timeout 0.3\nsleep 60 # pause answered {go}", "%timeout none")
    until(book, requests[0], "stream", "paused")
    message(book)
    go.touch()
    [first, second] = replies(book, requests)
    assert (first["content"]["ename"], second["content"]["status"]) == ("KeyboardInterrupt", NEVER)
    shown: Shown = book.run("sleep 60")
    assert shown.error is not None
    assert shown.error[0] == "CellTimeout"
    book.run("%timeout none")
