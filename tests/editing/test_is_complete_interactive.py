"""is_complete says of each text in is_complete/ what an interactive bash shows when it is typed on a terminal.

A text is a line of a file there, in which these stand for others: ⏎ newline, ⤶ newline at which bash prompts for
nothing, ␉ tab, ␍ carriage return, ␀ null, ␛ escape, ␁ another control character, ␠ blank.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.editing.is_complete import is_complete

BASH = subprocess.run(["bash", "-c", "echo ${BASH_VERSION%.*}"], capture_output=True, text=True, check=False).stdout
pytestmark = pytest.mark.skipif(BASH != "5.2\n", reason="the differences are those of bash 5.2, which Lambda has")

FILES = sorted((Path(__file__).parent / "is_complete").glob("*.txt"))
SCRIPTS = sorted((Path(__file__).parent / "is_complete").glob("*.sh"))
STANDING_FOR = str.maketrans("⏎␉␍␀␛␁␠", "\n\t\r\0\x1b\x01 ")
UNPROMPTED = "⤶"
WHOLE, MORE = "<whole 5d1c7e>", "<more 5d1c7e>"  # no text shows them
PROMPT = re.compile(rf"{WHOLE}|{MORE}")
# What the parser of an interactive bash complains of; arithmetic has other words before its syntax errors.
COMPLAINT = re.compile(r"^bash: (?:syntax error|unexpected|expected|conditional)", re.MULTILINE)
SECONDS = 30.0

# Why is_complete says something else; each with what bash shows, and what is said.
DIFFERENCES: dict[str, dict[str, tuple[str, str]]] = {
    "Aliases are known in Lambda only, where nothing is asked.": {
        "alias b='if true; then'⏎b": ("incomplete", "complete"),
        "alias e='fi'⏎if true; then true⏎e": ("complete", "incomplete"),
        'alias q="echo \'"⏎q': ("incomplete", "complete"),
        "alias p='true |'⏎p": ("incomplete", "complete"),
    },
    "Nothing is run that would change how the next line is read.": {
        "shopt -u interactive_comments⏎echo # '": ("incomplete", "complete"),
        "shopt -s extglob; echo !(a)": ("invalid", "complete"),
    },
    "Line ends of Windows are line ends in a cell, as it runs.": {
        "cat <<X␍⏎a␍⏎X": ("incomplete", "complete"),
        "cat <<X␍⏎a␍⏎X␍": ("complete", "incomplete"),
        "for i in 1; do␍⏎true␍⏎done␍": ("invalid", "incomplete"),
        "if true; then␍⏎true␍⏎fi": ("invalid", "complete"),
    },
    "What eval gets is found out when it runs.": {
        "eval 'if'": ("invalid", "complete"),
        'eval "if true; then"': ("invalid", "complete"),
        "eval 'echo \"'": ("invalid", "complete"),
    },
    "bash reads a here-document, and after a backslash, before it says that the line is wrong; nothing can mend it.": {
        "cat <<X; fi": ("incomplete", "invalid"),
        "cat <<X )": ("incomplete", "invalid"),
        ";\\": ("incomplete", "invalid"),
        "true )\\": ("incomplete", "invalid"),
    },
}
LONG = (
    "echo " + "a" * 100_000,
    "echo " + "a" * 100_000 + " '",
    "'" + "a\n" * 1_000,
    "if true; then\n" * 200,
    "if true; then\n" * 200 + "true\n" + "fi\n" * 199,
    "if true; then\n" * 200 + "true\n" + "fi\n" * 200,
    "if true; then\n" * 200 + "true\n" + "fi\n" * 201,
    "( " * 200,
    "( " * 200 + "true" + " )" * 200,
    "echo " + "$(echo " * 50,
    "echo " + "${a:-" * 200 + "}" * 199,
    "true |\n" * 300,
    "true \\\n" * 300 + "\\",
)


def texts(file: Path) -> list[str]:
    return file.read_text("utf-8").split("\n")[:-1]


class Terminal:
    """An interactive bash of its own for a text, which is typed line by line."""

    def __init__(self, directory: Path) -> None:
        self._keys, screen = pty.openpty()
        tty.setraw(screen)  # no echo, and no key that does anything
        environ = {"PS1": WHOLE, "PS2": MORE, "HOME": str(directory), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        bash = ["bash", "--norc", "--noprofile", "--noediting", "-i", "+H"]
        ways = {"stdin": screen, "stdout": screen, "stderr": screen}
        self._bash = subprocess.Popen(bash, env=environ, cwd=directory, start_new_session=True, **ways)  # type: ignore[call-overload]
        os.close(screen)
        self._shown()

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        os.close(self._keys)

    def _shown(self) -> str:
        """All that it shows up to the next prompt."""
        shown = b""
        while not PROMPT.search(shown.decode("utf-8", "replace")):
            assert select.select([self._keys], [], [], SECONDS)[0], f"bash shows no prompt after {shown!r}"
            shown += os.read(self._keys, 65_536)
        return shown.decode("utf-8", "replace")

    def type(self, line: str) -> str:
        """What it shows after a line and Enter."""
        left = line.replace(UNPROMPTED, "\n").encode() + b"\n"
        while left:
            left = left[os.write(self._keys, left) :]
        return self._shown()

    def status(self, text: str) -> str:
        """A cell is one unit: a line that is wrong makes it wrong."""
        shown = [self.type(line) for line in text.split("\n")]
        if any(COMPLAINT.search(part) for part in shown):
            return "invalid"
        return "incomplete" if shown[-1].endswith(MORE) else "complete"


@contextlib.contextmanager
def terminal(directory: Path) -> Iterator[Terminal]:
    opened = Terminal(directory)
    try:
        yield opened
    finally:
        opened.close()


def shown(text: str, directory: Path) -> str:
    with terminal(directory) as bash:
        return bash.status(text)


def said(text: str) -> str:
    return asyncio.run(is_complete(text.replace(UNPROMPTED, "\n"), shutil.which, SECONDS))["status"]


def both(text: str, directory: Path) -> tuple[str, str]:
    return shown(text, directory), said(text)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_said_is_what_bash_shows(file: Path, tmp_path: Path) -> None:
    named = {text: pair for pairs in DIFFERENCES.values() for text, pair in pairs.items()}
    found = {text: both(text.translate(STANDING_FOR), tmp_path) for text in texts(file)}
    differing = {text: pair for text, pair in found.items() if pair[0] != pair[1]}
    assert differing == {text: pair for text, pair in named.items() if text in found}


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_wherever_in_a_script_enter_is_pressed(file: Path, tmp_path: Path) -> None:
    script = file.read_text("utf-8")
    found = {script[:end]: both(script[:end], tmp_path) for end in range(len(script))}
    assert {text: pair for text, pair in found.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_of_a_long_text_too(text: str, tmp_path: Path) -> None:
    assert said(text) == shown(text, tmp_path)


def test_each_text_and_each_difference_is_there_once() -> None:
    everything = [text for file in FILES for text in texts(file)]
    assert len(everything) == len(set(everything))
    assert {text for pairs in DIFFERENCES.values() for text in pairs} <= set(everything)


@pytest.mark.parametrize(("text", "status"), [("if", "incomplete"), ("fi", "invalid"), ("true", "complete")])
def test_the_terminal_can_tell(text: str, status: str, tmp_path: Path) -> None:
    assert shown(text, tmp_path) == status
