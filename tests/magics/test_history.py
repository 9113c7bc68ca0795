"""%history"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.workspace.history import History
from tests.magics.conftest import CellRunner

NOW = 1_795_000_000.0  # 2026-11-18 11:06:40 UTC


@pytest.fixture
def history(runner: CellRunner, tmp_path: Path) -> Iterator[History]:
    runner.workspace.history = made = History(tmp_path / "lambda-kernel" / "history.sqlite", lambda: NOW)
    yield made
    made.close()


def fill(history: History, *lines: str) -> None:
    for number, line in enumerate(lines, 1):
        history.add(number, line)


def test_the_newest_are_listed_with_their_time(runner: CellRunner, history: History) -> None:
    fill(history, *(f"echo {number}" for number in range(30)))
    lines = runner.run("%history").out.splitlines()
    assert lines[0] == "2026-11-18 11:06  echo 10"
    assert len(lines) == 20
    assert runner.run("%history 2").out.splitlines() == lines[-2:]
    assert runner.run("%history 0").out == "Nothing found.\n"
    assert runner.sent == []


def test_the_lines_of_a_cell_stand_below_each_other(runner: CellRunner, history: History) -> None:
    fill(history, "for i in 1 2\ndo echo $i\ndone\n")
    indent = " " * len("2026-11-18 11:06  ")
    assert runner.run("%history").out == f"2026-11-18 11:06  for i in 1 2\n{indent}do echo $i\n{indent}done\n"


def test_a_pattern(runner: CellRunner, history: History) -> None:
    fill(history, "cd /tmp", "ls -l", "ls", "echo ls", "7")
    found = {
        "%history ls": ["ls -l", "ls", "echo ls"],
        "%history 1 ls": ["echo ls"],
        "%history 'ls*'": ["ls -l", "ls"],
        "%history 9 7": ["7"],
        "%history 'ls -l'": ["ls -l"],
    }
    shown = {code: [line[18:] for line in runner.run(code).out.splitlines()] for code in found}
    assert shown == found
    assert runner.run("%history nothing").out == "Nothing found.\n"


@pytest.mark.parametrize("words", ["ls -l", "1 2 3", "--clean", "''", "--clear now"])
def test_other_words_are_refused(runner: CellRunner, history: History, words: str) -> None:
    fill(history, "free")
    with pytest.raises(UsageError, match="usage: %history"):
        runner.run(f"%history {words}")
    assert len(history.tail()) == 1


def test_clear(runner: CellRunner, history: History) -> None:
    fill(history, "free")
    assert runner.run("%history --clear").out == "The history is now empty.\n"
    assert history.tail() == []


@pytest.mark.parametrize("words", ["", "free", "--clear"])
def test_why_it_is_off(runner: CellRunner, history: History, words: str) -> None:
    history.path.parent.mkdir()
    history.path.write_text("no database " * 100)
    told = runner.run(f"%history {words}").out
    assert told.startswith(f"The history is off: {history.path}: file is not a database.")
    assert "restart the kernel" in told


def test_a_kernel_without_one(runner: CellRunner) -> None:
    assert runner.run("%history").out == "This kernel keeps no history.\n"
