"""`lambda-kernel demo`: a short notebook to run, which shows the README's ten things."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from . import parsing

FILE = "lambda-demo.ipynb"
STEPS = Path(__file__).with_suffix(".md")  # text, and blocks of code that become cells
BLOCK = re.compile(r"^```bash( fails)?\n(.*?)\n```\n", re.MULTILINE | re.DOTALL)
FAILS = "raises-exception"  # the tag with which "run all" and nbclient go on


def add_command(commands: parsing.Commands, run: Callable[[argparse.Namespace], int]) -> None:
    text = "Write a short notebook that shows what the kernel can do. Open it with Jupyter, and run its cells."
    parser = commands.add_parser("demo", help="write a first notebook to run", description=text)
    parser.set_defaults(run=run)
    text = "where to write it; it must not exist yet (default: %(default)s)"
    parser.add_argument("file", metavar="FILE", nargs="?", default=FILE, type=parsing.some_text, help=text)
    parser.add_argument("--name", metavar="N", default="lambda", help="name of the kernel (default: %(default)s)")


def write(name: str, kernel: str, out: TextIO, err: TextIO) -> int:
    """An existing file is kept."""
    path = Path(name)
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(notebook(kernel), file, indent=1, ensure_ascii=False)
    except FileExistsError:
        print(f"lambda-kernel: {name} is there already, and was not changed: name another file", file=err)
        return 1
    except OSError as error:
        print(f"lambda-kernel: cannot write {name}: {error.strerror}", file=err)
        return 1
    print(f"Wrote {name}: open it with `jupyter lab {name}`", file=out)
    return 0


def notebook(kernel: str) -> dict[str, Any]:
    """As of nbformat 4.5."""
    cells: list[dict[str, Any]] = []
    parts = iter(BLOCK.split(STEPS.read_text("utf-8")))
    for text, fails, code in zip(parts, parts, parts, strict=False):  # nothing follows the last block
        if text.strip():
            cells.append({"cell_type": "markdown", "metadata": {}, "source": text.strip()})
        tags = {"tags": [FAILS]} if fails else {}
        cells.append({"cell_type": "code", "metadata": tags, "source": code, "outputs": [], "execution_count": None})
    named = [{"id": f"demo-{number}"} | cell for number, cell in enumerate(cells, 1)]
    spec = {"name": kernel, "display_name": "AWS Lambda shell", "language": "bash"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": spec}, "cells": named}
