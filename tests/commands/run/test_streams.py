"""What a script's caller sees of a wait."""

from __future__ import annotations

import os
import tty

from lambda_kernel.commands.run.streams import Streams
from lambda_kernel.session.cell import CellEvent, Output, Waiting

WAITS: list[CellEvent] = [
    Output("stderr", b"oops"),
    Waiting("Waiting for `shell`."),
    Waiting(""),
    Output("stderr", b"!"),
]


def test_on_a_terminal_it_is_told_and_cleared() -> None:
    user, program = os.openpty()
    tty.setraw(program)
    out, write = os.pipe()
    try:
        streams = Streams(write, program)
        for cell_event in WAITS:
            streams.show(cell_event)
        seen = b""
        while not seen.endswith(b"!"):  # a terminal passes on what it has
            seen += os.read(user, 1_000)
        assert seen == b"oops\n\x1b[?7lWaiting for `shell`.\x1b[?7h\r\x1b[K!"
    finally:
        for descriptor in (user, program, out, write):
            os.close(descriptor)


def test_a_log_gets_nothing_of_it() -> None:
    read, write = os.pipe()
    try:
        streams = Streams(write, write)
        for cell_event in WAITS:
            streams.show(cell_event)
        assert os.read(read, 1_000) == b"oops!"
    finally:
        os.close(read)
        os.close(write)
