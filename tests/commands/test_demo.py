"""`lambda-kernel demo`: the notebook that it writes runs as it says, and shows the README's ten things."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lambda_kernel.commands.demo import FAILS, STEPS, write
from tests.support.kernel_client import Notebook
from tests.support.kernel_client import notebook as kernel

README = Path(__file__).parents[2] / "README.md"
BOLD = re.compile(r"^\d+\. \*\*(.*?)\*\*|^\d+\. .*?\*\*(.*?)\*\*", re.MULTILINE)


def written(directory: Path, name: str = "lambda") -> Any:
    path = directory / "demo.ipynb"
    assert write(str(path), name, io.StringIO(), io.StringIO()) == 0
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    return found


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with kernel() as made:
        yield made


@pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")
def test_its_cells_end_as_their_tags_say(book: Notebook, tmp_path: Path) -> None:
    cells = [cell for cell in written(tmp_path).cells if cell.cell_type == "code"]
    assert len(cells) == STEPS.read_text("utf-8").count("```bash") > 20
    for cell in cells:
        shown = book.run(cell.source)
        fails = FAILS in cell.metadata.get("tags", [])
        assert (shown.reply["content"]["status"] == "error") == fails, cell.source
        assert shown.messages


def test_it_shows_the_ten_things_of_the_readme() -> None:
    _, _, text = README.read_text("utf-8").partition("## Ten things to know")
    things = [first or second for first, second in BOLD.findall(text)]
    assert len(things) == 10
    shown = STEPS.read_text("utf-8")
    assert [thing for thing in things if f"**{thing}" not in shown] == []


def test_it_names_the_kernel_and_where_it_is(tmp_path: Path) -> None:
    assert written(tmp_path, "shell").metadata.kernelspec.name == "shell"


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path, told = tmp_path / "mine.ipynb", io.StringIO()
    path.write_text("mine", "utf-8")
    assert write(str(path), "lambda", io.StringIO(), told) == 1
    assert told.getvalue() == f"lambda-kernel: {path} is there already, and was not changed: name another file\n"
    assert path.read_text("utf-8") == "mine"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    told = io.StringIO()
    assert write(str(tmp_path / "no" / "a.ipynb"), "lambda", io.StringIO(), told) == 1
    assert "No such file or directory" in told.getvalue()
