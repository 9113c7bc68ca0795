"""Views that are drawn again and again in one place: their pace, their colours, and what has changed between two."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from .cell import Control, Emit
from .errors import UsageError
from .function import look
from .function.display import CLEAR, END, START
from .session import Session
from .tally import Tally

SECONDS = (0.1, 3600.0)  # one environment takes ten invocations a second (Lambda quotas)
BARS = "▁▂▃▄▅▆▇█"
# ECMA-48: control sequences, operating system commands, and other escapes.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
DISPLAYED = re.compile(rf"{re.escape(START)}\w*;\w*;0[+.][\x20-\x7e]*{END}")
# What `clear` prints, here and as ncurses has it for TERM: all before it is gone.
CLEARED = re.compile(rf"{re.escape(START)}\w*;\w*;0\.{re.escape(CLEAR)}{END}|\x1b\[H\x1b\[2?J")
NOT_SHOWN = "[`display` shows nothing in a view that is drawn again and again]"
CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])

# A style's codes on a terminal, and its CSS with the colours of JupyterLab's theme, dark or light.
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

Part = tuple[str, str]  # a style or none, and text
Line = list[Part]


@dataclass(frozen=True)
class Pace:
    """Seconds from one to the next, and how many there will be; None: until an interrupt."""

    seconds: float
    count: int | None


def pace(words: list[str], usage: UsageError, seconds: float, attended: bool) -> Pace:
    """`-n SECONDS` and `-c COUNT`. Nobody ends a view that nobody attends: it is drawn once."""
    count = None if attended else 1
    for name, value in zip_longest(words[::2], words[1::2]):
        if name == "-n" and value and re.fullmatch(r"\d{1,4}(\.\d{1,3})?", value):
            seconds = float(value)
        elif name == "-c" and value and re.fullmatch(r"[1-9]\d{0,5}", value):
            count = int(value)
        else:
            raise usage
    least, most = SECONDS
    return Pace(min(max(seconds, least), most), count)


def rounds(
    pace: Pace, control: Control, clock: Callable[[], float], limit: float | None = None
) -> Iterator[tuple[int, float | None]]:
    """1, 2, 3 … at that pace, until the user interrupts or the limit of so many seconds is over; and what is left of
    it."""
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
        control.wait(max((due if end is None else min(due, end)) - clock(), 0))


def ask(session: object, name: str, emit: Emit, control: Control, tally: Tally, **arguments: Any) -> Any:
    """What look.py says of the environment. Raises errors.KernelError."""
    if not isinstance(session, Session):
        raise UsageError("the 2018 article's function only runs commands, and cannot be looked into: %use another one")
    return session.ask(_code(), name, emit, control, tally, **arguments)


@cache
def _code() -> str:
    return Path(look.__file__).read_text(encoding="utf-8")


def plain_lines(text: str) -> list[str]:
    """As a terminal would leave them, without colours."""
    text = DISPLAYED.sub(NOT_SHOWN, CLEARED.split(text)[-1])
    lines = (ESCAPES.sub("", line).rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return [line.expandtabs().translate(CONTROLS) for line in lines]


def marked(before: list[str] | None, lines: list[str]) -> list[Line]:
    """The characters that are not what stood in their places before, as `watch -d` marks them."""
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
    """A history in a line, against the largest that there can be, or that there was."""
    most = max(most, *values, 1e-9)
    return "".join(BARS[int(min(max(value, 0) / most, 1) * (len(BARS) - 1) + 0.5)] for value in values)
