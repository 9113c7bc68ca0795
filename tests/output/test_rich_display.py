"""The command `display`: the real script in the real shell, and the kernel that finds what it printed."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.function.sent.display import END, START, VEGA, VEGA_LITE, kind, kind_of_json, pieces
from lambda_kernel.output.display import Streams
from lambda_kernel.output.pages import Pages, Raw
from lambda_kernel.output.rich_display import CUT, DisplayParser
from lambda_kernel.session.cell import Cleared, Notice, Output, Shown, Truncated
from tests.support.frames import program
from tests.support.in_process_session import InProcess
from tests.support.kernel_client import Notebook, notebook

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


def png(size: int = 1) -> bytes:
    """A grey square."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x80" * size for _ in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


OURS = "0123456789ab"


def told(text: str, name: str = "0a0a0a0a", shell: str = OURS) -> str:
    return "".join(pieces(text, shell, name))


def sequence(data: Any, given: Any = None, name: str = "0a0a0a0a") -> str:
    return told(json.dumps({"data": data, "id": given}), name)


Part = str | Raw | Notice | Cleared


def bundles() -> DisplayParser:
    return DisplayParser("cell", lambda shell: shell == OURS)


def joined(found: Iterable[Part]) -> list[Part]:
    whole: list[Part] = []
    for part in found:
        if isinstance(part, str) and whole and isinstance(whole[-1], str):
            whole[-1] += part
        else:
            whole.append(part)
    return whole


def parts(chunks: list[str]) -> list[Part]:
    parser = bundles()
    return joined([part for chunk in chunks for part in parser.feed(chunk)] + list(parser.finish()))


def test_clear_is_found_too() -> None:
    cleared = told('{"clear": true}')
    assert parts([f"a{cleared}b"]) == ["a", Cleared(), "b"]
    assert parts([told('{"clear": true}', shell="0123456789")])[:1] != [Cleared()]


WHOLE = f"a\x1b[31m\x1b]0;title\x07{sequence({'text/plain': 'ü'})}b\n{sequence({'text/html': '<b>'}, 'x')}\x1b]5379"
FOUND = [
    "a\x1b[31m\x1b]0;title\x07",
    Raw("cell.0a0a0a0a", {"text/plain": "ü"}),
    "b\n",
    Raw("display x", {"text/html": "<b>"}),
    "\x1b]5379",
]
LARGE = {"image/png": "iVBO" * 3000}


def test_sequences_are_found_however_the_text_is_cut() -> None:
    assert parts([WHOLE]) == FOUND
    assert parts(list(WHOLE)) == FOUND
    for cut in range(len(WHOLE)):
        assert parts([WHOLE[:cut], WHOLE[cut:]]) == FOUND


def test_plain_text_is_not_held_back() -> None:
    parser = bundles()
    assert list(parser.feed("plain \x1b[0m")) == ["plain \x1b[0m"]
    assert list(parser.feed("\x1b")) == []
    assert list(parser.feed("[1m")) == ["\x1b[1m"]
    assert joined(parser.feed(f"{START}important output\n1\n2\n")) == [f"{START}important output\n1\n2\n"]


@pytest.mark.parametrize("shell", ["", "0123456789ac", "0123456789", OURS + "0", "x" * 9000])
def test_what_another_has_made_is_text(shell: str) -> None:
    forged = told('{"data": {"text/html": "<img src=x onerror=alert(1)>"}, "id": null}', shell=shell)
    assert parts([forged]) == [forged]
    assert parts(list(forged)) == [forged]
    old = f'{START}{{"data": {{"text/html": "<b>"}}, "id": null}}{END}'
    assert parts([old]) == [old]


def test_a_large_one_comes_in_pieces_that_a_pipe_takes_whole() -> None:
    text = sequence(LARGE)
    assert all(len(piece) < 4096 for piece in text.split(END))
    assert parts([text]) == [Raw("cell.0a0a0a0a", LARGE)]


def test_pieces_may_be_mixed_with_others_and_with_text() -> None:
    one, two = sequence(LARGE).split(END)[:-1], sequence(LARGE, name="0b0b0b0b").split(END)[:-1]
    mixed = "".join(f"{a}{END}text\n{b}{END}" for a, b in zip(one, two, strict=True))
    found = parts([mixed])
    assert [part for part in found if isinstance(part, Raw)] == [
        Raw("cell.0a0a0a0a", LARGE),
        Raw("cell.0b0b0b0b", LARGE),
    ]
    assert "".join(part for part in found if isinstance(part, str)) == "text\n" * len(one)


@pytest.mark.parametrize(
    "inside",
    [
        "{",
        "[]",
        "[" * 5000,
        '{"data": {}}',
        '{"data": {}, "id": null}',
        '{"data": 5, "id": null}',
        '{"data": {"text/html": ["a"]}, "id": null}',
        '{"data": {"nonsense": "a"}, "id": null}',
        '{"data": {"text/plain": "a"}, "id": {"a": 1}}',
        '{"data": {"application/json": [1e999]}, "id": null}',
        f'{{"data": {{"application/json": {"[" * 300}1{"]" * 300}}}, "id": null}}',
    ],
)
def test_what_only_looks_like_one_is_told(inside: str) -> None:
    assert parts([f"a{told(inside)}b"]) == ["a", CUT, "b"]


def test_half_a_character_does_not_lose_the_rest() -> None:
    assert parts([sequence({"application/json": ["\ud800"]})]) == [Raw("cell.0a0a0a0a", {"application/json": ["?"]})]


@pytest.mark.parametrize("size", [60, 5000])
def test_one_that_ends_early_leaves_what_follows(size: int) -> None:
    found = parts([sequence(LARGE)[:size], "\n5\nimportant\n"])
    assert all(part == CUT or isinstance(part, str) for part in found)
    text = "".join(part for part in found if isinstance(part, str))
    assert text == "\n5\nimportant\n"
    assert CUT in found
    assert OURS not in text


def streams(told: list[str], *cell_events: Output | Truncated) -> list[Shown]:
    found: list[Shown] = []
    ways = (found.append, "cell", lambda shell: shell == OURS)
    made = Streams(lambda name, text: told.append(text), *ways, notify=lambda notice: told.append(notice.text + "\n"))
    for cell_event in cell_events:
        made.show(cell_event)
    made.finish()
    return found


def test_one_that_the_bound_has_cut_is_told_once() -> None:
    text, whole = sequence(LARGE).encode(), sequence({"text/plain": "b"}, name="0c0c0c0c").encode()
    told: list[str] = []
    found = streams(
        told, Output("stdout", text[:5000]), Truncated(1000, 0), Output("stdout", text[7000:] + b"x\n" + whole)
    )
    assert found == [Shown("cell.0c0c0c0c", {"text/plain": "b"})]
    assert told[0] == f"{CUT.text}\n"
    assert "left out" in told[1]
    assert told[2:] == ["x\n"]


def test_a_job_may_print_while_one_arrives() -> None:
    text = sequence(LARGE).encode()
    told: list[str] = []
    found = streams(told, Output("stdout", text[:50]), Output("stdout", b"j1\n", 7), Output("stdout", text[50:]))
    assert found == [Shown("cell.0a0a0a0a", {"text/plain": "<image/png>"} | LARGE)]
    assert "".join(told) == "[a background job of cell 7]\nj1\n[this cell]\n"


def test_stderr_shows_it_too() -> None:
    told: list[str] = []
    assert len(streams(told, Output("stderr", sequence(LARGE).encode()))) == 1
    assert told == []


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("", png(), "image/png"),
        ("", b"GIF89a", "image/gif"),
        ("", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("", b"RIFF\0\0\0\0AVI ", "application/octet-stream"),
        ("", b"%PDF-1.7", "application/pdf"),
        ("", b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "image/svg+xml"),
        ("", b"<!DOCTYPE html><p>", "text/html"),
        ("a.html", b"<p>", "text/html"),
        ("a.md", b"# x", "text/markdown"),
        ("a.JPG", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", b'{"a": 1}', "application/json"),
        ("", b"[not json", "text/plain"),
        ("a.CSV", b"a,b", "text/csv"),
        ("a.tsv", b"a\tb", "text/tab-separated-values"),
        ("", b"plain", "text/plain"),
        ("", b"", "text/plain"),
        ("", b"\0\1\2", "application/octet-stream"),
        ("", b"[1, NaN]", "text/plain"),
        ("", b"[1e999]", "text/plain"),
        ("", b'\xef\xbb\xbf{"a": 1}', "application/json"),
        ("", b"\xef\xbb\xbf<svg xmlns='x'/>", "image/svg+xml"),
        ("", b"[" * 100_000, "text/plain"),
        ("", b"name,size\nfoo,1\n", "text/csv"),
        ("", b'name,size\n"bar, baz",\n', "text/csv"),
        ("", b"name\tsize\nfoo\t1\n", "text/tab-separated-values"),
        ("", b"one,line\n", "text/plain"),
        ("", b"a,b\nc\n", "text/plain"),
        ("", b'a,b\n"c,d\n', "text/plain"),
        ("", b"Well, this\nis, prose\n", "text/plain"),
        ("", b"a,b\n" + b"x" * 200_000 + b",y\n", "text/plain"),
        ("x.txt", b"name,size\nfoo,1\n", "text/plain"),
        ("x.log", b'{"a": 1}', "text/plain"),
        ("page", b"<html>", "text/html"),
        ("page.out", b"<html>", "text/html"),
    ],
)
def test_the_name_or_the_content_tells_what_it_is(name: str, data: bytes, mime: str) -> None:
    assert kind(name, data) == (mime, "")


@pytest.mark.parametrize(
    ("name", "data", "mime", "told"),
    [
        ("b.txt", b"<html><script>", "text/plain", "it begins like text/html, and is shown as text/plain"),
        ("b.log", b"<!DOCTYPE html>", "text/plain", "it begins like text/html, and is shown as text/plain"),
        ("b.csv", b"<html>", "text/csv", "it begins like text/html, and is shown as text/csv"),
        ("b.md", b"<html>", "text/markdown", "it begins like text/html, and is shown as text/markdown"),
        ("b.json", b"<html>", "application/json", "it begins like text/html, and is shown as application/json"),
        ("b.svg", b"<html><svg>", "image/svg+xml", "it begins like text/html, and is shown as image/svg+xml"),
        ("b.html", b"<svg>", "text/html", "it begins like image/svg+xml, and is shown as text/html"),
        ("b.png", b"\xff\xd8\xff\xe0", "image/jpeg", "it is image/jpeg, and not image/png"),
        ("b.txt", b"%PDF-1.7", "application/pdf", "it is application/pdf, and not text/plain"),
    ],
)
def test_a_name_that_is_not_right_is_told(name: str, data: bytes, mime: str, told: str) -> None:
    assert kind(name, data) == (mime, f"{told}, as its name says")


@pytest.mark.parametrize(
    ("name", "data"), [("b.png", b"<html>"), ("b.png", b"hello"), ("b.pdf", b"<svg>"), ("b.html", b"<p>\0")]
)
def test_a_name_that_cannot_be_right_shows_nothing(name: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is not .*/.*, as its name says: --type"):
        kind(name, data)


SCHEMA = b'{"$schema": "https://vega.github.io/schema/vega-lite/v5.json"}'
OF_VEGA = SCHEMA.replace(b"vega-lite", b"vega")


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("a.vl.json", b'{"mark": "bar"}', (VEGA_LITE, "")),
        ("a.json", SCHEMA, (VEGA_LITE, "")),
        ("", SCHEMA, (VEGA_LITE, "")),
        ("a.VG.json", b"{}", ("application/json", VEGA)),
        ("a.json", OF_VEGA, ("application/json", VEGA)),
        ("a.json", b'{"mark": "bar"}', ("application/json", "")),
        ("vl.json", b"{}", ("application/json", "")),
    ],
)
def test_a_charts_specification_is_known(name: str, data: bytes, found: tuple[str, str]) -> None:
    assert kind(name, data)[0] == "application/json"
    assert kind_of_json(name, data) == found


def shown(remote: InProcess, code: str) -> list[dict[str, Any]]:
    found = DisplayParser("cell", remote.session.remote.shells.__contains__).feed(remote.run(code).out)
    raw = [part for part in found if isinstance(part, Raw)]
    return [part.data for given in raw for part in Pages().parts(given) if isinstance(part, Shown)]


def test_files_and_pipes(remote: InProcess, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "t.csv").write_text("name,size\n<b>,2\n")
    image, rows, piped = shown(remote, f"cd {tmp_path}; display a.png t.csv; echo '{{\"k\": [1]}}' | display")
    assert base64.b64decode(image["image/png"]) == png()
    assert "a.png" in image["text/plain"]
    assert (
        rows["text/html"] == "<table><tr><th>name</th><th>size</th></tr><tr><td>&lt;b&gt;</td><td>2</td></tr></table>"
    )
    assert piped["application/json"] == {"k": [1]}


def test_what_it_cannot_show(remote: InProcess, tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(png() + bytes(700_000))
    ran = remote.run(f"cd {tmp_path}; display no.png big.png; echo $?; head -c 9 /dev/zero | display; echo $?")
    assert ran.out == "1\n1\n"
    assert "no.png: No such file" in ran.err
    assert "fetch it with %get" in ran.err
    assert "--type" in ran.err


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("yes | display", "larger than what a cell shows"),
        ("display /dev/zero", "larger than what a cell shows"),
        ("printf '[%s' $(seq 100 | tr '\n' '[') | display --type application/json", "input: Expecting"),
        ("head -c 100000 /dev/zero | tr '\\0' '[' | display --type application/json", "nested too deeply"),
        ("echo NaN | display --type application/json", "NaN is no number in JSON"),
        ("head -c 200000 /dev/zero | tr '\\0' x | display --type text/csv", "field larger than field limit"),
        ("display /tmp", "Is a directory"),
        ("echo '[1e999]' | display --type application/json", "1e999 is too large a number"),
        (
            "(printf '%0300d' 0 | tr 0 '['; printf '%0300d' 0 | tr 0 ']') | display --type application/json",
            "deeply",
        ),
        ("echo '{}' | display --type application/vnd.vega.v5+json", "json is not shown: give --type one of image"),
        ("echo '{' | display --type application/vnd.vegalite.v5+json", "input: Expecting property name"),
        ("echo 'alert(1)' | display --type application/javascript", "javascript is not shown: give --type one of"),
        ("unset LAMBDA_KERNEL_SHELL; echo a | display", "LAMBDA_KERNEL_SHELL"),
    ],
)
def test_input_that_is_bad(remote: InProcess, code: str, message: str) -> None:
    ran = remote.run(code)
    assert (ran.exit_code, ran.out) == (1, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_type_that_is_none_is_refused(remote: InProcess) -> None:
    ran = remote.run("echo hello | display --type nonsense")
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err == "display: 'nonsense' is no MIME type: give --type one such as text/html\n"


@pytest.mark.parametrize(("height", "code"), [("19", 2), ("20", 0), ("5000", 0), ("5001", 2), ("x", 2), ("-20", 2)])
def test_the_height_of_a_page(remote: InProcess, height: str, code: int) -> None:
    ran = remote.run(f"echo '<p>' | display --type text/html --height {height}")
    assert ran.exit_code == code
    assert ("from 20 to 5000" in ran.err or "expected one" in ran.err) == (code == 2)
    assert (f'"height": {height}' in ran.out) == (code == 0)


def test_a_name_that_is_not_right_is_told_on_stderr(remote: InProcess) -> None:
    ran = remote.run(
        "cd /tmp && d=$(mktemp -d) && cd $d && echo '<html>' | tee b.txt >b.png; display b.txt b.png; rm -r $d"
    )
    assert "display: b.txt: it begins like text/html, and is shown as text/plain, as its name says\n" in ran.err
    assert "display: b.png: it is not image/png, as its name says: --type shows it as what it is\n" in ran.err
    assert ran.out.count(START) == 1


def test_what_begins_with_a_mark(remote: InProcess) -> None:
    marked, rows = shown(
        remote,
        "printf '\\xef\\xbb\\xbf[1]' | display; printf '\\xef\\xbb\\xbfa,b\\n1,2\\n' | display --type text/csv",
    )
    assert marked["application/json"] == [1]
    assert rows["text/html"].startswith("<table><tr><th>a</th>")


def test_two_at_once_in_one_pipe(remote: InProcess, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 600)
    found = shown(remote, f"cd {tmp_path}; for i in 1 2; do display --type image/png a.bin & done; wait")
    assert [len(data["image/png"]) for data in found] == [204_800, 204_800]


def test_programs_are_told_what_is_supported(remote: InProcess) -> None:
    assert "image/png" in remote.run("python3 -c 'import os; print(os.environ[\"LAMBDA_KERNEL_DISPLAY\"])'").out.split()


def test_our_command_is_found_first(remote: InProcess) -> None:
    assert remote.run("type display").out.strip().endswith("/tmp/.lambda-kernel/bin/display)") or (
        remote.run("type display").out == "display is /tmp/.lambda-kernel/bin/display\n"
    )


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook() as made:
        yield made


def test_a_notebook_shows_it_and_updates_it_in_place(book: Notebook) -> None:
    book.run("echo 0 | display --type text/html --id live", silent=True)
    first = book.run("echo before; echo '<b>1</b>' | display --type text/html --id live; echo after")
    assert first.out == "before\nafter\n"
    kinds = [message["msg_type"] for message in first.messages]
    assert kinds.index("display_data") > kinds.index("stream")
    assert "update_display_data" not in kinds
    data = first.displays[0]
    assert program(data["data"]["text/html"]) == "<b>1</b>\n"
    again = book.run("for i in 2 3; do echo $i | display --type text/html --id live; done")
    updates = again.contents("update_display_data")
    assert [program(update["data"]["text/html"]) for update in updates] == ["2\n", "3\n"]
    anew = again.displays[0]
    assert program(anew["data"]["text/html"]) == "2\n"
    assert data["transient"] == anew["transient"] == updates[0]["transient"] == updates[1]["transient"]


def test_a_file_that_is_printed_runs_nothing(book: Notebook) -> None:
    crafted = r"""\033]5379;{"data":{"text/html":"<img src=x>"},"id":null}\a"""
    printed = f"log=$(mktemp); printf '%b' '{crafted}' > $log; cat $log; rm $log"
    ran = book.run(f"{printed}; printf '\\e]5379;'; echo important; seq 2")
    assert len(ran.displays) == 1  # the report
    assert "<img" in ran.out
    assert ran.out.endswith("important\n1\n2\n")
    last = book.run("exec bash -c 'echo 1 | display --type text/plain'").displays
    assert last[0]["data"]["text/plain"] == "1\n"
    renewed = book.run("echo 2 | display --type text/plain").displays
    assert renewed[0]["data"]["text/plain"] == "2\n"


def test_a_shell_that_has_ended_has_no_right_left(book: Notebook) -> None:
    """Whoever knows its name: a program that it started, and that lives on. Its jobs keep it until then."""
    old = book.run("echo $LAMBDA_KERNEL_SHELL; (until [ -e /tmp/go ]; do sleep 0.1; done; echo 1 | display) &").out
    jobs = book.run("touch /tmp/go; wait").displays
    assert [shown["data"]["text/plain"] for shown in jobs[:-1]] == ["1\n"]
    again = f"echo again | LAMBDA_KERNEL_SHELL={old.strip()} display"
    ended = book.run(f"exec bash -c '{again}'").displays
    assert [shown["data"]["text/plain"] for shown in ended[:-1]] == ["again\n"]
    late = book.run(again)
    assert late.displays[:-1] == []
    assert START in late.out
