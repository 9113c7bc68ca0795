"""Shows in a cell how far the pull of an image is."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable

from ..images.progress import Progress
from ..session.cell import Emit, Shown

_INTERVAL_SECONDS = 0.5


class PullView:
    """One display, updated in place."""

    def __init__(self, emit: Emit, clock: Callable[[], float]) -> None:
        self._emit, self._clock = emit, clock
        self._key = uuid.uuid4().hex
        self._last: Progress | None = None
        self._due = 0.0

    @property
    def shown(self) -> bool:
        return self._last is not None

    def finish(self) -> None:
        """Say what was pulled, where anything was shown of it."""
        if self._last is not None:
            line = f"pulled {self._last.name}"
            self._emit(Shown(self._key, {"text/plain": line, "text/html": html.escape(line)}))

    def show(self, progress: Progress) -> None:
        if progress == self._last:
            return
        new = self._last is None or self._last.step != progress.step
        ended = bool(progress.total) and progress.done >= progress.total
        self._last = progress
        if new or ended or self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL_SECONDS
            line = str(progress)
            bar = f'<progress value="{progress.done}" max="{progress.total}"></progress> ' if progress.total else ""
            data = {"text/plain": line, "text/html": f"{bar}{html.escape(line)}"}
            self._emit(Shown(self._key, data, passing=True))
