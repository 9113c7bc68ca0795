"""The command `display`: the real script in the real shell, and the kernel that finds what it printed."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.cell import LeftOut, Output, Shown
from lambda_kernel.display import Streams
from lambda_kernel.function.display import END, START, kind
from lambda_kernel.rich import CUT, Bundles
from tests.far import Far
from tests.notebook import notebook

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


def png(size: int = 1) -> bytes:
    """A grey square."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x80" * size for _ in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def sequence(data: dict[str, Any], given: str | None = None) -> str:
    return START + json.dumps({"data": data, "id": given}) + END


def parts(chunks: list[str]) -> list[str | Shown]:
    bundles = Bundles("cell")
    found = [part for chunk in chunks for part in bundles.feed(chunk)] + list(bundles.finish())
    joined: list[str | Shown] = []
    for part in found:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


WHOLE = f"a\x1b[31m\x1b]0;title\x07{sequence({'text/plain': 'ü'})}b\n{sequence({'text/html': '<b>'}, 'x')}\x1b]5379"
FOUND = [
    "a\x1b[31m\x1b]0;title\x07",
    Shown("cell.1", {"text/plain": "ü"}),
    "b\n",
    Shown("display x", {"text/html": "<b>"}),
    "\x1b]5379",
]


def test_sequences_are_found_however_the_text_is_cut() -> None:
    assert parts([WHOLE]) == FOUND
    assert parts(list(WHOLE)) == FOUND
    for cut in range(len(WHOLE)):
        assert parts([WHOLE[:cut], WHOLE[cut:]]) == FOUND


def test_plain_text_is_not_held_back() -> None:
    bundles = Bundles("cell")
    assert list(bundles.feed("plain \x1b[0m")) == ["plain \x1b[0m"]
    assert list(bundles.feed("\x1b")) == []
    assert list(bundles.feed("[1m")) == ["\x1b[1m"]


@pytest.mark.parametrize("inside", ["", "{", "[]", '{"data": 5, "id": null}', '{"data": {}}'])
def test_what_only_looks_like_one_is_told(inside: str) -> None:
    assert parts([f"a{START}{inside}{END}b"]) == [f"a{CUT}b"]


def test_one_that_the_bound_has_cut_is_told() -> None:
    told: list[tuple[str, str]] = []
    streams = Streams(lambda name, text: told.append((name, text)))
    streams.show(Output("stdout", (START + '{"data": {"image/png": "iVBO').encode()))
    streams.show(LeftOut(1000, 0))
    streams.show(Output("stdout", b"AAAA\n"))
    streams.finish()
    assert told[0] == ("stdout", CUT)
    assert "left out" in told[1][1]


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("", png(), "image/png"),
        ("x.txt", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", b"GIF89a", "image/gif"),
        ("", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("", b"RIFF\0\0\0\0AVI ", "application/octet-stream"),
        ("", b"%PDF-1.7", "application/pdf"),
        ("", b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "image/svg+xml"),
        ("", b"<!DOCTYPE html><p>", "text/html"),
        ("a.html", b"<p>", "text/html"),
        ("a.md", b"# x", "text/markdown"),
        ("", b'{"a": 1}', "application/json"),
        ("", b"[not json", "text/plain"),
        ("a.CSV", b"a,b", "text/csv"),
        ("a.tsv", b"a\tb", "text/tab-separated-values"),
        ("", b"plain", "text/plain"),
        ("", b"", "text/plain"),
        ("", b"\0\1\2", "application/octet-stream"),
        ("", b"[1, NaN]", "text/plain"),
        ("", b"[" * 100_000, "text/plain"),
        ("", b"name,size\nfoo,1\n", "text/csv"),
        ("", b'name,size\n"bar, baz",\n', "text/csv"),
        ("", b"name\tsize\nfoo\t1\n", "text/tab-separated-values"),
        ("x.txt", b"name,size\nfoo,1\n", "text/plain"),
        ("", b"one,line\n", "text/plain"),
        ("", b"a,b\nc\n", "text/plain"),
        ("", b'a,b\n"c,d\n', "text/plain"),
        ("", b"Well, this\nis, prose\n", "text/plain"),
        ("", b"a,b\n" + b"x" * 200_000 + b",y\n", "text/plain"),
    ],
)
def test_content_tells_what_it_is(name: str, data: bytes, mime: str) -> None:
    assert kind(name, data) == mime


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.close()


def shown(far: Far, code: str) -> list[dict[str, Any]]:
    text = far.run(code).out
    return [json.loads(part.partition(END)[0])["data"] for part in text.split(START)[1:]]


def test_files_and_pipes(far: Far, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "t.csv").write_text("name,size\n<b>,2\n")
    image, rows, piped = shown(far, f"cd {tmp_path}; display a.png t.csv; echo '{{\"k\": [1]}}' | display")
    assert base64.b64decode(image["image/png"]) == png()
    assert "a.png" in image["text/plain"]
    assert (
        rows["text/html"] == "<table><tr><th>name</th><th>size</th></tr><tr><td>&lt;b&gt;</td><td>2</td></tr></table>"
    )
    assert piped["application/json"] == {"k": [1]}


def test_what_it_cannot_show(far: Far, tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(png() + bytes(700_000))
    ran = far.run(f"cd {tmp_path}; display no.png big.png; echo $?; head -c 9 /dev/zero | display; echo $?")
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
    ],
)
def test_input_that_is_bad(far: Far, code: str, message: str) -> None:
    ran = far.run(code)
    assert (ran.exit_code, ran.out) == (1, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


def test_programs_are_told_what_is_supported(far: Far) -> None:
    assert "image/png" in far.run("python3 -c 'import os; print(os.environ[\"LAMBDA_KERNEL_DISPLAY\"])'").out.split()


def test_our_command_is_found_first(far: Far) -> None:
    assert far.run("type display").out.strip().endswith("/tmp/.lambda-kernel/bin/display)") or (
        far.run("type display").out == "display is /tmp/.lambda-kernel/bin/display\n"
    )


def test_a_notebook_shows_it_and_updates_it_in_place() -> None:
    with notebook() as book:
        first = book.run("echo before; echo '<b>1</b>' | display --type text/html --id live; echo after")
        assert first.out == "before\nafter\n"
        kinds = [message["msg_type"] for message in first.messages]
        assert kinds.index("display_data") > kinds.index("stream")
        data = first.contents("display_data")[0]
        assert data["data"]["text/html"] == "<b>1</b>\n"
        again = book.run("echo '<b>2</b>' | display --type text/html --id live")
        [update] = again.contents("update_display_data")
        assert update["data"]["text/html"] == "<b>2</b>\n"
        assert update["transient"] == data["transient"]
