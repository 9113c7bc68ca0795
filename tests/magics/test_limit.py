"""%limit"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.session.cell import Bound
from tests.magics.conftest import CellRunner


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("500", Bound(500, 10_000)),
        ("2k 50", Bound(2000, 50)),
        ("5MB", Bound(5_000_000, 10_000)),
        ("none", None),
    ],
)
def test_it_is_set(runner: CellRunner, words: str, bound: Bound | None) -> None:
    runner.run(f"%limit {words}")
    assert runner.workspace.settings.bound == bound


def test_it_holds(runner: CellRunner) -> None:
    [gap] = runner.run("%limit 1k 80\nseq 100").gaps
    assert gap.lines == 20


@pytest.mark.parametrize("words", ["7", "much", "1k 7", "1k 2 3", "60M", "1.5M", "-1"])
def test_words_that_are_none(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError, match=r"usage|%limit takes"):
        runner.run(f"%limit {words}")
