"""`lambda-kernel metadata`: what it reads out of saved notebooks, and what it says about others."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.aws.usage import Usage
from lambda_kernel.commands.metadata import COLUMNS
from lambda_kernel.output import display
from lambda_kernel.report import Report
from tests.support.command_line import lambda_kernel

NO_FIGURES = "no cell of it has figures of lambda-kernel: run it with this kernel, and save it"
DAMAGED = "it is a damaged notebook: open it in Jupyter, and save it again"
NO_FORMAT = "it is not a notebook of format 4: open it in Jupyter, and save it again"
NO_NOTEBOOK = "it is not a notebook, or only a part of one"


def figures(init_ms: float | None = None) -> dict[str, Any]:
    usage = Usage(environment_id="8c48eab9bfef")
    for number in (1, 2):
        usage.add(f"id-{number}", Report("id", 2.5, 3.0, 128, 30, init_ms))
    return display.metadata(usage, 12.34, 3, "shell", "eu-west-1")


def cell(source: str | list[str], *metadata: dict[str, Any]) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "data": {}, "metadata": one} for one in metadata]
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": outputs}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    text = {"cell_type": "markdown", "metadata": {}, "source": "# Title"}
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [text, *cells]}


def test_a_row_for_each_cell_that_ran_and_a_file(tmp_path: Path) -> None:
    cells = [
        cell(["\n", "ls\n", "echo two"], {"lambda_notice": "job"}, figures(181.5)),
        cell("not run"),
        cell("%%repeat 3\n" + "x" * 50, figures(), {"lambda_runs": []}),
        cell("echo \x1b[31m" + "x" * 50, figures()),
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook(*cells)))
    (tmp_path / "b.ipynb").write_text(
        json.dumps(notebook(cell("odd", {"lambda": {"invocations": {}, "function": [1]}})))
    )
    ran = lambda_kernel("metadata", "a.ipynb", "b.ipynb", "--csv", "rows.csv", directory=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    head, *lines = ran.stdout.splitlines()
    assert head.split()[:6] == ["notebook", "cell", "code", "function", "region", "environment_id"]
    shown = dict(zip(head.split(), lines[0].split(), strict=True))
    assert (shown["cell"], shown["code"], shown["duration_ms"], shown["init_duration_ms"]) == ("2", "ls", "5", "363")
    assert (shown["memory_size_mb"], shown["wall_ms"], shown["cost_usd"]) == ("128", "12.34", "-")
    assert [line.split()[1] for line in lines] == ["2", "4", "5", "2"]
    assert "\x1b" not in ran.stdout
    assert "x" * 39 not in ran.stdout
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == [*COLUMNS]
    assert [row["code"][:10] for row in rows] == ["ls", "%%repeat 3", rows[2]["code"][:10], "odd"]
    assert (rows[0]["request_ids"], rows[1]["init_duration_ms"], rows[2]["exit_code"]) == ("id-1 id-2", "", "3")
    assert rows[2]["code"].endswith("x" * 50)
    assert {rows[3][name] for name in COLUMNS[3:]} == {""}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(notebook(cell("1 + 1", {"lambda": 5}))), NO_FIGURES),
        (json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}), DAMAGED),
        (json.dumps({"nbformat": 3, "worksheets": []}), NO_FORMAT),
        ("[1]", NO_FORMAT),
        ("[" * 100_000, NO_NOTEBOOK),
        (json.dumps(notebook())[:-5], NO_NOTEBOOK),
        ("\udcff", NO_NOTEBOOK),
        ("", NO_NOTEBOOK),
        (None, "cannot read it: No such file or directory"),
    ],
)
def test_one_sentence_about_others_and_the_rest_all_the_same(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "other.ipynb").write_text(content, "utf-8", "surrogateescape")
    (tmp_path / "good.ipynb").write_text(json.dumps(notebook(cell("ls", figures()))))
    ran = lambda_kernel("metadata", "other.ipynb", "good.ipynb", directory=tmp_path)
    assert ran.stderr == f"lambda-kernel: other.ipynb: {said}\n"
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["notebook", "good.ipynb"]
    assert ran.returncode == 1


@pytest.mark.parametrize("words", [("--csv", "a.ipynb", "b"), ("b", "--csv", "b"), ("b", "--csv=a.ipynb")])
def test_no_notebook_is_replaced(tmp_path: Path, words: tuple[str, ...]) -> None:
    for name in ("a.ipynb", "b"):
        (tmp_path / name).write_text(json.dumps(notebook(cell("ls", figures()))))
    ran = lambda_kernel("metadata", *words, directory=tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("lambda-kernel: --csv would replace the notebook ")
    assert all("ls" in (tmp_path / name).read_text() for name in ("a.ipynb", "b"))


def test_an_old_file_stays_where_there_are_no_rows(tmp_path: Path) -> None:
    """Such as of a notebook whose name was mistyped."""
    (tmp_path / "rows.csv").write_text("of yesterday\n")
    ran = lambda_kernel("metadata", "mistyped.ipynb", "--csv", "rows.csv", directory=tmp_path)
    assert (ran.returncode, (tmp_path / "rows.csv").read_text()) == (1, "of yesterday\n")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    ran = lambda_kernel("metadata", "any.ipynb", "--csv", "no/such.csv", directory=tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "lambda-kernel: cannot write no/such.csv: No such file or directory\n"
