"""%completion"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


def test_eager_and_lazy(runner: CellRunner) -> None:
    def chosen(text: str, word: str) -> bool | None:
        assert text in runner.run(f"%completion {word}").out
        return runner.workspace.settings.eager

    assert chosen("on the local emulator. On AWS they ask it only while", "") is None
    assert chosen("may be a cold start", "eager") is True
    assert chosen("only while", "lazy") is False
    assert chosen("on the local emulator", "auto") is None
    assert runner.remotes == {}


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%completion maybe")
