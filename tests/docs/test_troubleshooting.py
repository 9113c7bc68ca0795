"""docs/troubleshooting.md: each message that it quotes is one of ours."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import lambda_kernel

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
PACKAGE = Path(lambda_kernel.__file__).parent
QUOTED = re.compile(r"`([^`]+)`")
# What differs: a field of str.format, or of an f-string.
FIELD = re.compile(r"\{[^{}]*\}")
SHORT = 4  # such pieces stand anywhere: ` on `


@cache
def texts() -> list[str]:
    """For each file of the package, all that its strings say, with … for what differs."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        parts = [written(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant)]
        found.append("\n".join(part for part in parts if part))
    return found


def written(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return FIELD.sub("…", node.value) if isinstance(node.value, str) else ""
    return "".join(str(value.value) if isinstance(value, ast.Constant) else "…" for value in node.values)


def messages() -> list[str]:
    heads = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("### ")]
    return [message for head in heads for message in QUOTED.findall(head)]


def is_ours(message: str) -> bool:
    """Whether its fixed parts stand in one file, or in two where one sentence is put into another's place."""
    parts = [part for part in (part.strip(" :(),;") for part in message.split("…")) if len(part) > SHORT]
    return bool(parts) and all(any(part in text for text in texts()) for part in parts)


@pytest.mark.parametrize("message", messages())
def test_a_message_is_one_of_ours(message: str) -> None:
    assert is_ours(message)


def test_there_are_many() -> None:
    assert len(messages()) > 80


@pytest.mark.parametrize(
    "message", ["the flux capacitor of … is empty", "no function named … was ever heard of", "…", "no functoin named …"]
)
def test_another_one_is_not(message: str) -> None:
    assert not is_ours(message)
