"""Commands that read what the user types: the real function, and a kernel whose client has an input box."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.session.cell import InputRequest
from tests.support.in_process_session import InProcess
from tests.support.kernel_client import Notebook, Shown, notebook

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


@pytest.mark.parametrize(
    ("code", "lines", "out", "questions"),
    [
        ("read x; echo <$x>".replace("<", "'<'").replace(">", "'>'"), ["a b\n"], "<a b>\n", [InputRequest()]),
        ("read -p 'Name? ' x; echo $x", ["Bo\n"], "Bo\n", [InputRequest("Name? ")]),
        ("read -sp 'Pass: ' x; echo ${#x}", ["secret\n"], "6\n", [InputRequest("Pass: ", secret=True)]),
        ("read -r -s -n 3 x; echo $x", ["abcdef\n"], "abc\n", [InputRequest(secret=True)]),
        ("f() { local y; read y; echo $y; }; f", ["in f\n"], "in f\n", [InputRequest()]),
        ("(read z; echo $z)", ["sub\n"], "sub\n", [InputRequest()]),
        ("cat", ["1\n", "2\n", ""], "1\n2\n", [InputRequest(), InputRequest(), InputRequest()]),
        ("python3 -c 'print(input(\"n? \") * 2)'", ["ab\n"], "n? abab\n", [InputRequest()]),
        ("read x; echo $?", [""], "1\n", [InputRequest()]),
        ("select w in a b; do echo $w; break; done 2>/dev/null", ["2\n"], "b\n", [InputRequest()]),
        ("while read x; do echo got $x; done", ["1\n", "2\n", ""], "got 1\ngot 2\n", [InputRequest()] * 3),
        ("read x; read y; echo $y$x", ["ü\n", "☃\n"], "☃ü\n", [InputRequest(), InputRequest()]),
    ],
)
def test_a_program_that_reads_gets_what_is_typed(
    remote: InProcess, code: str, lines: list[str | None], out: str, questions: list[InputRequest]
) -> None:
    ran = remote.run(code, lines=lines, stdin=True)
    assert ran.out == out
    assert ran.control.questions == questions
    assert remote.run("echo next").out == "next\n"


def test_a_prompt_is_for_the_user_only(remote: InProcess) -> None:
    ran = remote.run("echo piped | { read -p 'Name? ' x; echo $x; }; read -p 'File? ' y <<<here; echo $y", stdin=True)
    assert (ran.out, ran.err, ran.control.questions) == ("piped\nhere\n", "", [])


def test_a_read_of_the_users_own_stays(remote: InProcess) -> None:
    remote.run("read() { echo mine; }")
    assert remote.run("read x", stdin=True).out == "mine\n"
    assert remote.run("unset -f read; read x; echo $x", lines=["y\n"], stdin=True).out == "y\n"


def test_while_nobody_types_only_a_sign_of_life_is_sent(remote: InProcess) -> None:
    ran = remote.run("read x; echo $x", lines=[None, None, "late\n"], stdin=True)
    assert ran.out == "late\n"
    assert [event["op"] for event in remote.transport.events].count("attach") <= 6


def test_a_read_with_a_time_limit_goes_on_at_the_next_sign_of_life(remote: InProcess) -> None:
    ran = remote.run("read -t 0.3 -p '? ' x; echo rc $?", lines=[None] * 5_000, stdin=True)
    assert ran.out == "rc 142\n"


def test_a_prompt_holds_no_credential(remote: InProcess) -> None:
    """Front ends write it into the notebook."""
    ran = remote.run('read -p "$AWS_SECRET_ACCESS_KEY? " x; echo $x', lines=["a\n"], stdin=True)
    assert ran.out == "a\n"
    assert ran.control.questions == [InputRequest("[AWS_SECRET_ACCESS_KEY redacted]? ")]


def test_half_a_character_is_taken_for_none(remote: InProcess) -> None:
    assert remote.run("read x; echo $x", lines=["a\ud800\n"], stdin=True).out == "a?\n"


def test_an_interrupt_while_it_waits(remote: InProcess) -> None:
    ran = remote.run("read x; echo $x", interrupts=[2], lines=[None] * 9, stdin=True)
    assert ran.result.interrupted
    assert ran.exit_code == 130
    assert remote.run("echo next").out == "next\n"


def test_without_an_input_box_it_is_at_its_end_at_once(remote: InProcess) -> None:
    ran = remote.run("read x; echo $?", lines=["never\n"])
    assert (ran.out, ran.input_ended, ran.control.questions) == ("1\n", True, [])


def test_what_is_typed_is_not_saved_twice_when_the_answer_is_lost(remote: InProcess) -> None:
    """The function counts what it has had; a repeat is not typed again."""
    sent: list[Any] = []
    answer = remote.environment.answer

    def twice(event: dict[str, Any], context: Any) -> dict[str, Any]:
        reply = answer(event, context)
        if "input" in event:
            sent.append(event["input"])
            reply = answer(event, context)
        return reply

    remote.transport.fake.handler = twice
    ran = remote.run("read x; read y; echo $x-$y", lines=["1\n", "2\n"], stdin=True)
    assert ran.out == "1-2\n"
    assert [offset for offset, _, _ in sent] == [0, 2]


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook() as book:
        yield book


def typed(book: Notebook, code: str, *lines: str) -> tuple[Shown, list[tuple[str, bool]]]:
    """Run a cell and answer its questions. The questions are returned as well."""
    request = book.start(code, allow_stdin=True)
    asked = []
    for line in lines:
        message = book.client.get_stdin_msg(timeout=20)
        assert message["msg_type"] == "input_request"
        assert message["parent_header"]["msg_id"] == request
        asked.append((message["content"]["prompt"], message["content"]["password"]))
        book.client.input(line)
    return book.collect(request), asked


def test_the_front_end_is_asked(book: Notebook) -> None:
    shown, asked = typed(book, "read -p 'Who? ' x; read -sp 'Key: ' y; echo $x/$y; cat", "me", "k", "line", "\x04")
    assert shown.out == "me/k\nline\n"
    assert asked == [("Who? ", False), ("Key: ", True), ("", False), ("", False)]


def test_an_interrupt_while_the_user_is_asked(book: Notebook) -> None:
    request = book.start("read x; echo $x", allow_stdin=True)
    book.client.get_stdin_msg(timeout=20)
    book.manager.interrupt_kernel()
    assert book.collect(request).error == ("KeyboardInterrupt", "")
    # The box is still on the screen, and what is typed there is for nobody.
    book.client.input("too late")
    shown, _ = typed(book, "read x; echo $x", "^D")
    assert shown.out == "\n"
    assert book.run("echo next").out == "next\n"


def test_a_client_without_a_box_gets_the_end_and_a_hint(book: Notebook) -> None:
    shown = book.run("read x; echo $?")
    assert shown.out == "1\n"
    assert "read stdin" in shown.noticed
