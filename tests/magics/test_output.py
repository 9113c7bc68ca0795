"""%%output"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.kernel.run_cell import Execution
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import fresh


def test_stdout_goes_whole_into_the_file(runner: CellRunner, tmp_path: Path) -> None:
    ran = runner.run(f"%%output {tmp_path}/f\nseq 20000; printf '\\377'; echo seen >&2")
    data = "".join(f"{n}\n" for n in range(1, 20_001)).encode() + b"\xff"
    assert (tmp_path / "f").read_bytes() == data
    assert (ran.out, ran.err, ran.gaps) == ("", "seen\n", [])
    assert f"{len(data):,} bytes were written" in ran.notices[-1]


def test_what_was_written_stays_when_the_command_fails(runner: CellRunner, tmp_path: Path) -> None:
    ran = runner.run(f"%%output {tmp_path}/f\necho kept; exit 3")
    assert (ran.exit_code, (tmp_path / "f").read_text()) == (3, "kept\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "usage"),
        ("a b", "usage"),
        ("/nowhere/f", "cannot write"),
        ("x" * 300, "too long"),
        ("~no.such.user/f", "cannot write"),
    ],
)
def test_files_that_cannot_be(runner: CellRunner, words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        runner.run(f"%%output {words}\necho no")
    assert runner.sent == []


def test_a_file_that_is_there_and_cannot_be_written(runner: CellRunner, tmp_path: Path) -> None:
    """Nothing is said to have been written to it."""
    program = tmp_path / "busy"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as running:  # open(2), ETXTBSY: not even root may write to it
        ran = fresh()
        cell = f"%%output {program}\necho x"
        with pytest.raises(UsageError, match=r"cannot write .*busy on this machine: Text file busy"):
            Execution(cell, 1, runner.workspace, ran.cell_events.append, ran.control, ran.usage).run()
        running.kill()
    assert (runner.sent, ran.notices) == ([], [])


def test_a_named_pipe_is_refused(runner: CellRunner, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe on this machine: it is a named pipe"):
        runner.run(f"%%output {tmp_path}/pipe\necho no")
    assert runner.sent == []


def test_a_full_disk_ends_the_command(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="cannot write /dev/full on this machine: No space left"):
        runner.run("%%output /dev/full\nseq 20000; sleep 50; echo on")
    assert runner.run("echo next").out == "next\n"


def test_paths_are_told_shortly(runner: CellRunner) -> None:
    home = Path.home() / "kept.txt"
    ran = runner.run("%%output ~/kept.txt\necho x")
    home.unlink()
    assert ran.notices[-1] == "2 bytes were written to ~/kept.txt"
