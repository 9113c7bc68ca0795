"""Which texts a console asks another line for: what interactive bash does."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from lambda_kernel.completeness import is_complete

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash on the path")

COMPLETE = [
    "",
    "free",
    "for i in 1 2; do echo $i; done",
    "if true; then echo a; fi",
    "cat <<X\na\nX",
    "echo 'a\nb'",
    "echo a \\\\",
    "f() { echo a; }",
    "# if",
    "a=(1\n2)",
    "%help",
    "%nosuch",
    "%timeout 5\nls",
    "%%output f\nls\n",
    "[[ a == b ]] || (echo c)",
]
INCOMPLETE = [
    "for i in 1 2; do",
    "if true; then",
    "if true; then echo a; else",
    "while :; do echo a",
    "case x in",
    "{ echo a;",
    "(echo a",
    "echo 'a",
    'echo "a',
    "echo $(ls",
    "echo ${a",
    "echo `ls",
    "cat <<X\na",
    "echo a \\",
    "echo a &&",
    "echo a |",
    "a=(1",
    "f() {",
    "%%output f",
    "%report full\nif true",
]
INVALID = ["fi", "echo )", "if; then", "a () )"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        *((text, "complete") for text in COMPLETE),
        *((text, "incomplete") for text in INCOMPLETE),
        *((text, "invalid") for text in INVALID),
    ],
)
def test_the_status_of_a_text(text: str, status: str) -> None:
    assert asyncio.run(is_complete(text))["status"] == status


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    asyncio.run(is_complete(f"touch {tmp_path}/ran; $(touch {tmp_path}/ran)"))
    assert list(tmp_path.iterdir()) == []
