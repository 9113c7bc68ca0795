"""What a user must know of the local engine is said once, before whatever uses it first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.cell import Notice
from lambda_kernel.errors import KernelError
from tests.magics.conftest import Desk


class Unisolated(Desk):
    def warnings(self) -> tuple[str, ...]:
        return ("commands run unisolated as you",) if self.fars else ()


@pytest.fixture
def desk() -> Iterator[Unisolated]:
    made = Unisolated()
    yield made
    for far in made.fars.values():
        far.close()


@pytest.mark.parametrize(
    "text",
    [
        "echo a",
        "%put f",
        "%get /proc/version",
        "%%writefile g\nx",
        "%top -n 0.1",
        "%environment",
        "%reset",
        "%%watch\necho a",
    ],
)
def test_a_warning_is_shown_once_and_first(
    desk: Unisolated, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").touch()
    assert desk.run("%status").notices == []
    desk.workspace.news.append(Notice("found by a ping", "environment"))
    ran = desk.run(f"%report line\n{text.replace('%put f', f'%put f {tmp_path}/g')}")
    assert ran.happenings[1:3] == [
        Notice("commands run unisolated as you", "isolation"),
        Notice("found by a ping", "environment"),
    ]
    assert ran.notices[2:] == []
    assert desk.run("echo b").notices == []


def test_also_before_what_fails(desk: Unisolated) -> None:
    with pytest.raises(KernelError, match="no such file"):
        desk.run("%put /nowhere/f")
    assert desk.workspace.new_warnings() == []
