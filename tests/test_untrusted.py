"""The border: at each limit, from both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.session.cell import Bound
from lambda_kernel.session.replies import FAR_BEYOND, ROOM_BYTES, UNSEEN_ANSWERS, AnswerHistory, read
from lambda_kernel.untrusted import DEEPEST, VALUES, WHOLE, Unfit, coloured, load, packed, shown, text, visible, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(1 - WHOLE, WHOLE - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)  # fmt: skip


@given(JSON, st.booleans())
def test_json_is_what_it_was(value: Any, ascii_only: bool) -> None:
    assert load(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary())
def test_whatever_else_is_refused(data: bytes) -> None:
    try:
        value = load(data)
    except Unfit:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("least", "beyond"),
    [
        (nested(DEEPEST), nested(DEEPEST + 1)),
        (nested(DEEPEST), nested(1_000_000)),
        (b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1), b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST),
        (json.dumps([0] * (VALUES - 1)).encode(), json.dumps([0] * VALUES).encode()),
        (str(WHOLE - 1).encode(), str(WHOLE).encode()),
        (str(1 - WHOLE).encode(), str(-WHOLE).encode()),
        (b"1", b"1" * 5_000_000),
        (b"1e308", b"1e309"),
        (b"null", b"NaN"),
        (b"null", b"-Infinity"),
        (b'"\xc3\xa9"', b'"\xe9"'),
        (b"{}", b"\xef\xbb\xbf{}"),
    ],
)
def test_limits_of_json(least: bytes, beyond: bytes) -> None:
    load(least)
    with pytest.raises(Unfit):
        load(beyond)


def test_half_a_character_is_a_question_mark() -> None:
    assert load(rb'{"\ud800a": ["\udc00", "\ud83d\ude00", "\\ud800"]}') == {"?a": ["?", "\U0001f600", "\\ud800"]}


def test_of_a_name_that_stands_twice_the_last_counts() -> None:
    assert load(b'{"a": 1, "a": 2}') == {"a": 2}


@given(st.text(), st.integers(1, 20))
def test_what_is_shown_stays_where_it_is(value: str, most: int) -> None:
    assert visible(value, most).isprintable()
    assert len(visible(value, most)) <= 10 * most + 1
    assert visible(value, 1_000_000, "\n").replace("\n", "").isprintable()


def test_a_prompt_keeps_its_lines_and_colours_and_nothing_else() -> None:
    assert coloured("a\n\x1b[1;31mb\x1b[0m\t\x1b[2Jc\x1b]0;d\x07", 100) == (
        "a\n\x1b[1;31mb\x1b[0m\t\\x1b[2Jc\\x1b]0;d\\x07"
    )
    assert len(coloured("\x1b[0m" * 1_000, 100)) == 100


@pytest.mark.parametrize(
    ("reader", "good", "bad"),
    [
        (whole(0, 5), [0, 5], [-1, 6, True, 1.0, "1", None]),
        (text(3, "[a-z]*"), ["", "abc"], ["abcd", "A", "a\n", 1, None, ["a"]]),
        (packed(3), ["", "YWJj"], ["YWJjYWJjYWJj", "YWJ", "Y*Jj", "é", 1]),
        (shown(3), ["abc", "abcdef"], [1, None, []]),
    ],
)
def test_readers(reader: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        reader(value)
    for value in bad:
        with pytest.raises(Unfit):
            reader(value)


HERE = {"environment": "e", "shell": "s"}


@pytest.mark.parametrize(
    ("op", "state", "fits"),
    [
        ("run", "gone", True),
        ("run", "unseen", False),
        ("attach", "unseen", True),
        ("attach", "idle", False),
        ("hello", "elsewhere", False),
        ("call", "elsewhere", True),
        ("call", "gone", False),
    ],
)
def test_an_answer_is_one_to_its_request(op: str, state: str, fits: bool) -> None:
    event = {"op": op, "seq": 1, **HERE}
    answer = {"state": state, "seq": 1, **HERE}
    if fits:
        assert read(answer, event)["state"] == state
    else:
        with pytest.raises(Unfit):
            read(answer, event)


def test_output_beyond_the_bound() -> None:
    answer: Any = {"state": "running", "chunks": []}
    most = FAR_BEYOND * 1_000 + ROOM_BYTES
    assert AnswerHistory(Bound(1_000)).contradiction(answer, most, killed=False) == ""
    assert "more output" in AnswerHistory(Bound(1_000)).contradiction(answer, most + 1, killed=False)
    assert AnswerHistory(None).contradiction(answer, most + 1, killed=False) == ""


def test_nothing_runs_on_after_it_was_killed() -> None:
    answer: Any = {"state": "running", "chunks": []}
    course = AnswerHistory(None)
    assert [course.contradiction(answer, 0, killed=True) != "" for _ in range(3)] == [False, False, True]


def test_what_has_begun_was_seen_and_what_is_never_seen_is_not_sent_for_ever() -> None:
    course = AnswerHistory(None)
    assert [course.may_begin() for _ in range(UNSEEN_ANSWERS + 1)] == [True] * UNSEEN_ANSWERS + [False]
    begun, answer = AnswerHistory(None), {"state": "running", "chunks": []}
    assert begun.contradiction(answer, 0, killed=False) == ""  # type: ignore[arg-type]
    assert not begun.may_begin()
