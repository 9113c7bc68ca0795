"""%completion"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


def test_eager_and_lazy(desk: Desk) -> None:
    assert "only while" in desk.run("%completion").out
    assert "may be a cold start" in desk.run("%completion eager").out
    assert desk.workspace.settings.eager is True
    assert "only while" in desk.run("%completion lazy").out
    assert desk.fars == {}


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%completion maybe")
