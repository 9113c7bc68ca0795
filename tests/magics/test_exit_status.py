"""%exit-status"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


def test_it_is_set_and_told(runner: CellRunner) -> None:
    assert "do not fail" in runner.run("%exit-status ignore").out
    assert not runner.workspace.settings.fail
    assert "fails the cell" in runner.run("%exit-status error").out
    assert runner.workspace.settings.fail


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%exit-status 1")
