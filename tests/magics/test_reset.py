"""%reset"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


def test_a_clean_shell(desk: Desk) -> None:
    desk.run("x=1; sleep 50 &")
    assert "new shell" in desk.run("%reset").out
    ran = desk.run("echo ${x-gone}; jobs")
    assert (ran.out, ran.notices) == ("gone\n", [])


def test_before_anything_ran(desk: Desk) -> None:
    assert "new shell" in desk.run("%reset").out


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%reset --warm")
