"""%report"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


@pytest.mark.parametrize("mode", ["off", "line", "full"])
def test_it_is_set_and_told(runner: CellRunner, mode: str) -> None:
    assert runner.run(f"%report {mode}").out == f"Report: {mode}\n"
    assert runner.run("%report").out == f"Report: {mode}\n"
    assert runner.workspace.settings.report == mode


@pytest.mark.parametrize("words", ["on", "line full"])
def test_words_that_are_none(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run(f"%report {words}")
