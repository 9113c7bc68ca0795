"""The log of the 2018 article's function as Node's runtime writes it in each of its ways, cut at every byte."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.session.node_log import Logged, inspected, read
from tests.support.node_logs import (
    CALLBACK_WARNING,
    ID,
    JSON_REPORT,
    JSON_START,
    OTHER_ID,
    PREVIEW_WARNING,
    REPORT,
    STAMP,
    START,
    Command,
    json_log,
    text_log,
)

RUNS = [
    Command("free", "Mem: 1\nSwap: 2\n"),
    Command("printf x", "x"),
    Command("true", ""),
    Command("false", "", ""),
    Command("ls nowhere", "", "ls: nowhere: No such file\n"),
    Command("echo a; echo b >&2; exit 3", "a\n", "b\n"),
    Command("echo 'a b'\necho c # a line long enough for Node to break it in several lines\n", "a b\nc\n"),
    Command(
        "cat log", f"{STAMP}\t{OTHER_ID}\tINFO\tx\nSTART RequestId: {OTHER_ID} Version: 1\nREPORT\nEND RequestId: x\n"
    ),
    Command("cat log", CALLBACK_WARNING, f"{STAMP}\t{OTHER_ID}\tx\n"),
    Command("cat x", '{"timestamp":"1","level":"INFO","requestId":"x","message":"y"}\n{ cmd: \'cat x\' }\n'),
    Command("echo é€😀\u2028\x85", "é€😀\u2028\x85\n", "\u20ac\n"),
    Command(r"printf '\\n\"'", '\\n"\\\\"}\n"}}\n\t\x01\x7f', '\\"}'),
]
WAYS = {
    "text": text_log,
    "text without levels": lambda ran: text_log(ran, level=""),
    "text on one line": lambda ran: text_log(ran, one_line=True),
    "json": json_log,
    "json in ASCII": lambda ran: json_log(ran, ascii_only=True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ran", RUNS, ids=lambda ran: ran.cmd[:12])
def test_output_is_what_the_command_wrote(ran: Command, way: str) -> None:
    assert read(WAYS[way](ran).encode(), ran.event) == Logged(ran.stdout, ran.stderr)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ran", RUNS, ids=lambda ran: ran.cmd[:12])
def test_a_cut_anywhere_leaves_the_end_of_the_output(ran: Command, way: str) -> None:
    log = WAYS[way](ran).encode()
    end = log.rindex((JSON_REPORT if way.startswith("json") else REPORT).encode())
    for at in range(end):
        logged = read(log[at:], ran.event)
        shown = logged.stdout + (logged.stderr or "")
        assert "".join(ran.texts).endswith(shown), (at, logged)
        if not logged.cut:
            assert logged == Logged(ran.stdout, ran.stderr), at


def test_a_commands_own_carriage_returns_stay() -> None:
    ran = Command("printf '1\\r2\\r\\n'", "1\r2\r\n")
    assert read(text_log(ran).encode(), ran.event) == Logged(ran.stdout)


def test_what_node_logs_before_the_invocation_is_no_output() -> None:
    """nodejs22.x warns of the article's kind of handler: in JSON with a level, in text perhaps on several lines.
    Python's runtime warns that it is a preview."""
    ran = RUNS[0]
    log = text_log(ran)
    for before in (
        f"{CALLBACK_WARNING}{START}",
        f"{START}{CALLBACK_WARNING}",
        f"{START}{CALLBACK_WARNING}more of it\n",
        f"{PREVIEW_WARNING}{START}",
        f"{START}{PREVIEW_WARNING}",
    ):
        assert read(log.replace(START, before).encode(), ran.event) == Logged(ran.stdout)
    warning = '{"timestamp":"x","level":"WARN","requestId":"undefined","message":"AWS Lambda plans"}\n'
    for before in (f"{warning}{JSON_START}", f"{JSON_START}{warning}"):
        assert read(json_log(ran).replace(JSON_START, before).encode(), ran.event) == Logged(ran.stdout)


def test_a_json_log_without_lambdas_own_lines() -> None:
    """SystemLogLevel WARN leaves them out."""
    for ran in RUNS:
        log = json_log(ran).removeprefix(JSON_START).removesuffix(JSON_REPORT)
        assert read(log.encode(), ran.event, ID) == Logged(ran.stdout, ran.stderr)


def test_a_log_without_records_is_told() -> None:
    """Application log level WARN leaves console.log out."""
    assert read((START + REPORT).encode(), {"cmd": "free"}) == Logged(found=False)
    assert read((JSON_START + JSON_REPORT).encode(), {"cmd": "free"}) == Logged(found=False)
    assert read(b"", {"cmd": "free"}) == Logged(cut=True, found=False)


@pytest.mark.parametrize(
    "ran",
    [ran for ran in RUNS if not ran.stderr and not re.search("END|cmd", ran.stdout)],
    ids=lambda ran: ran.cmd[:12],
)
def test_a_log_without_prefixes(ran: Command) -> None:
    """ministack's: neither Lambda's lines nor Node's prefixes, nor the last line end."""
    for echo in inspected(ran.event):
        log = f"{echo}\n{ran.stdout}"
        for at in range(len(log)):
            logged = read(log[at:].encode(), ran.event, ID)
            assert ran.stdout.endswith(logged.stdout), at
            assert logged == Logged(ran.stdout) or logged.cut, at


def test_a_long_event_is_known_by_what_node_shows_of_it() -> None:
    ran = Command("😀" * 6000, "x\n")
    assert "... 2000 more characters" in inspected(ran.event)[0]
    assert read(text_log(ran).encode()[-4096:], ran.event) == Logged("x\n")


@given(tail=st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_anything_is_survived(tail: bytes) -> None:
    read(tail, {"cmd": "free"}, ID)


PARTS = [
    START,
    REPORT,
    JSON_START,
    JSON_REPORT,
    f"{STAMP}\t{ID}\tINFO\t",
    CALLBACK_WARNING,
    "{ cmd: 'free' }\n",
    "\r",
    "\n",
]
MORE = ['{"level":"INFO","message":', f'"requestId":"{ID}",', '"', "}", "\\", "[" * 5000, "9" * 5000, "1e999", "NaN"]


@given(parts=st.lists(st.sampled_from(PARTS + MORE)), cut=st.integers(0, 200))
def test_anything_like_a_log_is_survived(parts: list[str], cut: int) -> None:
    read("".join(parts)[cut:].encode(), {"cmd": "free"}, ID)


COMMANDS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from("'\"`$\n\\ ")).map("".join)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_an_event_is_shown_as_node_shows_it() -> None:
    """The same strings through util.inspect, in one process."""
    shown: list[str] = []

    @given(command=COMMANDS)
    def collect(command: str) -> None:
        shown.append(command)

    collect()
    events = [{"cmd": text} for text in [*shown, "a\n" * 60, "\ud83d", "é" * 10_001, "x" * 10_010, "'\n" + "y" * 99]]
    script = "for (const event of JSON.parse(process.argv[1])) console.log(JSON.stringify(util.inspect(event)))"
    command = ["node", "-e", f"const util = require('util'); {script}", json.dumps(events)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    for event, line in zip(events, ran.stdout.strip("\n").split("\n"), strict=True):
        assert json.loads(line) in inspected(event)
