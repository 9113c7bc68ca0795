"""%use"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.target import Target
from tests.magics.conftest import Desk


def test_there_and_back_finds_the_same_shells(desk: Desk) -> None:
    desk.run("where=here")
    assert "the next cell starts a session" in desk.run("%use shell --region eu-west-1 --profile dev").out
    assert desk.workspace.target == Target("shell", "eu-west-1", "dev")
    assert desk.run("echo ${where-unset}; where=there").out == "unset\n"
    assert "its session goes on" in desk.run("%use local").out
    assert desk.run("echo $where").out == "here\n"
    assert desk.run("%use shell --region eu-west-1 --profile dev\necho $where").out.endswith("there\n")


@pytest.mark.parametrize("words", ["", "a b", "--region eu-west-1", "shell --nosuch x", "shell --region"])
def test_words_that_are_none(desk: Desk, words: str) -> None:
    with pytest.raises(UsageError, match="usage: %use"):
        desk.run(f"%use {words}")
    assert desk.workspace.target.local


def test_it_mends_a_setting_that_cannot_be(desk: Desk) -> None:
    desk.workspace.problem = UsageError("no such name")
    with pytest.raises(UsageError, match="no such name"):
        desk.run("true")
    assert desk.run("%use local\necho mended").out.endswith("mended\n")
