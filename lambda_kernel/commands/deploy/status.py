"""The table of our functions in a region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...function.source import function_code
from . import template
from .cloud import Cloud, Function, Stack, sha256
from .plan import changed_outside, code_key, names_in, package

HEADINGS = ("STACK", "FUNCTION", "STATE", "MEMORY", "ARCHITECTURE", "TENANT ISOLATION", "CODE", "LAST MODIFIED")


def rows(cloud: Cloud, stacks: Sequence[Stack], only: str | None = None) -> Iterator[tuple[str, ...]]:
    """only: a function, or the name that all of a family share."""
    for stack in stacks:
        shared = stack.parameters.get("Function", "")
        for name in names_in(stack) or [""]:
            if only not in (None, shared, name):
                continue
            function = cloud.function(name) if name else None
            yield (stack.name, name, *_columns(cloud, stack, function))


def _columns(cloud: Cloud, stack: Stack, function: Function | None) -> tuple[str, ...]:
    state = _state(stack, function)
    if function is None:
        return (state, "-", "-", "-", "-", "-")
    return (
        state,
        f"{function.memory_mb} MB",
        function.architecture,
        "on" if function.isolated else "off",
        code_state(cloud, stack, function),
        f"{function.modified:%Y-%m-%d %H:%M:%S} UTC",
    )


def _state(stack: Stack, function: Function | None) -> str:
    """The stack's state if it is unusual, else the function's."""
    if not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status:
        return stack.status
    if function is None:
        return "no function"
    return "Updating" if function.update == "InProgress" else function.state


def code_state(cloud: Cloud, stack: Stack, function: Function) -> str:
    """Whether the function's code is ours.

    Lambda gives only a hash of the package, and CloudFormation makes the package. So the template tells what is in it,
    unless the function was changed since.
    """
    if function.code_sha256 == sha256(package()):
        return "up to date"
    if changed_outside(function, cloud.settled(stack.id)):
        return "changed outside of the stack"
    code = function_code()
    key = stack.parameters.get("CodeKey", "")
    if key:
        return "up to date" if key == code_key() else f"package {key}"
    if stack.mark and stack.mark.code != template.code_hash(code):
        return f"of version {stack.mark.version}"
    return "up to date" if template.code_in(cloud.body(stack.id)) == code else "edited by hand"


def table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
