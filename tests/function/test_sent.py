"""The shell that is sent along: its parts share one namespace there."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from lambda_kernel.function import index, sent
from lambda_kernel.session.remote_shell import PARTS

DIRECTORY = Path(sent.__path__[0])


def names(part: str) -> set[str]:
    """What it defines at its top."""
    found = set()
    for node in ast.parse((DIRECTORY / f"{part}.py").read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = (one for target in targets for one in ast.walk(target))
            found |= {one.id for one in stored if isinstance(one, ast.Name)}
    return found


def test_no_part_of_the_shell_hides_a_name_of_another() -> None:
    defined = Counter(name for part in PARTS for name in names(part))
    assert {name for name, count in defined.items() if count > 1} == set()


def test_each_record_has_a_letter_of_its_own() -> None:
    letters = [value for value in vars(index.Record).values() if isinstance(value, str) and len(value) == 1]
    assert len(letters) == len({*letters}) == 8
