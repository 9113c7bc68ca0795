"""%status"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


def test_before_anything_ran(desk: Desk) -> None:
    text = desk.run("%status").out
    assert "the local engine" in text
    assert "the first cell starts it" in text
    assert "! it is only a test" in text
    assert desk.sent == []


def test_what_is_known_after_a_cell(desk: Desk) -> None:
    ran = desk.run("cd /tmp")
    text = desk.run("%status").out
    assert str(ran.tally.environment_id) in text
    assert "/tmp" in text
    assert "cells so far: 1\n" in text


def test_the_original_of_the_last_error(desk: Desk) -> None:
    desk.run("true")
    desk.workspace.last_error = UsageError("ours")
    desk.workspace.last_error.__cause__ = OSError("the original")
    assert "the original" not in desk.run("%status").out
    assert "the original" in desk.run("%status --verbose").out


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%status now")
