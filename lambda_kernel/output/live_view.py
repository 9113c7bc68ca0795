"""Live views, refreshed in place: their interval, their colours, and marks for what has changed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from types import ModuleType
from typing import Any, TypeVar

from ..aws.client_errors import garbled
from ..function.sent import joined, source, system
from ..function.sent.display import CLEAR, END, START
from ..session.cell import Control
from ..session.context import Context
from ..untrusted import Reader, Unfit
from ..workspace.workspace import AnySession

BARS = "▁▂▃▄▅▆▇█"
# ECMA-48: control sequences, operating system commands, and other escapes.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
DISPLAYED = re.compile(rf"{re.escape(START)}\w*;\w*;0[+.][\x20-\x7e]*{END}")
# What our `clear` prints, and what ncurses prints for TERM. Everything before it is dropped.
CLEARED = re.compile(rf"{re.escape(START)}\w*;\w*;0\.{re.escape(CLEAR)}{END}|\x1b\[H\x1b\[2?J")
NOT_SHOWN = "[`display` does not work in a live view]"
CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])

# Each style: its code on a terminal, and its CSS with the colours of JupyterLab's theme.
STYLES = {
    "changed": ("7", "color: var(--jp-layout-color0, white); background: var(--jp-content-font-color1, black)"),
    "head": ("1", "font-weight: bold"),
    "dim": ("2", "color: var(--jp-content-font-color2, gray)"),
    "good": ("32", "color: var(--jp-success-color1, green)"),
    "warm": ("33", "color: var(--jp-warn-color1, darkorange)"),
    "hot": ("31", "color: var(--jp-error-color1, red)"),
}
PRE = (
    "margin: 0; padding-left: var(--jp-code-padding, 0); line-height: 1.3; white-space: pre; overflow-x: auto; "
    "font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px)"
)

T = TypeVar("T")
Part = tuple[str, str]  # a style or none, and text
Line = list[Part]


@dataclass(frozen=True)
class RefreshInterval:
    """Seconds between two refreshes, and their number; None: until an interrupt."""

    seconds: float
    count: int | None


def rounds(
    pace: RefreshInterval, control: Control, clock: Callable[[], float], limit: float | None = None
) -> Iterator[tuple[int, float | None]]:
    """Yield 1, 2, 3 … at that interval, with the seconds that are left of the limit.

    It ends when the user interrupts or the limit is reached.
    """
    number, due = 0, clock()
    end = None if limit is None else due + limit
    while not control.interrupts:
        left = None if end is None else end - clock()
        if left is not None and left <= 0:
            return
        number += 1
        yield number, left
        if number == pace.count:
            return
        due = max(due + pace.seconds, clock())
        _wait(control, max((due if end is None else min(due, end)) - clock(), 0))
    control.take()


def _wait(control: Control, seconds: float) -> None:
    """If the round's own waits have heard of an interrupt, the next one would last its whole time."""
    if not control.interrupts:
        control.wait(seconds)


def ask(
    session: AnySession,
    question: tuple[str, Reader[T]],
    context: Context,
    *,
    modules: Sequence[ModuleType] = (system,),
    **arguments: Any,
) -> T:
    """Call a function of code that is sent along. question: its name, and the reader of its answer.

    Raises errors.KernelError.
    """
    name, reader = question
    try:
        return reader(session.query(joined(map(source, modules)), name, context, **arguments))
    except Unfit:
        raise garbled(session.transport.function) from None


def plain_lines(text: str) -> list[str]:
    """The lines as a terminal would show them at the end, without colours."""
    text = DISPLAYED.sub(NOT_SHOWN, CLEARED.split(text)[-1])
    lines = (ESCAPES.sub("", line).rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return [line.expandtabs().translate(CONTROLS) for line in lines]


def marked(before: list[str] | None, lines: list[str]) -> list[Line]:
    """Mark the characters that have changed since the last refresh, as `watch -d` does."""
    if before is None:
        return [[("", line)] for line in lines]
    return [_marked(old, new) for old, new in zip_longest(before[: len(lines)], lines, fillvalue="")]


def _marked(old: str, new: str) -> Line:
    pairs = zip(new, old.ljust(len(new)), strict=False)
    runs = groupby(pairs, key=lambda pair: pair[0] != pair[1])
    return [("changed" if changed else "", "".join(new for new, _ in run)) for changed, run in runs]


def data(lines: list[Line]) -> dict[str, str]:
    """Lines as display data, for a terminal and for a notebook."""
    text = "\n".join("".join(_ansi(*part) for part in line) for line in lines)
    inner = "\n".join("".join(_html(*part) for part in line) for line in lines)
    return {"text/plain": text, "text/html": f'<pre style="{PRE}">{inner}</pre>'}


def _ansi(style: str, text: str) -> str:
    return f"\x1b[{STYLES[style][0]}m{text}\x1b[0m" if style else text


def _html(style: str, text: str) -> str:
    return f'<span style="{STYLES[style][1]}">{html.escape(text)}</span>' if style else html.escape(text)


def spark(values: list[float], most: float = 0) -> str:
    """A history as a line of bars. most: the value of a full bar; else the largest value."""
    most = max(most, *values, 1e-9)
    return "".join(BARS[int(min(max(value, 0) / most, 1) * (len(BARS) - 1) + 0.5)] for value in values)
