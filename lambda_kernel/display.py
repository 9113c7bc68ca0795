"""What a front end shows: text from bytes, and the line that reports on a cell."""

from __future__ import annotations

import codecs
import html
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .cell import Cleared, Happening, InputEnded, LeftOut, Notice, Output, Progress, Shown
from .news import cell
from .rich import Bundles
from .tally import Tally

Send = Callable[[str, str], None]

INPUT_ENDED = "the cell read its input, which is at its end: give it some with `<<< text`, `< file` or a pipe"
HELD_BACK = "background jobs write in between too often: the rest of their output comes at this cell's end"
TURNS = 10  # of jobs: JupyterLab shows 50 outputs of a cell (maxNumberOutputs), and each turn and its end make four
# The look of the report and of notices: a theme's second colour, and as far from the margin as JupyterLab's text.
SMALL = "font-size: 85%; padding-left: var(--jp-code-padding, 0); color: var(--jp-ui-font-color2, gray)"


@dataclass
class _Source:
    """What comes from one writer: its half characters and half displays are not another's."""

    bundles: Bundles
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))


class Streams:
    """Turns happenings into stream text, a character never cut, and what `display` printed: send(stream name, text).

    name: of the cell, for the keys of what is shown; ours: whether a shell of this name is the kernel's; clear: takes
    away what was shown.
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
    ) -> None:
        self._send, self._show, self._name, self._ours = send, show, name, ours
        self._notify, self._clear = notify, clear
        self._sources: dict[tuple[str, int | None], _Source] = {}  # by stream and background job
        self._job: int | None = None
        self._turns = 0  # of background jobs
        self._held: list[Output] = []
        self._at_line_start = True

    def show(self, happening: Happening) -> None:
        if isinstance(happening, Output):
            self._output(happening)
        elif isinstance(happening, LeftOut):
            self._flush(gap=True)
            self._notify(Notice(left_out(happening), "truncated"))
        elif isinstance(happening, InputEnded):
            self._notify(Notice(INPUT_ENDED, "input-ended"))
        elif isinstance(happening, Notice):
            self._notify(happening)

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
        """What has to be written first by who wants to begin a line after the output."""
        begun, self._at_line_start = self._at_line_start, True
        return "" if begun else "\n"

    def _output(self, output: Output) -> None:
        """A job that has no turn any more has to wait."""
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
            self._sources[stream, job] = _Source(Bundles(self._name, self._ours))
        return self._sources[stream, job]

    def _parts(self, stream: str, parts: Iterable[str | Shown | Notice | Cleared]) -> None:
        for part in parts:
            if isinstance(part, str):
                self._plain(stream, part)
            elif isinstance(part, Notice):
                self._notify(part)
            elif isinstance(part, Cleared):
                self._at_line_start = True
                self._clear()
            else:
                self._show(part)

    def _plain(self, stream: str, text: str) -> None:
        if text:
            self._at_line_start = text.endswith("\n")
            self._send(stream, text)


def left_out(gap: LeftOut) -> str:
    size = f"{gap.bytes / 1e6:,.1f} MB" if gap.bytes >= 100_000 else f"{gap.bytes:,} bytes"
    return f"{gap.lines:,} lines, {size} left out: %limit sets how much is shown, %%output FILE keeps all"


def progress_data(progress: Progress) -> dict[str, str]:
    """The state of a transfer as display data. How much there will be is known at the end only."""
    rate = progress.bytes / progress.seconds / 1e6 if progress.seconds else 0
    line = f"{progress.path}: {progress.bytes / 1e6:,.1f} MB, {rate:,.1f} MB/s"
    bar = "" if progress.done else "<progress></progress> "
    return {"text/plain": line, "text/html": f"{bar}{html.escape(line)}"}


CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J"  # xterm's control sequences: CUP, and ED, also of what has scrolled off


def on_screen(data: dict[str, str]) -> dict[str, str]:
    """Its text from the top of the screen on, over what stands there and cut at the screen's edge, as top and watch do
    it (xterm's control sequences: CUP, EL, ED, and DECAWM off and on)."""
    text = data["text/plain"].replace("\n", "\n\x1b[K")
    return data | {"text/plain": f"\x1b[H\x1b[?7l\x1b[K{text}\x1b[?7h\n\x1b[J"}


def report_data(tally: Tally, wall_ms: float, exit_code: int | None, where: str, full: bool) -> dict[str, str]:
    """The report as display data: one line of text, and small HTML."""
    line = report_line(tally, wall_ms, exit_code, where, full)
    return {"text/plain": line, "text/html": f'<span style="{SMALL}">{html.escape(line)}</span>'}


def report_line(tally: Tally, wall_ms: float, exit_code: int | None, where: str, full: bool) -> str:
    """Such as `6.91 ms · billed 7 ms · 82 of 128 MB · local`, and what was out of the ordinary."""
    figures = tally.totals
    parts = [milliseconds(figures.duration_ms)] if figures else [f"{milliseconds(wall_ms)} wall time"]
    if figures and figures.billed_duration_ms is not None:
        parts.append(f"billed {milliseconds(figures.billed_duration_ms)}")
    if figures and figures.max_memory_used_mb is not None:
        parts.append(f"{figures.max_memory_used_mb} of {figures.memory_size_mb} MB")
    if figures and figures.init_duration_ms is not None:
        parts.append(f"cold start {milliseconds(figures.init_duration_ms)}")
    if exit_code:
        parts.append(f"exit code {exit_code}")
    if tally.invocations > 1:
        parts.append(f"{tally.invocations} invocations")
    if tally.measured:
        parts.append("measured by the function")
    if tally.replaced:
        parts.append("new environment")
    if full:
        ids = tally.first_ids[:1] + tally.last_ids[-1:]
        parts += [
            f"{milliseconds(wall_ms)} wall time",
            f"environment {tally.environment_id}",
            f"request {' … '.join(ids)}",
        ]
    return " · ".join([*parts, where])


def failure(exit_code: int) -> str:
    """bash's way with exit codes above 128: the command died of a signal (bash(1), EXIT STATUS)."""
    try:
        name = signal.Signals(exit_code - 128).name
    except ValueError:
        return f"exit code {exit_code}"
    return f"exit code {exit_code} ({name})"


def milliseconds(value: float) -> str:
    """As Lambda's REPORT line has them, with two decimals; what takes longer reads better in seconds or minutes."""
    if value >= 60_000:
        return f"{value / 60_000:.1f} min"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.2f}".rstrip("0").rstrip(".") + " ms"


def metadata(tally: Tally, wall_ms: float, exit_code: int | None, function: str, region: str) -> dict[str, Any]:
    """The `lambda` object of the display's and the reply's metadata."""
    figures = {"wall_ms": round(wall_ms, 2), "exit_code": exit_code, "cost_usd": tally.cost_usd(region)}
    return {"lambda": {"function": function, "region": region, **tally.metadata(), **figures}}
