"""%exit-status"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


def test_it_is_set_and_told(desk: Desk) -> None:
    assert "do not fail" in desk.run("%exit-status ignore").out
    assert not desk.workspace.settings.fail
    assert "fails the cell" in desk.run("%exit-status error").out
    assert desk.workspace.settings.fail


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%exit-status 1")
