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


def test_its_parts_are_set(runner: CellRunner) -> None:
    assert runner.run("%report +cost -billed").out == "Report: line with cost, without billed\n"
    assert runner.run("%report -cost").out == "Report: line, without billed, cost\n"
    assert runner.run("%report full -request").out == "Report: full, without request\n"
    assert "report          full, without request\n" in runner.run("%status").out
    assert runner.run("%report line").out == "Report: line\n"
