"""docs/tutorial.md: its cells, run one after the other, show what it says that they show."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernel_client import Notebook, Shown, notebook

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
# A cell, and what it shows, if that is told.
STEP = re.compile(r"^```bash\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
DURATION = re.compile(r"[\d.,]+ (?:ms|s|min)\b")
INVOCATIONS = re.compile(r" · \d+ invocations")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Notebook]:
    with notebook() as other:
        if other.run("whoami").out != "sbx_user1051\n":
            pytest.skip("needs bubblewrap: without it, commands run as another user")
    with notebook(cwd=tmp_path) as made:
        yield made


def lines(text: str) -> list[str]:
    """Without what differs from time to time and from machine to machine: figures, their units, how many tries."""
    plain = INVOCATIONS.sub("", DURATION.sub("0 s", ESCAPES.sub("", text)))
    return [" ".join(re.sub(r"\d[\d,.]*", "0", line).split()) for line in plain.splitlines() if line.strip()]


def all_text(shown: Shown) -> str:
    errors = (line for content in shown.contents("error") for line in content["traceback"])
    displays = (content["data"]["text/plain"] for content in shown.displays)
    return "\n".join([shown.out, shown.err, shown.noticed, *errors, *displays])


@pytest.mark.timeout(120)
def test_it_shows_what_it_says(book: Notebook) -> None:
    steps = STEP.findall(PAGE.read_text("utf-8"))
    assert len(steps) > 20
    for code, told in steps:
        at = "stream" if "Interrupted" in told else None
        shown = book.collect(book.start(code), interrupt_at=at)
        fails = "exit code" in told or at is not None
        assert (shown.reply["content"]["status"] == "error") == fails, code
        seen = lines(all_text(shown))
        assert [line for line in lines(told) if line not in seen] == [], (code, seen)


def test_figures_make_no_difference() -> None:
    assert lines("2.90 s · billed 2,900 ms · 11 invocations · local") == lines("99.1 ms · billed 1 ms · local")
    assert lines("Hello, Mars!") != lines("Hello, Venus!")
