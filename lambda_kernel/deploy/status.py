"""The functions of ours in a region, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..function_code import function_code
from . import template
from .cloud import Cloud, Function, Stack, sha256
from .plan import changed_outside, package

HEADINGS = ("STACK", "FUNCTION", "STATE", "MEMORY", "ARCHITECTURE", "TENANT ISOLATION", "CODE", "LAST MODIFIED")


def rows(cloud: Cloud, stacks: Sequence[Stack]) -> Iterator[tuple[str, ...]]:
    for stack in stacks:
        name = stack.parameters.get("Function", "")
        function = cloud.function(name) if name else None
        yield (stack.name, name, *_told(cloud, stack, function))


def _told(cloud: Cloud, stack: Stack, function: Function | None) -> tuple[str, ...]:
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
    """The stack's own where that is what matters."""
    if not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status:
        return stack.status
    if function is None:
        return "no function"
    return "Updating" if function.update == "InProgress" else function.state


def code_state(cloud: Cloud, stack: Stack, function: Function) -> str:
    """Lambda gives a hash of the package only, and CloudFormation makes the package: the template says what is in it,
    as long as nobody else has changed the function since."""
    if function.code_sha256 == sha256(package()):
        return "up to date"
    if changed_outside(function, cloud.settled(stack.id)):
        return "changed outside of the stack"
    code = function_code()
    if stack.mark and stack.mark.code != template.code_hash(code):
        return f"of version {stack.mark.version}"
    return "up to date" if template.code_in(cloud.body(stack.id)) == code else "edited by hand"


def table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
