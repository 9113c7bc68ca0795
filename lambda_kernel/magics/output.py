"""%%output: the whole output of a cell in a local file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from ..errors import UsageError
from ..output.to_file import Writer
from ..session.cell import Cell, Notice, Result
from ..transfer import Local, on_this_machine
from .arguments import Argument, nonempty
from .base import Call, Command, Magic


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    if not cell.code.strip():
        return None
    path = on_this_machine(call.options.file)
    name = Local().name(os.fsencode(path))
    with writes(name):
        if path.is_fifo():  # to open it would wait for a reader, and hear no interrupt
            raise UsageError(f"cannot write {name} on this machine: it is a named pipe")
        file = path.open("wb")
    try:
        with writes(name), file:
            writer = Writer(file, name, call.emit, call.workspace.clock)
            result = command(replace(cell, bound=None), writer)
            writer.finish()
            return result
    finally:
        if path.is_file():
            call.emit(Notice(f"{path.stat().st_size:,} bytes were written to {name}", "file"))


@contextlib.contextmanager
def writes(name: str) -> Iterator[None]:
    """Turn an OSError while writing a local file into a UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {name} on this machine: {error.strerror}") from error


MAGIC = Magic(
    "output",
    "write the cell's whole stdout to a file on this machine",
    arguments=(
        Argument("file", "on this machine; an existing file is replaced", "FILE", read=nonempty, kinds=("local path",)),
    ),
    take=take,
    more="The file gets every byte, whatever the size. stderr and notices are shown as usual.",
    examples=(("%%output ~/all.log\ndmesg", "keep the kernel's messages"),),
)
