"""Draws the charts of one cell's programs, while the cell goes on."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Callable
from typing import Any

from ..session.cell import Control, Notice, Shown, ended_from_now
from ..untrusted import visible
from .pages import Chart, as_json
from .plots import still
from .plots.draw import SCALE

MOST = 20  # charts of a cell
SECONDS = 10.0  # for each
WAITS = {"text/plain": "<a chart, which is being drawn>"}
AS_JSON = "the chart is shown as JSON: {why}"
NO_CHART = "it is no specification of Vega-Lite"
TOO_MANY = f"at most {MOST} of a cell are drawn"
NO_LIBRARY = "`pip install 'lambda-kernel[plots]'` and a restart bring what draws it"
NO_PICTURES = "a notebook draws it"
LOADS = "it loads data, and nothing is loaded for a chart: put the values into it"
ALT_CHARACTERS = 200
Draw = Callable[[Any, Callable[[], bool], float], bytes]


class Charts:
    """Shows a picture in the place of each chart, or its specification as JSON and why. A program may be hostile: what
    draws is a process with bounds, and one chart is drawn at a time.

    pictures: whether the front end shows them. available: whether there is a library that draws.
    """

    def __init__(
        self,
        show: Callable[[Shown], None],
        notify: Callable[[Notice], None],
        control: Control,
        *,
        pictures: bool = True,
        available: Callable[[], bool] = still.available,
        draw: Draw = still.png,
    ) -> None:
        self._show, self._notify, self._control = show, notify, control
        self._pictures, self._available, self._png = pictures, available, draw
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = asyncio.Lock()

    def add(self, chart: Chart) -> None:
        """Called in the event loop."""
        if why := self._refusal(chart.spec):
            self._refuse(chart, why)
            return
        self._show(Shown(chart.key, WAITS))
        drawing = self._draw(chart, ended_from_now(self._control))
        self._tasks.append(asyncio.get_running_loop().create_task(drawing))

    def clear(self) -> None:
        """The cell's output is cleared, and the charts in it are not wanted any longer."""
        for task in self._tasks:
            task.cancel()

    async def finish(self) -> None:
        """Wait until all are drawn."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _refusal(self, spec: Any) -> str:
        if not self._pictures:
            return NO_PICTURES
        if not self._available():
            return NO_LIBRARY
        if len(self._tasks) == MOST:
            return TOO_MANY
        if not isinstance(spec, dict):
            return NO_CHART
        return LOADS if loads(spec) else ""

    async def _draw(self, chart: Chart, stopped: Callable[[], bool]) -> None:
        try:
            async with self._turn:
                picture = await asyncio.to_thread(self._png, chart.spec, stopped, SECONDS)
        except still.NotDrawn as error:
            self._refuse(chart, str(error))
        else:
            self._show(Shown(chart.key, *forms(chart.spec, picture)))

    def _refuse(self, chart: Chart, why: str) -> None:
        self._show(Shown(chart.key, as_json(chart.spec)))
        self._notify(Notice(AS_JSON.format(why=why), "hint"))


def loads(spec: Any) -> bool:
    """Whether it names data to load. Values may have a field of that name."""
    if isinstance(spec, list):
        return any(map(loads, spec))
    if not isinstance(spec, dict):
        return False
    data = spec.get("data")
    named = isinstance(data, dict) and "url" in data
    return named or any(loads(inner) for name, inner in spec.items() if name not in ("values", "datasets"))


def forms(spec: Any, picture: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Display data and metadata: its size, since its pixels are finer, and words for those who do not see it."""
    words = titled(spec)
    width, height = (pixels // SCALE for pixels in struct.unpack_from(">II", picture, 16))
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": f"<a chart{words and ': '}{words}>"}
    return data, {"image/png": {"width": width, "height": height, "alt": words or "a chart"}}


def titled(spec: Any) -> str:
    """Its description or title, which is text, lines of text, or an object with that (Vega-Lite, TitleParams)."""
    title = spec.get("title")
    text = spec.get("description") or (title.get("text") if isinstance(title, dict) else title)
    lines = text if isinstance(text, list) else [text]
    return visible(" ".join(line for line in lines if isinstance(line, str)), ALT_CHARACTERS)
