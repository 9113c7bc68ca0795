"""%%writefile"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lambda_kernel.aws.error_text import REQUEST_BYTES
from lambda_kernel.errors import TransferFailed, UsageError
from lambda_kernel.function.sent import files as far_files
from tests.magics.conftest import CellRunner


def test_the_rest_of_the_cell_is_the_file(runner: CellRunner, tmp_path: Path) -> None:
    runner.run(f"umask 027; cd {tmp_path}")
    text = "#!/bin/sh\n\n%status\necho 'ünï' \"$x\" `id` \\\n  tail"
    ran = runner.run(f"%%writefile 'a file'\n{text}")
    assert (tmp_path / "a file").read_text() == f"{text}\n"
    assert ran.out == f"{len(text.encode()) + 1} bytes written to {tmp_path}/a file in the environment\n"
    assert stat.S_IMODE((tmp_path / "a file").stat().st_mode) == 0o640
    assert runner.run("echo $?").out == "0\n"


@pytest.mark.parametrize("body", ["", "\n", "x", "x\n", "\n\nx\n\n"])
def test_every_byte_of_it_and_a_newline_at_its_end(runner: CellRunner, tmp_path: Path, body: str) -> None:
    runner.run(f"%%writefile {tmp_path}/f\n{body}")
    assert (tmp_path / "f").read_text() == (body if body in ("", "\n") or body.endswith("\n") else f"{body}\n")


def test_an_existing_file_keeps_its_mode_and_may_be_a_link(runner: CellRunner, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("longer than before")
    (tmp_path / "f").chmod(0o755)
    (tmp_path / "link").symlink_to("f")
    runner.run(f"%%writefile {tmp_path}/link\nnew")
    assert ((tmp_path / "f").read_text(), (tmp_path / "link").is_symlink()) == ("new\n", True)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o755


def test_appending(runner: CellRunner, tmp_path: Path) -> None:
    assert "2 bytes written" in runner.run(f"%%writefile -a {tmp_path}/f\n1").out
    inode = (tmp_path / "f").stat().st_ino
    assert "2 bytes appended" in runner.run(f"%%writefile -a {tmp_path}/f\n2").out
    assert ((tmp_path / "f").read_text(), (tmp_path / "f").stat().st_ino) == ("1\n2\n", inode)


def test_home_is_the_shells(runner: CellRunner, tmp_path: Path) -> None:
    runner.run("true")
    [remote] = runner.remotes.values()
    remote.environ["HOME"] = str(tmp_path)
    runner.run("%%writefile ~/f\nx")
    assert (tmp_path / "f").read_text() == "x\n"


@pytest.mark.parametrize("option", ["", "-a "])
@pytest.mark.parametrize("size", [far_files.PIECES_BYTES - 1, 7_000_000])
def test_a_large_cell(runner: CellRunner, tmp_path: Path, option: str, size: int) -> None:
    (tmp_path / "f").write_text("" if option == "" else "before")
    runner.run(f"%%writefile {option}{tmp_path}/f\n{'x' * size}")
    assert (tmp_path / "f").read_text() == ("" if option == "" else "before") + "x" * size + "\n"
    [remote] = runner.remotes.values()
    assert max(len(str(event)) for event in remote.transport.events) < REQUEST_BYTES
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("words", ["", "a b", "-a", "-a a b", "''", "-a ''"])
def test_words_that_cannot_be(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError, match="usage: %%writefile"):
        runner.run(f"%%writefile {words}\nx")
    assert runner.sent == []


def test_files_that_cannot_be(runner: CellRunner, tmp_path: Path) -> None:
    for name in (str(tmp_path), f"{tmp_path}/new/"):
        with pytest.raises(TransferFailed, match="it is a directory"):
            runner.run(f"%%writefile {name}\nx")
    with pytest.raises(TransferFailed, match="cannot write /nowhere/f in the environment: No such file or directory"):
        runner.run("%%writefile /nowhere/f\nx")
    with pytest.raises(TransferFailed, match="cannot write /dev/null in the environment: it is not a regular file"):
        runner.run("%%writefile /dev/null\nx")
    assert list(tmp_path.iterdir()) == []


def test_lone_surrogates_are_bytes_again(runner: CellRunner, tmp_path: Path) -> None:
    """As Python reads bytes that are no UTF-8 (PEP 383)."""
    runner.run(f"%%writefile {tmp_path}/f\n\udcff")
    assert (tmp_path / "f").read_bytes() == b"\xff\n"
    with pytest.raises(UsageError, match="half a character"):
        runner.run(f"%%writefile {tmp_path}/f\n\ud800")
    assert (tmp_path / "f").read_bytes() == b"\xff\n"
