"""Where commands begin in whole cells: tables of texts, and a real bash's opinion of other people's scripts."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.bash.commands import job_words, line_of, names_job, words
from lambda_kernel.bash.cursor import MOST_CHARACTERS
from lambda_kernel.editing.is_complete import Bash

TESTS = Path(__file__).parents[1]
SCRIPTS = [
    *sorted((TESTS / "session" / "differential").glob("*.sh")),
    *sorted((TESTS / "editing" / "is_complete").glob("*.sh")),
]
MARK = "%status"
COMMANDS = [
    "%status",
    "echo x; %status",
    "x=1 y=2 %status",
    "true && %status",
    "true | %status",
    "if %status; then :; fi",
    "for i in 1; do %status; done",
    "for i in 1\ndo\n  %status\ndone",
    "{ %status; }",
    "(%status)",
    "f() { %status; }",
    "! %status",
    "time %status",
    "time -p %status",
    "case x in y) %status;; esac",
    "echo $(%status)",
    'echo "$(\n%status\n)"',
    "cat <<E\n\tE\nE\n%status",
    "cat <<-E\n\tE\n%status",
    "cat <<'E' # it's\n$(x\nE\n%status",
    "# it's\n%status",
    "echo it\\'s\n%status",
    "echo $((1 << 2))\n%status",
]
NO_COMMANDS = [
    "echo %status",
    "fg %status",
    "kill %status",
    "# %status",
    "'%status'",
    "\\%status",
    "echo '\n%status\n'",
    'echo "\n%status\n"',
    "echo $'\n%status\n'",
    "cat <<E\n%status\nE",
    "cat <<E\n\tE\n%status\nE",
    "cat <<'E'\n%status\nE\n",
    "cat <<-E\n\t%status\n\tE\n",
    "x=$(cat <<E\n%status\nE\n)",
    "a=(%status)",
    "a=(\n%status\n)",
    "case x in\n%status) :;; esac",
    "for i in %status; do :; done",
    "[[ a ||\n%status ]]",
    "((x\n%status))",
    "echo $((x\n%status))",
    "echo ${x\n%status}",
    "echo ${x%status}",
    "echo x \\\n%status",
    "cat <<<%status",
    "echo x >\\\n%status",
    "sudo %status",
    "exec %status",
    "find . -exec %status \\;",
    "echo \"${x:-it's}\"\n'\n%status\n'",
]


def commands(text: str) -> list[str]:
    return [word.text for word in words(text) if word.command]


@pytest.mark.parametrize("text", COMMANDS)
def test_it_begins_a_command(text: str) -> None:
    assert MARK in commands(text)


@pytest.mark.parametrize("text", NO_COMMANDS)
def test_it_begins_none(text: str) -> None:
    assert MARK not in commands(text)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_bash_agrees_on_each_line_of_a_script(path: Path) -> None:
    """What is data to bash is not found to begin a command."""
    bash = Bash(str(shutil.which("bash")), time.monotonic() + 600)
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for number in range(1, len(lines)):
        if bash.takes_as_data("".join(lines[:number]).removesuffix("\n")):
            inserted = "".join([*lines[:number], MARK, "\n", *lines[number:]])
            assert MARK not in commands(inserted), f"line {number + 1}"


def test_words_know_their_place() -> None:
    text = "ls -l >x\n echo 'a b' # c"
    found = [(word.text, line_of(text, word.begin), word.command) for word in words(text)]
    assert found == [("ls", 1, True), ("-l", 1, False), ("echo", 2, True), ("'a b'", 2, False)]


def test_a_text_that_nobody_has_typed_is_not_read() -> None:
    assert words("ls\n" * MOST_CHARACTERS) == ()


@given(st.text(alphabet="%status ab'\"`$(){}[]<>|&;#\n\\!=*", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for word in words(text):
        assert text.startswith(word.text, word.begin)


@pytest.mark.parametrize(
    ("text", "name", "known"),
    [
        ("status 5 &", "status", True),
        ("status_of x &\n%stat", "stat", True),
        ("while x; do y; done & z", "while", True),
        ("coproc top", "top", True),
        ("kill -STOP $$; top", "top", True),
        ("top", "top", False),
        ("top && x 2>&1 &>y |& z", "top", False),
        ("sleep 1 &\n%status", "status", False),
        ("sleep 1 &", "stop", False),
    ],
)
def test_what_a_job_may_be_called_by(text: str, name: str, known: bool) -> None:
    assert names_job(name, job_words(text)) == known
