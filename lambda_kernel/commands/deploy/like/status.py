"""The table of the shells that are like other functions."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ..problems import DeployError
from . import marks, names
from .cloud import Functions
from .marks import Mark
from .settings import Function, differing, labels, own_tools, settings_of, taken_over

HEADINGS = ("FUNCTION", "LIKE", "STATE", "MEMORY", "ARCHITECTURE", "TENANT ISOLATION", "CODE", "ORIGINAL", "AGE")


def rows(functions: Functions, only: str | None, now: datetime.datetime) -> Iterator[tuple[str, ...]]:
    """only: a shell's name."""
    for name in [only] if only else sorted(functions.ours()):
        shell = functions.get(name)
        mark = marks.read(shell.tags) if shell else None
        if shell and mark:
            yield _row(functions, shell, mark, now)


def _row(functions: Functions, shell: Function, mark: Mark, now: datetime.datetime) -> tuple[str, ...]:
    config = shell.config
    return (
        shell.name,
        mark.like,
        "Updating" if config.get("LastUpdateStatus") == "InProgress" else str(config.get("State") or "Active"),
        f"{config.get('MemorySize', 128)} MB",
        shell.architecture,
        "on" if shell.isolated else "off",
        "up to date" if mark.current else f"of version {mark.version}",
        _original(functions, shell, mark),
        mark.age(now),
    )


def _original(functions: Functions, shell: Function, mark: Mark) -> str:
    """Whether the original has changed since the shell was deployed."""
    try:
        named = names.parse(mark.like)
        original = functions.get(named.name, named.qualifier)
    except DeployError:
        return "cannot be read"
    if original is None:
        return "gone"
    handler, about = str(shell.config.get("Handler")), marks.description(mark.like)
    want = taken_over(original, shell.name, handler, about, own_tools(shell))
    found = ["code"] if original.code_sha256 != mark.original_code else []
    found += ["architecture"] if original.architecture != shell.architecture else []
    if changed := differing(settings_of(shell), want):
        found.append(labels(changed))
    return f"changed: {', '.join(found)}" if found else "unchanged"
