"""The function's file as it is deployed: without docstrings and comments, so that its template has room."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

from . import __version__, function

SOURCE = Path(function.__path__[0]) / "index.py"
COMMENT = "Made by lambda-kernel {} of its lambda_kernel/function/index.py, without docstrings and comments."
HEADER = f"# {COMMENT.format(__version__)}\n"


@functools.cache
def function_code() -> str:
    """What runs in Lambda, on AWS and in the local engine."""
    return HEADER + stripped(SOURCE.read_text("utf-8"))


def stripped(source: str) -> str:
    """Python source without its docstrings and comments, and otherwise as it stands.

    ast.unparse would word it differently in each version of Python: the same source must give the same bytes, since
    their hash tells whether what is deployed is current.
    """
    lines: list[str | None] = [*source.splitlines(keepends=True)]
    for statement, replacement in _docstrings(ast.parse(source)):
        end = statement.end_lineno or statement.lineno
        lines[statement.lineno - 1 : end] = [replacement, *[None] * (end - statement.lineno)]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        number, column = token.start
        if token.type == tokenize.COMMENT and (line := lines[number - 1]):
            before = line[:column].rstrip()
            lines[number - 1] = f"{before}\n" if before else None
    return "".join(line for line in lines if line is not None).lstrip("\n")


def _docstrings(tree: ast.Module) -> Iterator[tuple[ast.stmt, str | None]]:
    """Each docstring, and the line that stands for it: a body may consist of it alone."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if ast.get_docstring(node, clean=False) is None:
                continue
            first = node.body[0]
            alone = len(node.body) == 1 and not isinstance(node, ast.Module)
            yield first, f"{' ' * first.col_offset}pass\n" if alone else None
