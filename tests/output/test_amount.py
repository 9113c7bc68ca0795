"""How much of the output is shown."""

from __future__ import annotations

import pytest

from lambda_kernel.output.amount import Amount, RunTruncated, left_out
from lambda_kernel.session.cell import CellEvent, Output, Truncated


@pytest.mark.parametrize(
    ("shown", "gaps", "cut"),
    [
        (b"1\n2\n3\n", [], ""),
        (b"1\n2\n3\n", [Truncated(3_893, 997)], "3 of 1,000 lines shown"),
        (b"1\n2\n3\n", [Truncated(3_800, 990), Truncated(93, 7, jobs=True)], "3 of 1,000 lines shown"),
        (b"x" * 1_000, [Truncated(98_999, 0)], "1,000 bytes of 99,999 bytes shown"),
        (b"x" * 1_000, [Truncated(99_000, 0)], "1,000 bytes of 0.1 MB shown"),
    ],
)
def test_what_is_shown_of_how_much(shown: bytes, gaps: list[Truncated], cut: str) -> None:
    amount = Amount()
    seen: list[CellEvent] = []
    emit = amount.reading(seen.append)
    events: list[CellEvent] = [Output("stdout", shown), *gaps]
    for cell_event in events:
        emit(cell_event)
    assert seen == events
    assert amount.cut == (f"{cut} (all: %limit none, %%output)" if cut else "")


def test_the_gap_is_told_where_it_is_with_the_way_to_all() -> None:
    notice = left_out(Truncated(7_262_688, 3_631_344))
    assert notice.text == ("3,631,344 lines, 7.3 MB left out: show more with %limit, or keep all with %%output FILE")
    assert "`%limit none`" in notice.more
    assert "`%%output FILE`" in notice.more
    assert left_out(Truncated(2_000_000, 0)).text.startswith("2.0 MB left out: ")
    assert " of background jobs left out" in left_out(Truncated(9, 2, jobs=True)).text


def test_the_gap_of_a_run_names_no_magic_that_its_cell_cannot_have() -> None:
    notice = left_out(RunTruncated(7_262_688, 3_631_344))
    assert notice.text == "3,631,344 lines, 7.3 MB left out: show more with %limit above the magic"
    assert "%%output" not in notice.more
    assert "without tenant isolation" in notice.more.lower()
