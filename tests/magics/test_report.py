"""%report"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


@pytest.mark.parametrize("mode", ["off", "line", "full"])
def test_it_is_set_and_told(desk: Desk, mode: str) -> None:
    assert desk.run(f"%report {mode}").out == f"Report: {mode}\n"
    assert desk.run("%report").out == f"Report: {mode}\n"
    assert desk.workspace.settings.report == mode


@pytest.mark.parametrize("words", ["on", "line full"])
def test_words_that_are_none(desk: Desk, words: str) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run(f"%report {words}")
