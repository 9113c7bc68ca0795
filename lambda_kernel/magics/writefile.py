"""%%writefile: the rest of the cell as a file of the environment."""

from __future__ import annotations

from ..cell import Cell, Output, Result
from ..files import errand, save
from .base import Call, Command, Magic, wrong


def run(call: Call) -> str:
    """The file's name."""
    words = call.words[1:] if call.words[:1] == ["-a"] else call.words
    if len(words) != 1 or not words[0]:
        raise wrong(MAGIC)
    return words[0]


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """Its last line gets an end, which notebooks do not keep."""
    name = run(call)
    text = cell.code if cell.code.endswith("\n") or not cell.code else f"{cell.code}\n"
    with errand(call.workspace, call.emit, call.control, call.tally) as environment:
        told = save(text, name, environment, append=len(call.words) > 1)
    call.emit(Output("stdout", told.encode("utf-8", "replace")))
    return None


MAGIC = Magic(
    "writefile",
    "[-a] PATH",
    "write the rest of the cell to a file in the environment; -a: append it",
    run,
    cell=True,
    take=take,
    text=True,
)
