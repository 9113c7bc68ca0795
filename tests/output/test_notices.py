"""Notices: from an answer of the function to what a front end shows."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.output.notices import LINES, Notices, notice_data
from lambda_kernel.session.cell import CellEvent, InputEnded, Notice, NoticeCode, Output, Truncated
from lambda_kernel.session.chunks import Chunks
from tests.support.in_process_session import UNTIL_READ, InProcess
from tests.support.kernel_client import Message, Notebook, Shown, notebook

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")


def read(*chunks: tuple[str, bytes]) -> list[CellEvent]:
    made = Chunks({3: 7}.__getitem__)
    return [*(found for kind, data in chunks for found in made.read(kind, data)), *made.finish()]


def test_chunks_become_what_happened() -> None:
    assert read(("out", b"a"), ("job 3", b"b"), ("err", b"c"), ("eof", b".")) == [
        Output("stdout", b"a"),
        Output("stdout", b"b", 7),
        Output("stderr", b"c"),
        InputEnded(),
    ]


@pytest.mark.parametrize("cut", range(1, 12))
def test_chunks_may_be_cut_anywhere(cut: int) -> None:
    """Where an answer was full."""
    messages, gap = "[1] 14\n[2]+  Dönè\n".encode(), b'{"bytes": 9, "lines": 2}'
    assert read(("note", messages[:cut]), ("note", messages[cut:]), ("gap", gap[:cut]), ("gap", gap[cut:])) == [
        Notice("[1] 14", "job"),
        Notice("[2]+  Dönè", "job"),
        Truncated(9, 2),
    ]


def test_the_last_message_needs_no_end_of_line_and_empty_lines_are_none() -> None:
    assert read(("note", b"\n \n[1]+  Done  for x in 1; do\n    true;\n"), ("note", b"done")) == [
        Notice("[1]+  Done  for x in 1; do", "job"),
        Notice("    true;", "job"),
        Notice("done", "job"),
    ]


def test_job_messages_come_in_their_place_and_in_no_stream() -> None:
    """As a function sends them that keeps them apart."""

    def noted(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event["op"] == "run":
            message = b"[1] 14"
            chunks = [*reply.payload["chunks"], ["note", base64.b64encode(message).decode()]]
            total = reply.payload["total"] + len(message)
            return replace(reply, payload=reply.payload | {"chunks": chunks, "total": total})
        return reply

    remote = InProcess(noted)
    try:
        ran = remote.run("echo a")
        assert ran.cell_events == [Output("stdout", b"a\n"), Notice("[1] 14", "job")]
        assert remote.run("echo b").out == "b\n"
    finally:
        remote.close()


class FrontEnd:
    """What comes to one."""

    def __init__(self, *, terminal: bool, begun: bool = False, line_end: str = "") -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.begun = begun
        self.notices = Notices(lambda *sent: self.sent.append(sent), self.begin_line, line_end, terminal=terminal)

    def begin_line(self) -> str:
        return "\n" if self.begun else ""

    def texts(self, kind: str = "display_data") -> list[str]:
        return [content["data"]["text/plain"] for sent, content in self.sent if sent == kind]


def test_neighbours_of_one_kind_share_a_display() -> None:
    front = FrontEnd(terminal=False)
    for notice in (Notice("[1] 14", "job"), Notice("[2] 15", "job"), Notice("again", "retry")):
        front.notices.show(notice)
    front.notices.part()
    front.notices.show(Notice("again", "retry"))
    assert front.texts() == ["[1] 14", "[again]", "[again]"]
    assert front.texts("update_display_data") == ["[1] 14\n[2] 15"]
    keys = [content["transient"]["display_id"] for _, content in front.sent]
    assert (keys[0], len(set(keys))) == (keys[1], 3)
    assert [content["metadata"]["lambda_notice"] for _, content in front.sent] == ["job", "job", "retry", "retry"]


def test_a_display_of_many_notices_has_a_bound() -> None:
    front = FrontEnd(terminal=False)
    for number in range(3 * LINES):
        front.notices.show(Notice(f"[{number}] 1", "job"))
    assert len(front.texts()) == 3
    assert max(text.count("\n") for text in front.texts("update_display_data")) == LINES - 1


def test_on_a_terminal_each_has_a_line_of_its_own() -> None:
    front = FrontEnd(terminal=True, begun=True, line_end="\n")
    front.notices.show(Notice("[1] 14", "job"))
    front.notices.show(Notice("[2] 15", "job"))
    assert front.texts() == ["\n[1] 14\n", "\n[2] 15\n"]
    assert front.texts("update_display_data") == []


def test_what_a_view_has_hidden_is_shown_below_it_once() -> None:
    front = FrontEnd(terminal=True)
    front.notices.show(Notice("first", "retry"))
    front.notices.cover()
    front.notices.show(Notice("second", "retry"))
    front.notices.uncover()
    front.notices.uncover()
    assert front.texts() == ["[first]", "[second]", "[first]"]


def test_the_text_is_escaped() -> None:
    data = notice_data([Notice("<img src=x onerror=alert(1)> & so on", "file")])
    assert data["text/plain"] == "[<img src=x onerror=alert(1)> & so on]"
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; so on</div>" in data["text/html"]
    assert "<img" not in data["text/html"]


def test_the_reference_names_every_code() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "metadata.md").read_text("utf-8")
    section = reference.partition("## `lambda_notice`")[2].partition("\n## ")[0]
    assert [code for code in get_args(NoticeCode) if f"`{code}`" not in section] == []


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook() as made:
        made.run("true")
        yield made


def order(shown: Shown) -> list[str]:
    """What a front end gets, in its order."""
    return [in_short(message) for message in shown.messages if message["msg_type"] in ("stream", "display_data")]


def in_short(message: Message) -> str:
    content = message["content"]
    return content.get("text") or content["metadata"].get("lambda_notice", "report")


@linux
def test_a_notice_is_a_small_display_and_no_output(book: Notebook) -> None:
    shown = book.run("printf before; cat; echo after; echo oops >&2")
    assert (shown.out, shown.err) == ("beforeafter\n", "oops\n")
    kinds = order(shown)
    assert kinds.index("before") < kinds.index("input-ended") < kinds.index("report"), kinds
    [notice] = [c for c in shown.contents("display_data") if c["metadata"].get("lambda_notice")]
    assert notice["metadata"] == {"lambda_notice": "input-ended"}
    assert notice["data"]["text/plain"].startswith("[the command read stdin")
    assert "&lt;&lt;&lt; text" in notice["data"]["text/html"]


@linux
def test_a_silent_cell_shows_none(book: Notebook) -> None:
    assert book.run("cat", silent=True).contents("display_data") == []


@linux
def test_the_output_of_an_earlier_job_is_named_beside_it(book: Notebook) -> None:
    book.run("(until [ -e /tmp/go ]; do sleep 0.05; done; echo from a job) &")
    shown = book.run(f"printf mine; {UNTIL_READ}; touch /tmp/go; wait; rm /tmp/go")
    assert "minefrom a job\n" in shown.out
    assert ("job", f"[a background job of cell {shown.reply['content']['execution_count'] - 1}]") in shown.notices
    kinds = order(shown)
    assert kinds.index("mine") < kinds.index("job") < kinds.index("from a job\n")


@linux
def test_neighbours_are_one_display_that_is_updated(book: Notebook, tmp_path: Path) -> None:
    book.run("env >/tmp/a; env >/tmp/b")
    shown = book.run(f"%get -f /tmp/a /tmp/b {tmp_path}")
    [(code, text)] = shown.notices
    assert (code, text.count("contains credentials"), text.count("\n")) == ("credentials", 2, 1)
    assert len(shown.contents("update_display_data")) == 1


@linux
@pytest.mark.parametrize(("options", "line_end"), [({}, ""), ({"allow_stdin": True}, "\n")], ids=["notebook", "run"])
def test_a_file_gets_nothing_of_a_notice(
    book: Notebook, options: dict[str, Any], line_end: str, tmp_path: Path
) -> None:
    book.run("kill -9 $$")
    shown = book.run(f"%%output {tmp_path}/f\nprintf x; sleep 0.5; printf y", **options)
    assert (tmp_path / "f").read_bytes() == b"xy"
    assert [code for code, _ in shown.notices] == ["shell", "file"]
    assert all(text.endswith(f"]{line_end}") for _, text in shown.notices)
    assert (shown.out, shown.err) == ("", "")


@linux
def test_a_terminals_view_hides_no_notice(book: Notebook) -> None:
    book.run("kill -9 $$")
    shown = book.run("%%watch -n 0.1 -c 2\necho x", allow_stdin=True)
    texts = [c["data"]["text/plain"] for c in shown.contents("display_data")]
    assert [text.startswith("\x1b[H") for text in texts] == [False, True, True, False, False]
    assert texts[0] == texts[3]
    assert "This is a new shell" in texts[3]
