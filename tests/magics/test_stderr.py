"""%stderr"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner

BOTH = "for i in 1 2 3; do echo out $i; echo err $i >&2; done; ls /nowhere; nosuchcommand"


def test_merged_streams_keep_their_order(runner: CellRunner) -> None:
    assert "in the order" in runner.run("%stderr merge").out
    ran = runner.run(BOTH)
    lines = ran.out.splitlines()
    assert lines[:6] == ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3"]
    assert "/nowhere" in lines[6]
    assert lines[7:] == ["bash: line 1: nosuchcommand: command not found"]
    assert ran.err == ""


def test_separate_again(runner: CellRunner) -> None:
    runner.run("%stderr merge")
    assert "of its own" in runner.run("%stderr separate").out
    ran = runner.run("echo out; echo err >&2")
    assert (ran.out, ran.err) == ("out\n", "err\n")
    assert "of its own" in runner.run("%stderr").out


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%stderr both")


@pytest.mark.parametrize("code", ["exit 3", "kill -9 $$", "echo $(sleep 0.01; echo x)"])
def test_a_merged_cell_ends_as_any_other(runner: CellRunner, code: str) -> None:
    runner.run("%stderr merge")
    assert runner.run(code).exit_code in (3, 137, 0)
    assert runner.run("echo next").out == "next\n"
