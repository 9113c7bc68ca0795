"""A script's output: its bytes as they come, and on stderr what lambda-kernel says."""

from __future__ import annotations

import os

from ...output.display import INPUT_ENDED
from ...output.wait_view import on_terminal
from ...session.cell import CellEvent, InputEnded, Notice, Output, Waiting
from ...untrusted import visible

CHARACTERS = 4_000


class Streams:
    """out, err: file descriptors."""

    def __init__(self, out: int = 1, err: int = 2) -> None:
        self._descriptors = {"stdout": out, "stderr": err}
        self._terminal = os.isatty(err)
        self._same = os.isatty(out) and self._terminal
        self._at_line_start = True  # on stderr, or on the terminal that shows both

    def show(self, cell_event: CellEvent) -> None:
        """Raises OSError, such as BrokenPipeError when the reader has ended."""
        if isinstance(cell_event, Output):
            self._write(cell_event.stream, cell_event.data)
        elif isinstance(cell_event, InputEnded):
            self.say(INPUT_ENDED)
        elif isinstance(cell_event, Waiting):
            self._wait(cell_event.text)
        elif isinstance(cell_event, Notice) and cell_event.code == "job":  # bash's own words
            self._line(visible(cell_event.text, CHARACTERS, "\t"))
        elif isinstance(cell_event, Notice) and cell_event.code != "shell":  # those are about the next cell
            self.say(cell_event.text)

    def say(self, text: str) -> None:
        """One line, which tells that it is not the script's."""
        self._line(f"lambda-kernel: {visible(' '.join(text.split()), CHARACTERS)}")

    def _wait(self, text: str) -> None:
        """A person sees it; a log would keep it."""
        if self._terminal:
            begin = "\n" if text and not self._at_line_start else ""
            self._write("stderr", f"{begin}{on_terminal(text)}".encode())
            self._at_line_start = True  # it is cleared before anything else is written

    def data(self, line: str) -> None:
        self._line(line)

    def _line(self, text: str) -> None:
        begin = "" if self._at_line_start else "\n"
        self._write("stderr", f"{begin}{text}\n".encode("utf-8", "replace"))

    def _write(self, stream: str, data: bytes) -> None:
        if data and (stream == "stderr" or self._same):
            self._at_line_start = data.endswith(b"\n")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptors[stream], rest) :]
