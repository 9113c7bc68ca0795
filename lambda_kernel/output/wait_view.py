"""Shows what a cell waits for, in one place, and takes it away again."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from typing import Any

from .style import small
from .terminal import ERASE_LINE

# xterm's control sequence DECAWM: a line that is cut at the edge of the terminal can be erased as one.
CUT_AT_EDGE = "\x1b[?7l{}\x1b[?7h"


def on_terminal(text: str) -> str:
    """What shows it in the last line; empty: what clears that line."""
    return CUT_AT_EDGE.format(text) if text else ERASE_LINE


class WaitView:
    """For one cell. send: a message; write: text for a terminal, None in a notebook."""

    def __init__(self, send: Callable[[str, dict[str, Any]], None], write: Callable[[str], None] | None) -> None:
        self._send, self._write = send, write
        self._key = ""

    def show(self, text: str, *, alone: bool) -> None:
        """alone: nothing else is shown for the cell."""
        if self._write:
            self._write(on_terminal(text))
        elif text:
            self._key = uuid.uuid4().hex
            self._display("display_data", text, small(html.escape(text)))
        elif alone:
            self._send("clear_output", {"wait": False})
        else:
            self._display("update_display_data", "", "")  # a front end cannot take one output of several away

    def _display(self, kind: str, text: str, page: str) -> None:
        data = {"text/plain": text, "text/html": page}
        content = {"data": data, "metadata": {"lambda_notice": "wait"}, "transient": {"display_id": self._key}}
        self._send(kind, content)
