"""%%writefile: write the rest of the cell to a file in the environment."""

from __future__ import annotations

from ..session.cell import Cell, Output, Result
from ..transfer import open_remote_side, save
from .arguments import Argument, nonempty
from .base import Call, Command, Magic


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """Add the newline at the end, which notebooks do not keep."""
    text = cell.code if cell.code.endswith("\n") or not cell.code else f"{cell.code}\n"
    with open_remote_side(call.workspace, call.context) as environment:
        message = save(text, call.options.path, environment, append=call.options.a)
    call.emit(Output("stdout", message.encode("utf-8", "replace")))
    return None


MAGIC = Magic(
    "writefile",
    "write the rest of the cell to a file in the environment",
    arguments=(
        Argument("-a", "append to an existing file, which is replaced otherwise"),
        Argument("path", "in the environment", "PATH", read=nonempty, kinds=("remote path",)),
    ),
    take=take,
    text=True,
    more="`%%file` does the same.",
    examples=(("%%writefile /tmp/hello.py\nprint('hello')", "write a script"),),
)
