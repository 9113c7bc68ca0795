"""Unified diffs of any two texts, of bounded size."""

from __future__ import annotations

import pytest

from lambda_kernel.commands.comparison.differences import LINE, MOST_LINES, SHOWN_LINES, lines_of, unified
from lambda_kernel.commands.comparison.outputs import LONGEST, text_of

from .made import outcome, stream

NAMES = ("a", "b")


def numbered(count: int, **changed: str) -> str:
    return "".join(f"{changed.get(f'at{number}', number)}\n" for number in range(1, count + 1))


def test_the_same_text_has_no_diff() -> None:
    assert unified("a\n", "a\n", NAMES) == ""


def test_line_numbers_count_from_the_beginning_however_far_the_difference_is() -> None:
    diff = unified(numbered(3_000), numbered(3_000, at2500="x"), NAMES)
    assert diff.splitlines() == [
        *("--- a", "+++ b", "@@ -2497,7 +2497,7 @@"),
        *(" 2497", " 2498", " 2499", "-2500", "+x", " 2501", " 2502", " 2503"),
    ]


def test_lines_that_were_inserted_move_the_others_along() -> None:
    diff = unified(numbered(3_000), f"new\n{numbered(3_000)}", NAMES)
    assert diff.splitlines()[2:] == ["@@ -1,3 +1,4 @@", "+new", " 1", " 2", " 3"]


@pytest.mark.parametrize("count", [MOST_LINES - 1, MOST_LINES, MOST_LINES + 1, 100_000])
def test_texts_that_have_nothing_in_common(count: int) -> None:
    diff = unified("a\n" * count, "b\n" * count, NAMES).splitlines()
    assert len(diff) == 2 + SHOWN_LINES + 1
    assert diff[-1] == f"… of {count:,} and {count:,} lines: the rest is in the saved notebooks"


def test_control_characters_and_long_lines() -> None:
    diff = unified("\x1b[2J\tx\n", f"{'y' * (LINE + 1)}\n", NAMES)
    assert "\x1b" not in diff
    assert "-\\x1b[2J\tx" in diff.splitlines()
    assert diff.splitlines()[-1] == f"+{'y' * (LINE - 1)}… ({LINE + 1:,} characters)"


def test_texts_that_differ_only_in_what_is_not_compared_as_text() -> None:
    same = "x" * LONGEST
    assert outcome([stream(same + "tail")], [stream(same + "tail")]) == "same"
    assert outcome([stream(same + "tail")], [stream(same + "liat")]) == "different"
    assert len(text_of([stream(same + "tail")], str)) < LONGEST + 100


def test_the_kind_of_each_line() -> None:
    diff = unified("--- x\nsame\n", "+++ y\nsame\n", NAMES)
    assert [kind for kind, _ in lines_of(diff)] == ["file", "file", "hunk", "-", "+", ""]
