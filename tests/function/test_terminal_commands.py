"""`clear`, `reset` and `tput`: what a notebook can show of a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel import function
from lambda_kernel.function import index
from lambda_kernel.function.sent import shell_setup
from lambda_kernel.output.rich_display import DisplayParser
from tests.support.in_process_session import InProcess
from tests.support.kernel_client import Notebook, notebook

PROGRAM = Path(function.__path__[0], "sent", "terminal.sh")
SHOWN = {
    "setaf 1": "\x1b[31m",
    "setab 2": "\x1b[42m",
    "setaf 9": "\x1b[91m",
    "setab 15": "\x1b[107m",
    "setaf 200": "\x1b[38;5;200m",
    "setf 1": "\x1b[34m",
    "bold": "\x1b[1m",
    "smul": "\x1b[4m",
    "rmul": "\x1b[24m",
    "sgr0": "\x1b[0m",
    "sgr 0 1 0 0 0 1": "\x1b[0;4;1m",
    "cols": "80\n",
    "lines": "24\n",
    "colors": "256\n",
    "cup 3 4": "",
    "civis": "",
}


@pytest.fixture(scope="module")
def remote() -> Iterator[InProcess]:
    made = InProcess()
    made.environ.pop("TERM", None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    if sys.platform != "linux":
        pytest.skip("needs Linux: the local emulator does")
    with notebook() as made:
        yield made


def cleared(out: str) -> bool:
    return any(type(part).__name__ == "Cleared" for part in DisplayParser("", lambda shell: True).feed(out))


@pytest.mark.parametrize("capability", SHOWN)
def test_tput_shows_what_can_be_shown(remote: InProcess, capability: str) -> None:
    ran = remote.run(f"tput {capability}")
    assert (ran.out, ran.err, ran.exit_code) == (SHOWN[capability], "", 0)


def test_tput_in_its_other_ways(remote: InProcess) -> None:
    assert remote.run("COLUMNS=100 tput cols").out == "100\n"
    assert remote.run("tput -T xterm bold").out == "\x1b[1m"
    assert remote.run("tput -S <<<$'bold\\nsetaf 2'").out == "\x1b[1m\x1b[32m"
    assert remote.run('bold=$(tput bold) normal=$(tput sgr0); echo "${bold}x$normal"').out == "\x1b[1mx\x1b[0m\n"
    nonsense = remote.run("tput nonsense")
    assert (nonsense.err, nonsense.exit_code) == ("tput: unknown terminfo capability 'nonsense'\n", 4)
    assert remote.run("tput").exit_code == 2
    assert remote.run("tput setaf red").exit_code == 1


@pytest.mark.parametrize("command", ["clear", "reset", "tput clear", "tput reset", "bash -c clear", "{ clear; } | cat"])
def test_clear(remote: InProcess, command: str) -> None:
    ran = remote.run(command)
    if command.startswith("bash") and ran.out.startswith("\x1b["):
        pytest.skip("this machine has a clear of its own, which its programs find first")
    assert cleared(ran.out)
    assert (ran.err, ran.exit_code) == ("", 0)


def test_they_are_there_where_the_image_has_none(tmp_path: Path) -> None:
    """Lambda's has no ncurses: nothing else is on the path."""
    for name in ("bash", "env", "cat"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    remote = InProcess()
    remote.environ["PATH"] = str(tmp_path)
    try:
        assert remote.run("tput bold; bash -c 'clear'; type -P reset").out.endswith(f"{shell_setup.BIN}/reset\n")
    finally:
        remote.close()


def test_outside_of_a_cell_it_clears_a_terminal() -> None:
    environ = {name: value for name, value in os.environ.items() if name != index.SHELL_MARK}
    (made := Path("/tmp") / f"clear.{os.getpid()}").mkdir()
    try:
        shutil.copy(PROGRAM, made / "clear")
        ran = subprocess.run(["bash", made / "clear"], env=environ, capture_output=True, check=True)
    finally:
        shutil.rmtree(made)
    assert ran.stdout == b"\x1b[H\x1b[2J"


def test_the_terminal_is_one_of_colours_and_no_cursor(remote: InProcess) -> None:
    """As ipykernel has it; curses knows it, where it has a database."""
    assert remote.run("echo $TERM").out == "xterm-color\n"
    found = remote.run("python3 -c 'import curses; curses.setupterm(fd=1); print(curses.tigetnum(\"colors\"))'")
    assert found.out == "8\n" or "could not find terminal" in found.err


@pytest.mark.skipif(shutil.which("tput") is None, reason="needs ncurses' own tput")
@pytest.mark.parametrize("capability", ["setaf 1", "setab 6", "bold", "smul", "rev", "smso"])
def test_ncurses_own_says_the_same(remote: InProcess, capability: str) -> None:
    real = subprocess.run(
        [str(shutil.which("tput")), "-T", "xterm-color", *capability.split()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert remote.run(f"tput {capability}").out == real.stdout


def test_a_notebook_is_told_to_clear_the_output(book: Notebook) -> None:
    shown = book.run("echo before; clear; printf after")
    kinds = [m["msg_type"] for m in shown.messages if m["msg_type"] in ("stream", "clear_output", "display_data")]
    assert kinds == ["stream", "clear_output", "stream", "display_data"]
    assert shown.contents("clear_output") == [{"wait": False}]
    assert shown.out == "before\nafter"


def test_what_is_shown_again_after_that_is_shown(book: Notebook) -> None:
    shown = book.run("display --id a /etc/hostname; clear; display --id a /etc/hostname")
    after = [m["msg_type"] for m in shown.messages]
    assert "display_data" in after[after.index("clear_output") :]


def test_text_that_looks_like_it_clears_nothing(book: Notebook) -> None:
    shown = book.run("printf '\\e]5379;%s;01234567;0.{\"clear\": true}\\a' 0123456789ab")
    assert shown.contents("clear_output") == []
