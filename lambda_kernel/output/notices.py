"""Notices as Jupyter displays, separate from a cell's output."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable, Collection
from typing import Any

from ..session.cell import Notice, NoticeCode
from ..untrusted import visible
from .style import BARRED, CODE_FONT, EDGE, SMALL, STRONG, at_edge
from .terminal import wrapped

CHARACTERS = 4_000
LINES = 50  # of one display: each update repeats the earlier ones
# Something is gone, or goes wrong. The others are good to know.
WARNINGS: Collection[NoticeCode] = frozenset(
    {"credentials", "environment", "isolation", "retry", "shell", "signal", "truncated"}
)


class Notices:
    """The notices of one cell.

    In a notebook, notices with the same code that follow each other share a display, since JupyterLab shows only 50
    outputs of a cell (maxNumberOutputs). A terminal shows no updates of displays (jupyter_console 6.6).

    begin_line: what to print first in order to begin a line; line_end: the line end that the front end does not add.
    """

    def __init__(
        self,
        send: Callable[[str, dict[str, Any]], None],
        begin_line: Callable[[], str],
        line_end: str,
        *,
        terminal: bool,
        columns: int | None = None,
    ) -> None:
        self._columns = columns
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
        """Something else is shown, so the next notice begins a new display."""
        self._neighbours = []

    def cover(self) -> None:
        """A live view covers the screen."""
        self._covered += self._seen
        self._seen = []

    def uncover(self) -> None:
        """The live view is over. Show the notices that it has covered below it."""
        covered, self._covered = self._covered, []
        for notice in covered:
            self.show(notice)

    def _display(self, kind: str, notices: list[Notice]) -> None:
        data = notice_data(notices)
        text = wrapped(data["text/plain"], self._columns)
        data["text/plain"] = f"{self._begin_line()}{text}{self._line_end}"
        transient = {} if self._terminal else {"display_id": self._key}
        metadata = {"lambda_notice": notices[0].code}
        self._send(kind, {"data": data, "metadata": metadata, "transient": transient})


def notice_data(notices: list[Notice]) -> dict[str, str]:
    """Notices as display data. bash's messages keep their columns."""
    job = notices[0].code == "job"
    texts = [visible(notice.text, CHARACTERS, "\n\t") for notice in notices]  # parts of it come from outside
    text = "\n".join(one if job else f"[{one}]" for one in texts)
    lines = "\n".join(folded(html.escape(one), notice.more) for one, notice in zip(texts, notices, strict=True))
    warning = notices[0].code in WARNINGS
    style = f"{SMALL}; white-space: pre-wrap" + (f"; {CODE_FONT}" if job else f"; color: {STRONG}" if warning else "")
    return {"text/plain": text, "text/html": at_edge(lines, style, edge=BARRED if warning else EDGE)}


def folded(line: str, more: str) -> str:
    """HTML of a notice. What else there is to say is shown on a click."""
    return f"<details><summary>{line}</summary><div>{html.escape(more)}</div></details>" if more else line
