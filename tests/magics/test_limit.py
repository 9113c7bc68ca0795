"""%limit"""

from __future__ import annotations

import pytest

from lambda_kernel.cell import Bound
from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("500", Bound(500, 10_000)),
        ("2k 50", Bound(2000, 50)),
        ("5MB", Bound(5_000_000, 10_000)),
        ("none", None),
    ],
)
def test_it_is_set(desk: Desk, words: str, bound: Bound | None) -> None:
    desk.run(f"%limit {words}")
    assert desk.workspace.settings.bound == bound


def test_it_holds(desk: Desk) -> None:
    [gap] = desk.run("%limit 1k 80\nseq 100").gaps
    assert gap.lines == 20


@pytest.mark.parametrize("words", ["7", "much", "1k 7", "1k 2 3", "60M", "1.5M", "-1"])
def test_words_that_are_none(desk: Desk, words: str) -> None:
    with pytest.raises(UsageError, match=r"usage|a cell can show"):
        desk.run(f"%limit {words}")
