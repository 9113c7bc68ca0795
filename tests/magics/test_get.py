"""%get: its words; what it does is in tests/files"""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_kernel.errors import UsageError
from tests.magics.conftest import Desk


@pytest.mark.parametrize("words", ["", "-f", "''", "a ''", "'' a"])
def test_it_needs_words(desk: Desk, words: str) -> None:
    with pytest.raises(UsageError, match="usage: %get"):
        desk.run(f"%get {words}")
    assert desk.sent == []


def test_it_starts_a_session_and_a_cell_goes_on_in_it(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    ran = desk.run(f"%get {tmp_path}/f {tmp_path}/g\ncat {tmp_path}/g; echo $?")
    assert ran.out.endswith("text0\n")
    assert desk.sent[0] == "hello"
    assert desk.sent.count("hello") == 1
    assert ran.tally.invocations == len(desk.sent)
