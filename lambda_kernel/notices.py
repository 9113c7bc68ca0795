"""Notices as Jupyter displays: beside a cell's output, never in it."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from typing import Any

from .cell import Notice
from .display import SMALL

LINES = 50  # of one display: each update repeats those before


class Notices:
    """Those of one cell. In a notebook neighbours of one code share a display, since JupyterLab shows 50 outputs of a
    cell (maxNumberOutputs); a terminal's front end shows no updates (jupyter_console 6.6).

    begin_line: what has to be printed first for a line of its own; line_end: what the front end itself does not add.
    """

    def __init__(
        self,
        send: Callable[[str, dict[str, Any]], None],
        begin_line: Callable[[], str],
        line_end: str,
        *,
        terminal: bool,
    ) -> None:
        self._send, self._begin_line, self._line_end, self._terminal = send, begin_line, line_end, terminal
        self._neighbours: list[Notice] = []
        self._key = ""
        self._seen: list[Notice] = []  # on the terminal's screen
        self._covered: list[Notice] = []

    def show(self, notice: Notice) -> None:
        if self._terminal:
            self._seen.append(notice)
            self._display("display_data", [notice])
        elif self._neighbours and self._neighbours[0].code == notice.code and len(self._neighbours) < LINES:
            self._neighbours.append(notice)
            self._display("update_display_data", self._neighbours)
        else:
            self._neighbours, self._key = [notice], uuid.uuid4().hex
            self._display("display_data", self._neighbours)

    def part(self) -> None:
        """Something else is shown: what comes below it is no neighbour of what stands above."""
        self._neighbours = []

    def cover(self) -> None:
        """A live view has taken the whole screen."""
        self._covered += self._seen
        self._seen = []

    def uncover(self) -> None:
        """The view is over: what it has hidden is shown below it."""
        covered, self._covered = self._covered, []
        for notice in covered:
            self.show(notice)

    def _display(self, kind: str, notices: list[Notice]) -> None:
        data = notice_data(notices)
        data["text/plain"] = f"{self._begin_line()}{data['text/plain']}{self._line_end}"
        transient = {} if self._terminal else {"display_id": self._key}
        metadata = {"lambda_notice": notices[0].code}
        self._send(kind, {"data": data, "metadata": metadata, "transient": transient})


def notice_data(notices: list[Notice]) -> dict[str, str]:
    """Neighbours as display data: bash's messages are left as they are, with their columns, the rest is prose."""
    job = notices[0].code == "job"
    text = "\n".join(notice.text if job else f"[{notice.text}]" for notice in notices)
    lines = html.escape("\n".join(notice.text for notice in notices))
    style = f"{SMALL}; white-space: pre-wrap" + ("; font-family: var(--jp-code-font-family, monospace)" if job else "")
    return {"text/plain": text, "text/html": f'<div style="{style}">{lines}</div>'}
