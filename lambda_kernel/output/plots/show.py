"""Shows a plot in all its forms, of which a front end takes the best that it can draw."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import Any

from ...function.sent.display import VEGA_LITE
from ...session.cell import Control, Emit, Notice, Shown, ended_from_now
from . import still
from .plot import WIDTH, Plot, Spec, on_paper

MISSING = Notice("there would be a plot here: `pip install 'lambda-kernel[plots]'` and a restart bring it", "plots")
Draw = Callable[[Spec, Callable[[], bool]], bytes]


def show(
    plot: Plot | None, emit: Emit, control: Control, *, available: bool | None = None, draw: Draw = still.png
) -> None:
    """None: nothing to draw. available: whether there is a library that draws; None: find out."""
    if plot is None:
        return
    if not (still.available() if available is None else available):
        emit(MISSING)
        return
    picture = drawn(plot.spec, control, draw)
    emit(Shown(uuid.uuid4().hex, forms(plot, picture), {"image/png": looks(plot)} if picture else {}))


def drawn(spec: Spec, control: Control, draw: Draw) -> bytes | None:
    """None: it could not be drawn in time, or before an interrupt. A plot has other forms."""
    try:
        return draw(on_paper(spec), ended_from_now(control))
    except still.NotDrawn:
        return None


def in_characters(plot: Plot | None, emit: Emit) -> None:
    """For a front end that shows text only. A picture takes a second or more."""
    if plot is not None:
        emit(Shown(uuid.uuid4().hex, {"text/plain": f"\n{plot.text}"}))


def forms(plot: Plot, picture: bytes | None) -> dict[str, Any]:
    """JupyterLab adds a picture of its own to what it saves where there is none, in the colours of its theme
    (@jupyterlab/vega5-extension)."""
    data: dict[str, Any] = {VEGA_LITE: plot.spec, "text/plain": f"\n{plot.text}"}
    return data | ({"image/png": base64.b64encode(picture).decode()} if picture else {})


def looks(plot: Plot) -> dict[str, Any]:
    """Its size, since it has finer pixels than that, and words for those who do not see it."""
    return {"width": WIDTH, "height": plot.spec["height"], "alt": plot.spec["description"]}
