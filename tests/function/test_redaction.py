"""Runs of credentials in a stream, however it is cut; through a real bash at the end."""

from __future__ import annotations

import functools
import os
import re
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambda_kernel.function import index
from lambda_kernel.function.index import Secret
from lambda_kernel.session.cell import Bound
from lambda_kernel.session.remote_shell import shell_code
from tests.support.in_process_session import CREDENTIALS, InProcess

Table = tuple[Secret, ...]
TABLE = index.secrets(CREDENTIALS)
KEY_ID, KEY, TOKEN = (value.encode() for value in CREDENTIALS.values())
looks = functools.cache(index.load(shell_code())["looks"])


def filtering(table: Table) -> index.Redactor:
    return index.Redactor(table + looks(table))


def redact(data: bytes, table: Table) -> bytes:
    return index.redact(data, table + looks(table))


LIMITS = {KEY_ID: 16, KEY: 12, TOKEN: 16}


# Few letters, so that values overlap each other and themselves. A text is one choice of Hypothesis's, a list is many.
values = st.one_of(*(st.text(letters, min_size=20, max_size=50) for letters in ("ab", "abc%", "abcdefgh+/%"))).map(
    str.encode
)
parts = st.binary(max_size=30).map(lambda drawn: [size % 41 for size in drawn])
ESCAPES = (b"\x1b[01;31m", b"\x1b[K", b"\x1b[m", b"\x1b(B", b"\x1b[0;1")  # the last one is none
writings = st.one_of(
    st.just(lambda letter: b"%c" % letter),
    st.sampled_from([lambda letter: b"%%%02X" % letter, lambda letter: b"%%%02x" % letter]),
    st.sampled_from(ESCAPES).map(lambda escape: lambda letter: b"%c%b" % (letter, escape)),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Table, bytes]:
    """A table, and a text that holds parts of its values among others, as they may be written."""
    table = tuple(Secret(draw(values), size, b"[%d]" % size) for size in draw(st.permutations([12, 13, 16, 16])))
    whole = draw(values)
    table += (Secret(whole, len(whole), b""),)
    text = []
    for _ in range(draw(st.integers(0, 6))):
        value = draw(st.sampled_from(table)).value
        at = draw(st.integers(0, len(value)))
        size = draw(st.integers(0, len(value)))
        part = draw(st.sampled_from([value, value[at : at + size], b"\n", b" - ", *ESCAPES]) | st.binary(max_size=9))
        write = draw(st.lists(writings, min_size=1, max_size=4))
        text += [write[number % len(write)](letter) for number, letter in enumerate(part)]
    return table, b"".join(text)


WRITTEN = re.compile(rb"\x1b\[[0-?]{0,32}[ -/]{0,2}[@-~]|\x1b[(-+][0-~]|%[0-9A-Fa-f]{2}|.", re.DOTALL)


def read(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each byte that a reader reads, and from where to where it is written."""
    row = 0
    for found in WRITTEN.finditer(data):
        token = found[0]
        escape = token[:1] == b"\x1b" and len(token) > 1
        row = row + 1 if escape else 0
        if not escape:
            yield int(token[1:], 16) if len(token) == 3 else token[0], found.start(), found.end()
        elif row > 8 and row % 8 == 1:  # too many in a row are no part of a word
            yield 0x1B, found.start(), found.end()


def plainly(data: bytes, table: Table) -> bytes:
    """What the redactor does, position by position: in the text as it is written, and as it is read."""
    places = [[(byte, at, at + 1) for at, byte in enumerate(data)], [*read(data)]]
    runs = []
    for written in places:
        plain = bytes(byte for byte, _, _ in written)
        for start in range(len(plain)):
            for size in sorted({secret.shortest for secret in table}):
                piece = plain[start : start + size]
                found = [s.replacement for s in table if s.shortest == len(piece) and piece in s.value]
                if found:
                    runs.append((written[start][1], written[start + len(piece) - 1][2], found[0]))
    shown, at, end = b"", 0, 0
    for start, stop, replacement in sorted(runs):
        shown += data[at:start] + replacement if start >= end else b""
        if stop > end:
            escapes = re.findall(rb"\x1b\[[0-?]{0,32}[ -/]{0,2}[@-~]|\x1b[(-+][0-~]", data[max(start, end) : stop])
            shown += b"".join(escapes)
            at = end = stop
    return shown + data[at:]


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


A_SIGN = (Secret(b"a" * 22 + b"%", 16, b"[16]"), Secret(b"b" * 20, 12, b"[12]"))


@given(streams(), parts)
@example((A_SIGN, b"a%61" * 11 + b"%"), [])
@example((A_SIGN, b"a%61" * 11 + b"%6"), [40])
@example((A_SIGN, b"%61" * 15 + b"%" + ESCAPES[-1]), [])
@example(((Secret(b"a" * 20, 16, b"[16]"),), b"\x1b[0;1" + b"%61" * 20), [1] * 80)
def test_it_is_the_same_however_the_stream_is_cut(made: tuple[Table, bytes], sizes: list[int]) -> None:
    table, data = made
    redactor = filtering(table)
    shown = b"".join(redactor.feed(part) for part in cut(data, sizes)) + redactor.feed(b"", last=True)
    assert shown == redact(data, table) == plainly(data, table)


@given(streams())
def test_byte_by_byte_no_run_survives_and_little_is_held_back(made: tuple[Table, bytes]) -> None:
    table, data = made[0][:-1], made[1]  # what the last leaves nothing of would join what stands around it
    redactor, shown = filtering(table), b""
    for at in range(len(data)):
        shown += redactor.feed(data[at : at + 1])
        assert len(bytes(byte for byte, _, _ in read(redactor.held))) < max(secret.shortest for secret in table) + 40
    shown += redactor.feed(b"", last=True)
    assert shown == redact(data, table)
    read_so = bytes(byte for byte, _, _ in read(shown))
    for value, size, _ in table:
        for run in (value[at : at + size] for at in range(len(value) - size + 1)):
            assert run not in shown
            assert run not in read_so


@given(st.binary(max_size=300), parts)
def test_other_bytes_stay_as_they_are(data: bytes, sizes: list[int]) -> None:
    redactor = filtering(TABLE)
    shown = b"".join(redactor.feed(part) for part in cut(data, sizes)) + redactor.feed(b"", last=True)
    assert shown == data


@pytest.mark.parametrize("value", LIMITS)
@pytest.mark.parametrize("around", [b"", b"\n", b"\x1b[01;31m", b"\xff", b'"'])
def test_both_sides_of_each_limit(value: bytes, around: bytes) -> None:
    shortest = LIMITS[value]
    for run in {value[at : at + shortest] for at in range(len(value) - shortest + 1)}:
        (replacement,) = {secret.replacement for secret in TABLE if secret.value == value}
        for offset in range(9):  # wherever it stands in what is looked at
            before = b"-" * offset + around
            assert redact(before + run + around, TABLE) == before + replacement + around
            assert redact(before + run[:-1] + around, TABLE) == before + run[:-1] + around


def test_percent_encoded_parts_are_parts() -> None:
    coded = urllib.parse.quote(KEY, safe="").encode()
    assert b"%2F" in coded[6:20]
    assert redact(coded[6:20], TABLE) == b"[AWS_SECRET_ACCESS_KEY redacted]"
    assert redact(coded[6:19], TABLE) == coded[6:19]


@given(st.data())
def test_however_each_character_is_percent_encoded(data: st.DataObject) -> None:
    value = data.draw(st.sampled_from([*LIMITS]))
    ways = [b"%c", b"%%%02x", b"%%%02X"]
    drawn = data.draw(st.binary(min_size=len(value), max_size=len(value)))
    coded = b"".join(ways[way % 3] % letter for way, letter in zip(drawn, value, strict=True))
    assert re.fullmatch(rb"\[\w+ redacted\]", redact(coded, TABLE))


@pytest.mark.parametrize("value", LIMITS)
@pytest.mark.parametrize(
    "write", ["%c\x1b[01;31m\x1b[K", "\x1b[m%c", "\x1b[38;2;255;100;100m%c\x1b[39m", "%c\x1b(B\x1b[m"]
)
def test_escapes_between_characters_are_not_read(value: bytes, write: str) -> None:
    shortest = LIMITS[value]
    (replacement,) = {secret.replacement for secret in TABLE if secret.value == value}
    coloured = [write.encode() % letter for letter in value]
    run = b"".join(coloured[:shortest])
    shown = redact(run, TABLE)
    assert replacement in shown
    assert not any(value[at : at + 2] in shown for at in range(shortest - 1))
    assert [*re.findall(rb"\x1b[^mKB]*[mKB]", shown)] == [
        *re.findall(rb"\x1b[^mKB]*[mKB]", run)
    ]  # colours end as they would
    less = b"".join(coloured[: shortest - 1])
    assert redact(less, TABLE) == less


def test_a_row_of_escapes_has_a_bound() -> None:
    redactor = filtering(TABLE)
    assert redactor.feed(b"before " + KEY[:8]) == b"before "
    shown = b"".join(redactor.feed(b"\x1b[m" * 10) for _ in range(1_000))
    assert shown.startswith(KEY[:8])
    assert len(redactor.held) + len(redactor.past) < 20_000


def test_whole_values_byte_by_byte() -> None:
    redactor = filtering(TABLE)
    data = b"".join(b"<%s>" % value.encode() for value in CREDENTIALS.values())
    got = b"".join(redactor.feed(data[n : n + 1]) for n in range(len(data))) + redactor.feed(b"", last=True)
    assert got == b"".join(b"<[%s redacted]>" % name.encode() for name in CREDENTIALS)


def test_a_token_that_holds_the_id_of_the_key() -> None:
    table = index.secrets({**CREDENTIALS, "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEBYaD" + KEY_ID.decode() + "Wx82vNq0LkUj"})
    token = table[-1].value
    assert redact(token, table) == b"[AWS_SESSION_TOKEN redacted]"
    assert redact(KEY_ID, table) == b"[AWS_ACCESS_KEY_ID redacted]"
    assert redact(KEY_ID + b" " + token[5:], table) == b"[AWS_ACCESS_KEY_ID redacted] [AWS_SESSION_TOKEN redacted]"


def test_two_parts_side_by_side_are_two() -> None:
    assert redact(KEY[20:] + KEY[:20], TABLE) == b"[AWS_SECRET_ACCESS_KEY redacted]" * 2


def test_values_and_limits() -> None:
    assert index.secrets({"AWS_ACCESS_KEY_ID": "x" * 15}) == ()
    assert index.secrets({"AWS_SECRET_ACCESS_KEY": "x" * 16}) == (
        Secret(b"x" * 16, 12, b"[AWS_SECRET_ACCESS_KEY redacted]"),
    )
    assert all(secret.shortest >= index.SCAN_BYTES + index.SCAN_STEP - 1 for secret in TABLE)


def test_a_text_that_hardly_is_a_credential_does_not_wait_for_the_next() -> None:
    redactor = filtering(TABLE)
    assert redactor.feed(b"name> ") == b"name> "
    assert redactor.feed(b"AMP") + redactor.rest() == b"AMP"
    assert redactor.feed(b"LE") == b""  # AMPLE: a part of three of the values
    assert (redactor.feed(b"\n"), redactor.held) == (b"LE\n", b"")


@given(st.sampled_from([*LIMITS]), st.integers(0, 30), st.integers(0, 40))
def test_who_prints_slowly_prints_no_more_of_it(value: bytes, at: int, extra: int) -> None:
    redactor = filtering(TABLE)
    part = value[at : at + LIMITS[value] + extra]
    shown = b"".join(redactor.feed(part[n : n + 1]) + redactor.rest() for n in range(len(part)))
    shown += redactor.feed(b"", last=True)
    if len(part) < LIMITS[value]:
        assert shown == part
    else:
        assert re.fullmatch(re.escape(part[: index.HELD_BYTES]) + rb"\[\w+ redacted\]", shown)


@pytest.mark.parametrize(
    "command",
    [
        "fold -w 60", "cut -c1-100", "cut -c1-50", "fmt -w 40", "column -c 80", "grep --color=always IQo",
        "grep --color=always J3JpZ2lu", "grep --color=always -E '[A-Z]|$'",
        "sed 's/./&\\n/30'", "rev | rev", "head -c 90", "tail -c 300",
    ],
)  # fmt: skip
def test_no_tool_that_cuts_shows_a_part(remote: InProcess, command: str) -> None:
    ran = remote.run(f"export AWS_SESSION_TOKEN; env | grep SESSION_TOKEN | {command}")
    assert not shown_runs(ran.out + ran.err)


def shown_runs(text: str) -> list[bytes]:
    runs = (value[at : at + size] for value, size in LIMITS.items() for at in range(len(value) - size + 1))
    return [run for run in runs if run in text.encode()]


def test_pieces_below_the_limit_are_not_recognised(remote: InProcess) -> None:
    out = remote.run("echo $AWS_SECRET_ACCESS_KEY | fold -w 11").out
    assert out.replace("\n", "") == KEY.decode()


def test_wrapped_json_and_slices(remote: InProcess) -> None:
    text = "import json, os, textwrap; print(textwrap.fill(json.dumps(dict(os.environ)), 70))"
    ran = remote.run(f'python3 -c "{text}"; echo ${{AWS_SESSION_TOKEN:100:50}}; cut -c5-25 <<<$AWS_SECRET_ACCESS_KEY')
    assert not shown_runs(ran.out)
    assert ran.out.endswith("[AWS_SESSION_TOKEN redacted]\n[AWS_SECRET_ACCESS_KEY redacted]\n")


def test_what_is_left_of_a_long_output_is_redacted_as_well(remote: InProcess) -> None:
    """Of what lies between its head and its tail nobody sees anything."""
    for stream in ("out", "err"):
        to = ">&2" if stream == "err" else ""
        ran = remote.run(f"for i in {{1..2000}}; do echo $AWS_SESSION_TOKEN; done {to}", bound=Bound(20_000, 1_000))
        shown = ran.out + ran.err
        assert ran.gaps
        assert not shown_runs(shown)
        assert getattr(ran, stream).endswith("[AWS_SESSION_TOKEN redacted]\n" * 2)


@pytest.mark.parametrize("how", ["quote(value)", "quote(value, safe='')", "quote_plus(value)"])
def test_python_s_ways_to_quote(remote: InProcess, how: str) -> None:
    text = f"import os; from urllib.parse import *; value = os.environ['AWS_SECRET_ACCESS_KEY']; print({how})"
    out = remote.run(f'python3 -c "{text}"').out
    assert out == "[AWS_SECRET_ACCESS_KEY redacted]\n"


def test_the_token_that_snapstart_gives_in_place_of_keys() -> None:
    token = b"q83vASNFZ4mrze8BI0VniavN7w"
    table = index.secrets({"AWS_CONTAINER_AUTHORIZATION_TOKEN": token.decode()})
    assert redact(b"<%b>" % token, table) == b"<[AWS_CONTAINER_AUTHORIZATION_TOKEN redacted]>"


def test_a_line_without_an_end_is_shown_while_its_program_goes_on(remote: InProcess) -> None:
    assert b"EXA" in TOKEN
    ran = remote.run("printf %s EXA; sleep 100", cue="EXA")
    assert (ran.out, ran.exit_code) == ("EXA", 130)


def test_the_article_s_output_is_whole_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN.decode())
    pipe = index.Pipe(None)
    kept = os.dup(pipe.write)  # by a program that goes on
    os.write(kept, b"EXA")
    assert index.collect({index.OUT: pipe}, time.monotonic() + 0.2) == {index.OUT: "EXA"}
    os.close(kept)


@pytest.mark.parametrize("size", [874_999, 875_000, 875_001, 999_999, 1_000_000])
def test_nothing_is_lost_where_the_head_of_a_long_output_ends(remote: InProcess, size: int) -> None:
    out = remote.run(f"head -c {size} /dev/zero | tr '\\0' E", bound=Bound()).out
    assert (len(out), {*out}) == (size, {"E"})


def test_the_last_bytes_of_a_background_job_are_not_lost(remote: InProcess, tmp_path: Path) -> None:
    remote.run(f"cd {tmp_path}; mkfifo go; {{ read <go; printf %s EXA; }} &")
    ran = [remote.run("echo >go; wait"), remote.run(":")]
    assert "".join(one.text("stdout", job=True) for one in ran) == "EXA"
