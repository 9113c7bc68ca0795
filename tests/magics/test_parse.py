"""How a cell's head is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import KNOWN, parse
from tests.magics.conftest import Desk


def test_line_magics_then_shell_text(desk: Desk) -> None:
    assert desk.run("%report off\n  %redact on\r\n\necho body").out.endswith("body\n")
    assert desk.workspace.settings.report == "off"
    assert desk.run("\n# why\n\n%report full\n# a comment\n").out == "Report: full\n"


@pytest.mark.parametrize("text", ["%1", "%%", "%?sleep", "%+", "%-", "echo %help", " # %help", "%"])
def test_what_is_bashs(text: str) -> None:
    assert parse(text, KNOWN).body == text


def test_only_the_head_is_ours() -> None:
    assert parse("echo a\n%help", KNOWN).lines == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%rest", "did you mean %reset"),
        ("%xyzzy", "%help lists them"),
        ("%output f", "used as %%output FILE"),
        ("%%reset", "used as %reset"),
        ("%timeout 'x", "quotation"),
        ("%help\n%nope\ntrue", "no magic %nope"),
    ],
)
def test_an_error_in_the_head_comes_before_anything_runs(desk: Desk, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        desk.run(text + "\necho no")
    assert desk.sent == []


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    try:
        head = parse(text, KNOWN)
    except UsageError:
        return
    assert text.endswith(head.body)
