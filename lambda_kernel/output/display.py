"""What a front end shows: text made from bytes, and the metadata of a cell."""

from __future__ import annotations

import codecs
import html
import re
import signal
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..aws.usage import ENDS, Key, Usage
from ..session.cell import CellEvent, Cleared, InputEnded, Notice, Output, Progress, Shown, Truncated
from ..session.replacement import cell
from .amount import left_out
from .pages import Chart, Pages, Raw, as_json
from .rich_display import DisplayParser
from .style import normal
from .terminal import cut, wrapped

Send = Callable[[str, str], None]

INPUT_ENDED = "the command read stdin, but there is no input: give it some with `<<< text`, `< file` or a pipe"
HELD_BACK = "background jobs interrupt this output too often: the rest of theirs follows at the end of the cell"
QUOTED = re.compile(r"`[^`\n]*`")
COLUMNS = 72  # of an error; a notebook is rarely narrower
TURNS = 10  # of jobs: JupyterLab shows 50 outputs of a cell (maxNumberOutputs), and each turn makes up to four


@dataclass
class _Source:
    """One writer's output. Its incomplete characters and displays are kept apart from those of other writers."""

    bundles: DisplayParser
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))


class Streams:
    """Turns events into stream text, with whole characters, and into displays: send(stream name, text).

    name: of the cell, for the keys of displays; ours: whether a shell of that name is this kernel's; clear: clears the
    output; draw: shows a chart, which is shown as JSON otherwise.
    """

    def __init__(
        self,
        send: Send,
        show: Callable[[Shown], None] = lambda shown: None,
        name: str = "",
        ours: Callable[[str], bool] = lambda shell: False,
        *,
        notify: Callable[[Notice], None] = lambda notice: None,
        clear: Callable[[], None] = lambda: None,
        draw: Callable[[Chart], None] | None = None,
    ) -> None:
        self._send, self._show, self._name, self._ours = send, show, name, ours
        self._notify, self._clear, self._draw = notify, clear, draw or self._as_json
        self._pages = Pages()
        self._sources: dict[tuple[str, int | None], _Source] = {}  # by stream and background job
        self._job: int | None = None
        self._turns = 0  # of background jobs
        self._held: list[Output] = []
        self._at_line_start = True

    def show(self, cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output):
            self._output(cell_event)
        elif isinstance(cell_event, Truncated):
            self._flush(gap=True)
            self._notify(left_out(cell_event))
        elif isinstance(cell_event, InputEnded):
            self._notify(Notice(INPUT_ENDED, "input-ended"))
        elif isinstance(cell_event, Notice):
            self._notify(cell_event)

    def finish(self) -> None:
        held, self._held = self._held, []
        for output in sorted(held, key=lambda output: output.job or 0):
            self._write(output)
        self._flush(gap=False)

    def _flush(self, gap: bool) -> None:
        for (stream, _), source in self._sources.items():
            self._parts(stream, source.bundles.feed(source.decoder.decode(b"", True)))
            self._parts(stream, source.bundles.gap() if gap else source.bundles.finish())

    def begin_line(self) -> str:
        """What to write first in order to begin a new line after the output."""
        begun, self._at_line_start = self._at_line_start, True
        return "" if begun else "\n"

    def _output(self, output: Output) -> None:
        """A job that has used up its turns has to wait."""
        turn = output.job is not None and output.job != self._job
        if turn and self._turns == TURNS:
            if not self._held:
                self._notify(Notice(f"[{HELD_BACK}]", "job"))
            self._held.append(output)
            return
        self._turns += turn
        self._write(output)

    def _write(self, output: Output) -> None:
        if output.job != self._job:
            self._job = output.job
            whose = "this cell" if output.job is None else f"a background job of {cell(output.job)}"
            self._notify(Notice(f"[{whose}]", "job"))
        source = self._source(output.stream, output.job)
        self._parts(output.stream, source.bundles.feed(source.decoder.decode(output.data)))

    def _source(self, stream: str, job: int | None) -> _Source:
        if (stream, job) not in self._sources:
            self._sources[stream, job] = _Source(DisplayParser(self._name, self._ours))
        return self._sources[stream, job]

    def _parts(self, stream: str, parts: Iterable[str | Raw | Notice | Cleared]) -> None:
        for part in parts:
            if isinstance(part, str):
                self._plain(stream, part)
            elif isinstance(part, Notice):
                self._notify(part)
            elif isinstance(part, Cleared):
                self._at_line_start = True
                self._clear()
            else:
                self._raw(part)

    def _raw(self, raw: Raw) -> None:
        for part in self._pages.parts(raw):
            if isinstance(part, Notice):
                self._notify(part)
            elif isinstance(part, Chart):
                self._draw(part)
            else:
                self._show(part)

    def _as_json(self, chart: Chart) -> None:
        self._show(Shown(chart.key, as_json(chart.spec)))

    def _plain(self, stream: str, text: str) -> None:
        if text:
            self._at_line_start = text.endswith("\n")
            self._send(stream, text)


def progress_data(progress: Progress) -> dict[str, str]:
    """The state of a transfer as display data. The total is known only at the end."""
    rate = progress.bytes / progress.seconds / 1e6 if progress.seconds else 0
    line = f"{progress.path}: {progress.bytes / 1e6:,.1f} MB, {rate:,.1f} MB/s"
    bar = "" if progress.done else "<progress></progress> "
    return {"text/plain": line, "text/html": normal(f"{bar}{html.escape(line)}")}


CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J"  # xterm's control sequences CUP and ED, also for the scrollback


def on_screen(data: dict[str, str], columns: int | None = None) -> dict[str, str]:
    """Its text for a terminal, drawn from the top of the screen and cut at its edge, as top and watch do.

    It uses xterm's control sequences CUP, EL, ED, and DECAWM off and on.
    """
    text = cut(data["text/plain"], columns).replace("\n", "\n\x1b[K")
    return data | {"text/plain": f"\x1b[H\x1b[?7l\x1b[K{text}\x1b[?7h\n\x1b[J"}


def failure(exit_code: int) -> str:
    """An exit code for people. Above 128, a signal killed the command (bash(1), EXIT STATUS)."""
    try:
        name = signal.Signals(exit_code - 128).name
    except ValueError:
        return f"exit code {exit_code}"
    return f"exit code {exit_code} ({name})"


def error(text: str, terminal: bool, columns: int | None = None) -> str:
    """An error's words. A notebook has a background for them, on which red is hard to read (JupyterLab 4: 2.7:1).

    JupyterLab breaks lines within words, so its lines end before that. A command to paste stays in one line.
    """
    if terminal:
        return f"\x1b[31m{wrapped(text, columns)}\x1b[0m"
    whole = QUOTED.sub(lambda quoted: quoted[0].replace(" ", "\0"), text)
    lines = (textwrap.fill(line, COLUMNS, break_long_words=False, break_on_hyphens=False) for line in whole.split("\n"))
    return "\n".join(lines).replace("\0", " ")


def metadata(usage: Usage, wall_ms: float, exit_code: int | None, function: str, region: str) -> dict[str, Any]:
    """The `lambda` object of the display's and the reply's metadata."""
    figures = {"wall_ms": round(wall_ms, 2), "exit_code": exit_code, "cost_usd": usage.cost_usd(region)}
    return {"lambda": {"function": function, "region": region, **usage.metadata(), **figures}}


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "function": Key("string", "the function's name, as it was given to the kernel"),
        "region": Key("string", "its AWS region, or `local`"),
        "environment_id": Key("string or null", "lambda-kernel's name for the execution environment"),
        "request_ids": Key(
            "list of strings", f"Lambda's request ids; if there are many, the first {ENDS} and the last {ENDS}"
        ),
        "invocations": Key("integer", "how many invocations the cell took"),
        "duration_ms": Key("number or null", "Duration, summed over all invocations"),
        "billed_duration_ms": Key("number or null", "Billed Duration, summed over all invocations"),
        "init_duration_ms": Key(
            "number or null",
            "Init Duration of a cold start, also of one by Tab before the cell; null if the environment was warm",
        ),
        "memory_size_mb": Key("integer or null", "Memory Size, in MB of 1,024 KB"),
        "max_memory_used_mb": Key(
            "integer or null",
            "Max Memory Used, the largest of all invocations; on AWS some 10 MB of it are a process of Lambda's",
        ),
        "measured_by": Key(
            "string", "`lambda`, or `function` if the log had no REPORT line and the function measured by itself"
        ),
        "wall_ms": Key("number", "from the cell's start to its end, as the kernel saw it"),
        "exit_code": Key("integer or null", "the command's exit code; null if it is not known"),
        "cost_usd": Key("number or null", "an estimate in US dollars from list prices; null if a price is not known"),
    }
)
