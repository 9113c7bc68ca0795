"""Text on a console's terminal: no word is broken, and what is cut says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.output.terminal import NARROWEST, cut, parts_whole, wrapped

ROW = "  share      " + "a word " * 6


def test_a_value_goes_on_below_its_beginning() -> None:
    assert wrapped(f"above\n{ROW}end", 40) == (
        "above\n"
        "  share      a word a word a word a word\n"
        "             a word a word end"
    )  # fmt: skip


def test_a_line_without_columns_goes_on_below_its_beginning() -> None:
    assert wrapped("    one two three four five six", 22) == "    one two three four\n    five six"


def test_a_name_that_takes_more_than_half_is_no_column() -> None:
    assert wrapped("a-long-name-here  one two", 22) == "a-long-name-here  one\ntwo"


@pytest.mark.parametrize("columns", [None, NARROWEST - 1])
def test_nothing_is_changed_where_that_does_not_help(columns: int | None) -> None:
    assert wrapped("one two three four five", columns) == "one two three four five"


@given(st.text("ab ", max_size=200), st.integers(NARROWEST, 80))
def test_no_word_is_lost(text: str, columns: int) -> None:
    found = wrapped(text, columns)
    assert "".join(found.split()) == "".join(text.split())
    assert all(len(line) <= columns for line in found.split("\n"))
    longest = max(map(len, text.split()), default=0)
    assert longest > columns // 2 or found.split() == text.split()


def test_a_long_word_is_broken() -> None:
    assert wrapped("x" * 30, 20) == f"{'x' * 20}\n{'x' * 10}"


def test_a_report_is_broken_between_its_parts() -> None:
    line = "124.82 ms · billed 291 ms · 30 of 128 MB · local"
    assert parts_whole(line, 26) == "124.82 ms ·\nbilled 291 ms ·\n30 of 128 MB · local"
    for columns in range(NARROWEST, 60):
        for row in parts_whole(line, columns).split("\n"):
            assert len(row) <= columns
            assert all(part in line for part in row.removesuffix(" ·").split(" · "))
    assert " ".join(parts_whole(line, 26).split()) == line


def test_a_list_of_a_report_is_broken_after_its_commas() -> None:
    assert parts_whole("5.93 s · 6 cold starts: 152, 161, … ms, 7.1 s in all · local", 24) == (
        "5.93 s ·\n6 cold starts: 152, 161,\n… ms, 7.1 s in all ·\nlocal"
    )


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("12345", "12345"),
        ("123456", "1234…"),
        ("\x1b[1m12345\x1b[0m", "\x1b[1m12345\x1b[0m"),
        ("\x1b[1m123456\x1b[0m", "\x1b[1m1234…\x1b[0m"),
        ("\x1b[1m1234\x1b[0m56", "\x1b[1m1234\x1b[0m…"),
        ("12\x1b[1m34\x1b[0m\x1b[2m56\x1b[0m", "12\x1b[1m34\x1b[0m\x1b[2m…\x1b[0m"),
    ],
)
def test_a_line_is_cut_at_the_edge_and_its_colours_end(line: str, shown: str) -> None:
    assert cut(f"a\n{line}", 5) == f"a\n{shown}"
    assert cut(line, None) == line
