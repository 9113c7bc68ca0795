"""%reset"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


def test_a_clean_shell(runner: CellRunner) -> None:
    runner.run("x=1; sleep 50 &")
    assert "new shell" in runner.run("%reset").out
    ran = runner.run("echo ${x-gone}; jobs")
    assert (ran.out, ran.notices) == ("gone\n", [])


def test_before_anything_ran(runner: CellRunner) -> None:
    assert "new shell" in runner.run("%reset").out


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%reset --warm")
