"""What a console is told of a text: whole or not, and the indent of the line below. What interactive bash says of a
thousand texts is in test_completeness_interactive.py."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel.editing.is_complete import is_complete
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash on the path")

COMPLETE = [
    "",
    "free",
    "for i in 1 2; do echo $i; done",
    "if true; then echo a; fi",
    "cat <<X\na\nX",
    "echo 'a\nb'",
    "echo a \\\\",
    "# \\",
    "f() { echo a; }",
    "[[ a == b ]] || (echo c)",
    "echo \ud800",
]
INCOMPLETE = [
    "for i in 1 2; do",
    "case x in",
    "(echo a",
    "echo 'a",
    "echo ${a",
    "cat <<X\na",
    "cat <<X\na \\",
    "cat <<X\nX\\",
    "echo a \\",
    "echo a &&",
    "[[ a &&",
    "echo '\ud800",
]
INVALID = [
    "fi",
    "echo )",
    "if; then",
    "a () )",
    "fi # unexpected EOF",
    "fi \\",
    ") # syntax error: unexpected end of file",
    "a () 'unexpected EOF'",
]
MAGICS = [
    ("%help", "complete"),
    ("%use local", "complete"),
    ("%timeout 5", "complete"),
    ("%timeout 5\nls", "complete"),
    ("%timeout 5\nls |", "incomplete"),
    ("%timeout 5\nfi", "invalid"),
    ("# why\n\n%report full\nif true", "incomplete"),
    ("%nosuch", "complete"),
    ("%nosuch\nif", "complete"),
    ("%%nosuch", "complete"),
    ("%output f", "complete"),
    ("%status; echo hi", "complete"),
    ("%cd /tmp\nls |", "incomplete"),
    ("%%python3\nif", "incomplete"),
    ("%%python3\nif x:\n  y\n", "complete"),
    ("%%time\nls", "incomplete"),
    ("%%time\nls\n", "complete"),
    ("ls?", "complete"),
    ("if true\r\nthen\r\n:\r\nfi\r\n", "complete"),
    ("cat <<E\r\na\r\nE\r\n", "complete"),
    ('%use "', "complete"),
    ("%1", "complete"),
    ("%% |", "incomplete"),
    ("%?x", "complete"),
    ("%%watch", "incomplete"),
    ("%%watch\n", "complete"),
    ("%%watch -n 1\ndate", "incomplete"),
    ("%%watch -n 1\ndate\n", "complete"),
    ("%%watch -n 1\ndate\n    ", "complete"),
    ("%%watch\nif true; then", "incomplete"),
    ("%%watch\nif true; then\n", "incomplete"),
    ("%%watch\nif true; then\n    true\nfi", "incomplete"),
    ("%%watch\nif true; then\n    true\nfi\n", "complete"),
    ("%%watch\nfi", "invalid"),
    ("%timeout 5\n%%output f", "incomplete"),
    ("%%output f\nls\n", "complete"),
    ("%%writefile x", "incomplete"),
    ("%%writefile x\nit's (a text", "incomplete"),
    ("%%writefile x\nit's (a text\n", "complete"),
    ("%%writefile x\nfi", "incomplete"),
    ("%%writefile -a x\nif x:\n    y", "incomplete"),
]
INDENTS = [
    ("if true; then", "    "),
    ("if true; then  # why", "    "),
    ("if true\nthen", "    "),
    ("if (true) then", "    "),
    ("if true", ""),
    ("if true; then echo then", ""),
    ("if true; then\n    true", "    "),
    ("if true; then\n    true\n", ""),
    ("if true; then\n    true\n    ", "    "),
    ("if true; then\n    true\nelse", "    "),
    ("if true; then\n    true\nelif true; then", "    "),
    ("if true; then\n    if true; then", "        "),
    ("if true; then\n    if true; then\n        true\n    fi", "    "),
    ("if true; then\n    if true; then\n        true\n        fi", "        "),
    ("if true; then\n  if true; then", "    "),
    ("if true; then\n  true\n  while true; do", "    "),
    ("if true; then\n\tif true; then", "\t\t"),
    ("if true; then\n\ttrue", "\t"),
    ("  if true; then", "      "),
    ("if true; then\n\n    if true; then", "        "),
    ("if true; then\n \n  if true; then\n    true; {", "      "),
    ("if true; then\n \n  if true; then", "      "),
    ("for i in 1 2; do", "    "),
    ("for i in 1 2", ""),
    ("for i in", ""),
    ("for ((i = 0; i < 2; i++)); do", "    "),
    ("while true; do", "    "),
    ("until true; do\n    echo a; {", "        "),
    ("f() {", "    "),
    ("f(){", "    "),
    ("f()", ""),
    ("function f {", "    "),
    ("f() (", "    "),
    ("{", "    "),
    ("(", "    "),
    ("true && {", "    "),
    ("true |", ""),
    ("    true |", "    "),
    ("a=(", "    "),
    ("a=(\n    1", "    "),
    ("a=$(", "    "),
    ("cat <(", "    "),
    ('echo "$(', "    "),
    ('echo "$(if true; then', "    "),
    ("case x in", "    "),
    ("case x in\n    a)", "        "),
    ("case x in\n    (a)", "        "),
    ("case x in\n    a | 'b c')", "        "),
    ("case x in\n    *)  # all", "        "),
    ("case x in a)", "    "),
    ("case x in a) true", ""),
    ("case x in\n    a) true", "    "),
    ("case x in\n    a)\n        true\n        ;;", "        "),
    ("case x in\n    a) true;; b)", "        "),
    ("(\n    true\n    (\n        true\n    true)", "    "),
    ("if (\n    true)", "    "),
    ("if f \\(a\\)", ""),
    ("echo \\(\nif true", ""),
    ("[[ a == b &&", ""),
    ("    echo 'a", ""),
    ("    echo 'a\n    b", ""),
    ("if true; then\n    echo 'if true; then", ""),
    ('    echo "a', ""),
    ("    echo `a", ""),
    ("if true; then\n    echo 'a\nb'", "    "),
    ("if true; then\n    echo 'a\n  b\nc' && {", "        "),
    ("if true; then\n    echo 'a" + "\n" * 15 + "b'", "    "),
    ("if true; then\n    echo 'a" + "\n" * 25 + "b'", ""),
    ("    echo 'a\nb' |", "    "),
    ("if true; then\n    cat <<X\na\nX", "    "),
    ("    echo ${a:-", ""),
    ("    cat <<X", ""),
    ("    cat <<X\n    if true; then", ""),
    ("if true; then\n    cat <<X\n    a", ""),
    ("if true; then\n    cat <<-X\n\ta", ""),
    ("if true; then\n    cat <<X\na\nX\n    true", "    "),
    ("    echo $(cat <<X", ""),
    ("    true \\", "    "),
    ("    true a\\", ""),
    ("if true; then \\", ""),
    ("if true; then\n    true \\", "    "),
    ("    echo 'a \\", ""),
    ('    echo "a \\', ""),
    ("    cat <<X\n    a \\", ""),
    ("if true; then\n" + "    " * 5_000, ""),
    ("%timeout 5\nif true; then", "    "),
    ("%%watch", ""),
    ("%%watch\nif true; then", "    "),
    ("%%watch\nif true; then\n    true", "    "),
    ("%%watch\n    date", "    "),
    ("%%writefile x\n    a", ""),
]
SECONDS = 30.0


def asked(text: str, which: Callable[[str], str | None] = shutil.which, seconds: float = SECONDS) -> dict[str, str]:
    return asyncio.run(is_complete(text, which, seconds))


def program(path: Path, text: str) -> Callable[[str], str]:
    """Something else in bash's place."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return lambda name: str(path)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        *((text, "complete") for text in COMPLETE),
        *((text, "incomplete") for text in INCOMPLETE),
        *((text, "invalid") for text in INVALID),
        *MAGICS,
    ],
)
def test_the_status_of_a_text(text: str, status: str) -> None:
    assert asked(text)["status"] == status


@pytest.mark.parametrize(("text", "indent"), INDENTS)
def test_the_indent_of_the_next_line(text: str, indent: str) -> None:
    assert asked(text) == {"status": "incomplete", "indent": indent}


@pytest.mark.parametrize("text", ["true", "fi", "%help"])
def test_an_indent_is_for_what_goes_on(text: str) -> None:
    assert "indent" not in asked(text)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("echo 'a\n" * 99_999 + "'", "complete"),
        ("echo 'a\n" * 100_001, "incomplete"),
        ("echo " + "a" * 1_000_000 + "\n)", "invalid"),
        ("cat <<X\n" + "a\n" * 500_000, "incomplete"),
        ("true\n" * 200_000 + "\\" * 1_001, "incomplete"),
    ],
    ids=range(5),
)
def test_a_megabyte(text: str, status: str) -> None:
    assert asked(text)["status"] == status


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    asked(f"touch {tmp_path}/ran; $(touch {tmp_path}/ran)")
    asked(f"shopt -s extglob; set +n\ntouch {tmp_path}/ran\ncat <<X\n$(touch {tmp_path}/ran)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "status"),
    [("true", "unknown"), ("if", "unknown"), ("%%watch\nif", "incomplete"), ("%%watch\ndate\n", "unknown")],
)
def test_without_a_bash_an_empty_line_still_ends_what_a_cell_magic_takes(text: str, status: str) -> None:
    assert asked(text, lambda name: None)["status"] == status


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("cat <<X\na", {"status": "incomplete", "indent": ""}),
        ("if true; then\n    cat <<X\n    a", {"status": "incomplete", "indent": ""}),
        ("cat <<X\na\nX", {"status": "complete"}),
        ("echo $((1<<2))", {"status": "complete"}),
    ],
)
def test_a_bash_that_warns_of_no_open_here_document(text: str, answer: dict[str, str], tmp_path: Path) -> None:
    bash, grep = shutil.which("bash"), shutil.which("grep")
    assert asked(text, program(tmp_path / "bash", f'{bash} "$@" 2>&1 | {grep} -v warning: >&2; true')) == answer


def test_a_bash_that_dies_of_the_text_says_nothing(tmp_path: Path) -> None:
    assert asked("true", program(tmp_path / "bash", "kill -SEGV $$")) == {"status": "unknown"}


@pytest.mark.parametrize("name", ["nowhere", ""])
def test_a_bash_that_cannot_be_run_says_nothing(name: str, tmp_path: Path) -> None:
    assert asked("true", lambda _: str(tmp_path / name)) == {"status": "unknown"}


def test_a_bash_that_takes_too_long_says_nothing_and_is_ended(tmp_path: Path) -> None:
    # More than fits into the pipe, so that it is being listened to.
    bash = program(tmp_path / "bash", f"echo $$ >{tmp_path}/pid; head -c 1000000 /dev/zero >&2; exec sleep 600")
    told = tmp_path / "pid"
    told.touch()
    assert asked("true", bash, 0.3) == {"status": "unknown"}
    if pid := told.read_text().strip():  # on a busy machine it may not have begun
        wait_until(lambda: not Path(f"/proc/{pid}").exists())
