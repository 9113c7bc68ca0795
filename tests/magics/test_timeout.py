"""%timeout"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


def test_it_is_set_and_told(runner: CellRunner) -> None:
    assert runner.run("%timeout").out == "No time limit.\n"
    assert "2.5 s" in runner.run("%timeout 2.5").out
    assert runner.workspace.settings.seconds == 2.5
    assert runner.run("%timeout none").out == "No time limit.\n"


def test_it_interrupts(runner: CellRunner) -> None:
    assert runner.run("%timeout 0.2\nsleep 50").result.timed_out


@pytest.mark.parametrize("word", ["0", "-1", "soon", "nan", "inf", "1 2"])
def test_words_that_are_none(runner: CellRunner, word: str) -> None:
    with pytest.raises(UsageError):
        runner.run(f"%timeout {word}")
    assert runner.workspace.settings.seconds is None
