"""%timeout"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


def test_it_is_set_and_told(desk: Desk) -> None:
    assert desk.run("%timeout").out == "No time limit.\n"
    assert "2.5 s" in desk.run("%timeout 2.5").out
    assert desk.workspace.settings.seconds == 2.5
    assert desk.run("%timeout none").out == "No time limit.\n"


def test_it_interrupts(desk: Desk) -> None:
    assert desk.run("%timeout 0.2\nsleep 50").result.timed_out


@pytest.mark.parametrize("word", ["0", "-1", "soon", "nan", "inf", "1 2"])
def test_words_that_are_none(desk: Desk, word: str) -> None:
    with pytest.raises(UsageError):
        desk.run(f"%timeout {word}")
    assert desk.workspace.settings.seconds is None
