"""`lambda-kernel metadata`: the figures that saved notebooks hold, a row for each cell."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import nbformat

from ..output.display import KEYS
from ..output.table import aligned
from ..untrusted import visible

COLUMNS = ("notebook", "cell", "code", *KEYS)
PRINTED = tuple(name for name in COLUMNS if name != "request_ids")
CODE = 40  # characters of it in the table; the file has the whole line
LONGEST = 10_000


class NotebookError(Exception):
    """A notebook has nothing to show. The text says why."""


@dataclass(frozen=True)
class Wish:
    """notebooks: their paths; csv: where the rows go, too."""

    notebooks: Sequence[str]
    csv: str | None


def run(wish: Wish, out: TextIO, err: TextIO) -> int:
    """Print a row for each cell that has figures. err: gets a sentence for each notebook that has none."""
    if wish.csv and (wish.csv in wish.notebooks or wish.csv.endswith(".ipynb")):  # `--csv *.ipynb` names one
        print(f"lambda-kernel: --csv would replace the notebook {visible(wish.csv, LONGEST)}", file=err)
        return 1
    rows, wrong = collect(wish.notebooks)
    try:
        if wish.csv:
            write(wish.csv, rows)
    except OSError as error:
        print(f"lambda-kernel: cannot write {visible(str(wish.csv), LONGEST)}: {error.strerror}", file=err)
        return 1
    if rows:
        cells = [[printed(name, row[name]) for name in PRINTED] for row in rows]
        print("\n".join(aligned([PRINTED, *cells])), file=out)
    for sentence in wrong:
        print(f"lambda-kernel: {sentence}", file=err)
    return 1 if wrong else 0


def write(path: str, rows: Sequence[dict[str, Any]]) -> None:
    """An old file stays if there are no rows. Raises OSError."""
    with open(path, "w" if rows else "a", encoding="utf-8", newline="") as file:
        if rows:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def collect(paths: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of all notebooks, and what is wrong with some of them."""
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for path in paths:
        try:
            rows += rows_in(path)
        except NotebookError as error:
            wrong.append(f"{visible(path, LONGEST)}: {error}")
    return rows, wrong


def rows_in(path: str) -> list[dict[str, Any]]:
    """Raises NotebookError."""
    rows = list(rows_of(path, read(path)))
    if not rows:
        raise NotebookError("no cell of it has figures of lambda-kernel: run it with this kernel, and save it")
    return rows


def read(path: str) -> dict[str, Any]:
    """Raises NotebookError."""
    try:
        notebook = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise NotebookError(f"cannot read it: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, or no JSON
        raise NotebookError("it is not a notebook, or only a part of one") from error
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise NotebookError("it is not a notebook of format 4: open it in Jupyter, and save it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on cells without ids, which change nothing here
            nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise NotebookError("it is a damaged notebook: open it in Jupyter, and save it again") from error
    return notebook


def rows_of(path: str, notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, cell in enumerate(notebook["cells"], 1):
        figures = [found for output in cell.get("outputs", []) if (found := figures_in(output))]
        if figures:
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            code = visible(source.lstrip("\n").partition("\n")[0], LONGEST)
            kept = {name: value(figures[-1].get(name)) for name in KEYS}
            yield {"notebook": visible(path, LONGEST), "cell": number, "code": code, **kept}


def figures_in(output: dict[str, Any]) -> dict[str, Any] | None:
    found = output.get("metadata", {}).get("lambda")
    return found if isinstance(found, dict) and "invocations" in found else None


def value(found: object) -> object:
    """A notebook may come from anybody: only what is a figure or a short text is taken."""
    if isinstance(found, list):
        return " ".join(visible(one, 100) for one in found[:100] if isinstance(one, str))
    if isinstance(found, str):
        return visible(found, LONGEST)
    return found if isinstance(found, int | float) else None


def printed(name: str, found: object) -> str:
    text = f"{found:.7f}".rstrip("0").rstrip(".") if isinstance(found, float) else "-" if found is None else str(found)
    return f"{text[: CODE - 1]}…" if name == "code" and len(text) > CODE else text
