"""What is deployed: the function's source without docstrings, comments and types, and otherwise the same program."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

import pytest

from lambda_kernel.function.source import HEADER, SOURCE, function_code, stripped


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


class Untyped(ast.NodeTransformer):
    """Takes away what only a type checker reads; a NamedTuple's fields are more than that."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [one if isinstance(one, ast.AnnAssign) else self.visit(one) for one in node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], self.visit(node.value)) if node.value else node


def program(source: str) -> str:
    """As Python understands it."""
    tree = Untyped().visit(ast.parse(source))
    tree.body = [one for one in tree.body if not (isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING")]
    for body in bodies(tree):
        if is_text(body[0]):
            body[:1] = [] if len(body) > 1 else [ast.Pass()]
    return ast.dump(tree)


def test_it_is_the_same_program_without_a_docstring_a_comment_or_a_type() -> None:
    code = function_code()
    assert program(code) == program(SOURCE.read_text("utf-8"))
    classes = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ClassDef))
    fields = sum(isinstance(one, ast.AnnAssign) for made in classes for one in made.body)
    assert ast.dump(ast.parse(code)).count("annotation=") == fields
    assert not any(is_text(statement) for body in bodies(ast.parse(code)) for statement in body)
    tokens = tokenize.generate_tokens(io.StringIO(code.removeprefix(HEADER)).readline)
    assert not [token for token in tokens if token.type == tokenize.COMMENT]


def test_all_else_stands_as_it_is_written() -> None:
    rest = iter(words(SOURCE.read_text("utf-8")))
    assert [word for word in words(function_code().removeprefix(HEADER)) if word not in rest] == []


def words(source: str) -> list[str]:
    return [token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.string.strip()]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Module."""\n\nx = 1\n', "x = 1\n"),
        ("def f():\n    '''One.\n\n    More.\n    '''\n    return 1  # why\n", "def f():\n return 1\n"),
        ('class A:\n    """Alone."""\n', "class A:\n pass\n"),
        ("async def f():\n    'Alone.'  # why\n", "async def f():\n pass\n"),
        ("# first\nx = 1  # noqa\n    # between\ny = '# kept'\n", "x = 1\ny = '# kept'\n"),
        ('x = """\n# kept\n"""  # gone\n', 'x = """\n# kept\n"""\n'),
        ("x = (\n    1,  # one\n    # two\n    2,\n)\n", "x = (\n 1,\n 2,\n)\n"),
        ("if x:\n    y = '''\n    kept\n'''\n", "if x:\n y = '''\n    kept\n'''\n"),
        ("f'{x!r:#x}'\n", "f'{x!r:#x}'\n"),
        ("x = 1  # it's \"so\"\ny = '#'  # '''\nz = 2\n", "x = 1\ny = '#'\nz = 2\n"),
        ('x = r\'\\\\\' + rb"\\"#"  # gone\n', 'x = r\'\\\\\' + rb"\\"#"\n'),
        ("x = ('a'  # gone\n     'b')\n", "x = ('a'\n 'b')\n"),
        (
            "x = '''it's # kept\n'' # kept\\''' # kept\n'''  # gone\n",
            "x = '''it's # kept\n'' # kept\\''' # kept\n'''\n",
        ),
        (
            "try:\n    def f(a: int):\n        'Doc.'\nexcept E:\n    x: int = 1\nelse:\n    def g() -> int: ...\n",
            "try:\n def f(a):\n  pass\nexcept E:\n x = 1\nelse:\n def g(): ...\n",
        ),
        (
            "def f(a: int = 1, *b: str, c: int) -> list[int]:\n    é: str = b[0]; return é\n",
            "def f(a = 1, *b, c):\n é = b[0]; return é\n",
        ),
        ("x: dict[str, int] = {}\nself.y: int = 2\nz: int\n", "x = {}\nself.y = 2\nz: int\n"),
        (
            "class A(NamedTuple):\n    a: int = 1\n    def f(self) -> int: ...\n",
            "class A(NamedTuple):\n a: int = 1\n def f(self): ...\n",
        ),
    ],
)
def test_small_sources(source: str, expected: str) -> None:
    assert stripped(source) == expected
