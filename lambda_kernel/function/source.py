"""The function's file as it is deployed: without docstrings, comments, types and blank lines, to leave room."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from .. import __version__, function

SOURCE = Path(function.__path__[0]) / "index.py"
COMMENT = "Made by lambda-kernel {} from its lambda_kernel/function/index.py, without docstrings, comments and types."
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements
LEVEL = "    "  # of indentation, in the source; here it is one blank
# Python's lexical analysis: a quote outside of strings and comments begins a string, and # a comment. The module
# tokenize takes 50 ms for our file, in each start of a kernel.
STRING_OR_COMMENT = re.compile(
    r"""(?P<comment>\#[^\n]*)|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)
HEADER = f"# {COMMENT.format(__version__)}\n"


@functools.cache
def function_code() -> str:
    """What runs in Lambda, on AWS and in the local emulator."""
    return HEADER + stripped(SOURCE.read_text("utf-8"))


def stripped(source: str) -> str:
    """Python source without its docstrings, comments and annotations, and otherwise as it stands.

    ast.unparse would word it differently in each version of Python: the same source must give the same bytes, since
    their hash tells whether what is deployed is current.
    """
    tree = ast.parse(source)
    source = _untyped(source, tree)  # each line stays where the tree has it
    lines: list[str | None] = [*source.splitlines(keepends=True)]
    for statement, replacement in [*_docstrings(tree), *_for_type_checkers(tree)]:
        end = statement.end_lineno or statement.lineno
        lines[statement.lineno - 1 : end] = [replacement, *[None] * (end - statement.lineno)]
    inside: set[int] = set()  # the lines that begin within a string
    for token in STRING_OR_COMMENT.finditer(source):
        first, begin = source.count("\n", 0, token.start()), source.rfind("\n", 0, token.start()) + 1
        if token["comment"] and (line := lines[first]):
            before = line[: token.start() - begin].rstrip()
            lines[first] = f"{before}\n" if before else None
        elif "\n" in token[0]:
            inside.update(range(first + 2, first + 2 + token[0].count("\n")))
    for number, line in enumerate(lines):
        within = number + 1 in inside
        lines[number] = _indented(line if line is None or line.strip() or within else None, within)
    return "".join(line for line in lines if line is not None)


def _untyped(source: str, tree: ast.Module) -> str:
    """Without the annotations that stand on one line; those of a class say what its fields are."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # as ast counts its columns
    for line, start, end in sorted(_annotations(tree, lines), reverse=True):
        lines[line - 1] = lines[line - 1][:start] + lines[line - 1][end:]
    return b"".join(lines).decode()


def _annotations(tree: ast.Module, lines: list[bytes]) -> Iterator[tuple[int, int, int]]:
    """The line of each, and the columns from the end of what it is about to its own end."""
    fields = {id(field) for node in _nodes(tree) if isinstance(node, ast.ClassDef) for field in node.body}
    for node in _nodes(tree):
        about: ast.AST | None = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (kind := node.returns):
            start = lines[kind.lineno - 1].rindex(b")", 0, kind.col_offset) + 1
        elif isinstance(node, ast.arg) and (kind := node.annotation):
            start = node.col_offset + len(node.arg.encode())
        elif isinstance(node, ast.AnnAssign) and node.value and id(node) not in fields:
            kind, about = node.annotation, node.target
            start = about.end_col_offset or 0
        else:
            continue
        if kind.lineno == kind.end_lineno == getattr(about or node, "lineno", 0) or isinstance(node, ast.FunctionDef):
            yield kind.lineno, start, kind.end_col_offset or start


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Statements and the arguments of functions. ast.walk looks into expressions, too, and takes ten times longer."""
    yield node
    for block in BLOCKS:
        for inner in getattr(node, block, ()):
            yield from _nodes(inner)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield from (child for child in ast.iter_child_nodes(node.args) if isinstance(child, ast.arg))


def _indented(line: str | None, inside: bool) -> str | None:
    """With one blank a level; inside of a string nothing changes."""
    if line is None or inside:
        return line
    code = line.lstrip(" ")
    return " " * ((len(line) - len(code)) // len(LEVEL)) + code


def _for_type_checkers(tree: ast.Module) -> Iterator[tuple[ast.stmt, None]]:
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield node, None


def _docstrings(tree: ast.Module) -> Iterator[tuple[ast.stmt, str | None]]:
    """Each docstring, and the line that stands for it: a body may consist of it alone."""
    for node in _nodes(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if ast.get_docstring(node, clean=False) is None:
                continue
            first = node.body[0]
            alone = len(node.body) == 1 and not isinstance(node, ast.Module)
            yield first, f"{' ' * first.col_offset}pass\n" if alone else None
