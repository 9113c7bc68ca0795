"""What a user must know of the local emulator is said once, before whatever uses it first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.errors import KernelError
from lambda_kernel.session.cell import Notice
from tests.magics.conftest import CellRunner


class Unisolated(CellRunner):
    def warnings(self, target: Target) -> tuple[str, ...]:
        return ("commands run without isolation as you",) if target in self.remotes and target.local else ()


@pytest.fixture
def runner() -> Iterator[Unisolated]:
    made = Unisolated()
    yield made
    made.close()


@pytest.mark.parametrize(
    "text",
    [
        "echo a",
        "%put f",
        "%get /proc/version",
        "%%writefile g\nx",
        "%top -d 0.1",
        "%environment",
        "%reset",
        "%%watch\necho a",
    ],
)
def test_a_warning_is_shown_once_and_first(
    runner: Unisolated, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").touch()
    assert runner.run("%status").notices == []
    runner.workspace.news.append(Notice("found by a ping", "environment"))
    ran = runner.run(f"%report line\n{text.replace('%put f', f'%put f {tmp_path}/g')}")
    assert ran.cell_events[1:3] == [
        Notice("commands run without isolation as you", "isolation"),
        Notice("found by a ping", "environment"),
    ]
    assert ran.notices[2:] == []
    assert runner.run("echo b").notices == []


def test_also_before_what_fails(runner: Unisolated) -> None:
    with pytest.raises(KernelError, match="no such file"):
        runner.run("%put /nowhere/f")
    assert runner.workspace.new_warnings(LOCAL) == []


def test_of_the_emulator_nothing_is_said_where_cells_run_elsewhere(runner: Unisolated) -> None:
    runner.run("%use shell --region eu-west-1")
    assert runner.run("echo a").notices == []
    runner.run("%use local")
    assert runner.run("echo b").notices == ["commands run without isolation as you"]
