"""What is deployed: the function's source without docstrings and comments, and otherwise the same program."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

import pytest

from lambda_kernel.function_code import HEADER, SOURCE, function_code, stripped


def bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.body


def is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def without_docstrings(source: str) -> str:
    """The program as Python understands it."""
    tree = ast.parse(source)
    for body in bodies(tree):
        if is_text(body[0]):
            body[:1] = [] if len(body) > 1 else [ast.Pass()]
    return ast.dump(tree)


def test_it_is_the_same_program_without_a_docstring_or_a_comment() -> None:
    code = function_code()
    assert without_docstrings(code) == without_docstrings(SOURCE.read_text("utf-8"))
    assert not any(is_text(statement) for body in bodies(ast.parse(code)) for statement in body)
    tokens = tokenize.generate_tokens(io.StringIO(code.removeprefix(HEADER)).readline)
    assert not [token for token in tokens if token.type == tokenize.COMMENT]


def test_all_else_stands_as_it_is_written() -> None:
    kept = [line for line in function_code().removeprefix(HEADER).splitlines() if line]
    rest = iter(SOURCE.read_text("utf-8").splitlines())
    assert [line for line in kept if not any(one == line or one.startswith(f"{line}  #") for one in rest)] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Module."""\n\nx = 1\n', "x = 1\n"),
        ("def f():\n    '''One.\n\n    More.\n    '''\n    return 1  # why\n", "def f():\n    return 1\n"),
        ('class A:\n    """Alone."""\n', "class A:\n    pass\n"),
        ("async def f():\n    'Alone.'  # why\n", "async def f():\n    pass\n"),
        ("# first\nx = 1  # noqa\n    # between\ny = '# kept'\n", "x = 1\ny = '# kept'\n"),
        ('x = """\n# kept\n"""  # gone\n', 'x = """\n# kept\n"""\n'),
        ("x = (\n    1,  # one\n    # two\n    2,\n)\n", "x = (\n    1,\n    2,\n)\n"),
        ("f'{x!r:#x}'\n", "f'{x!r:#x}'\n"),
    ],
)
def test_small_sources(source: str, expected: str) -> None:
    assert stripped(source) == expected
