"""%get: its words; what it does is in tests/transfer"""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


@pytest.mark.parametrize("words", ["", "-f", "''", "a ''", "'' a"])
def test_it_needs_words(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError, match="usage: %get"):
        runner.run(f"%get {words}")
    assert runner.sent == []


def test_it_starts_a_session_and_a_cell_goes_on_in_it(runner: CellRunner, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    ran = runner.run(f"%get {tmp_path}/f {tmp_path}/g\ncat {tmp_path}/g; echo $?")
    assert ran.out.endswith("text0\n")
    assert runner.sent[0] == "hello"
    assert runner.sent.count("hello") == 1
    assert ran.usage.invocations == len(runner.sent)
