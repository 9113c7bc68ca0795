"""A plot as a Vega-Lite specification and as text, and the look that all of them share.

All of a specification is the kernel's own: names of functions and environments are values of its data, and no URL is in
it. Text and lines have the colour of the text around them (CSS currentColor), so that they fit any theme of a front
end. What is drawn once and for all is on white.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...untrusted import visible
from .units import Unit

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH = 580  # pixels, with the axes: JupyterLab has so many for outputs in a window of 700
# Of Okabe and Ito, "Color Universal Design" (2008), those with a contrast of 3 on white and on dark pages alike.
BLUE, VERMILLION, GREEN, PURPLE = COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
AROUND = "currentColor"
INK, PAPER = "#24292f", "#ffffff"
TITLE = {"fontSize": 14, "fontWeight": "bold", "subtitleFontSize": 12, "subtitlePadding": 5, "limit": WIDTH - 80}
SUBTITLE = 72  # characters of a line, which have room within that limit in any of these fonts
NUMBER = ",.6~g"  # in the format of D3, such as 1,234.56 and 0.5
LEGEND: Spec = {"title": None, "legend": {"symbolType": "stroke"}}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
# vega-embed's menu can save a picture. Its other items would open the plot on a page of Vega's.
EMBED = {"renderer": "svg", "actions": {"export": True, "source": False, "compiled": False, "editor": False}}


@dataclass(frozen=True)
class Plot:
    """drawn: the same in characters."""

    spec: Spec
    drawn: str

    @property
    def text(self) -> str:
        """For a terminal, at most 80 characters wide."""
        return f"{visible(self.spec['title']['text'], 79)}\n{self.drawn}"


def specification(title: str, subtitle: str, height: int, body: Spec) -> Spec:
    """body: data, encoding, and layers."""
    return {
        "$schema": SCHEMA,
        "description": f"{title}. {subtitle}",
        "title": {"text": title, "subtitle": textwrap.wrap(subtitle, SUBTITLE)},
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 8,
        "background": "transparent",
        "config": config(AROUND),
        "usermeta": {"embedOptions": EMBED},
        **body,
    }


def on_paper(spec: Spec) -> Spec:
    """For a picture, which does not know what page it will be on."""
    return {**spec, "background": PAPER, "config": config(INK)}


def config(ink: str) -> Spec:
    lines = {"domainColor": ink, "tickColor": ink, "gridColor": ink}
    faint = {"domainOpacity": 0.5, "tickOpacity": 0.5, "gridOpacity": 0.15}
    words = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "font": FONT,
        "view": {"stroke": None},
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "frame": "group", "offset": 12, **TITLE},
        "axis": {**lines, **faint, **words, "titleFontWeight": "normal", "titlePadding": 8, "labelPadding": 5},
        "legend": {**words, "orient": "top", "symbolStrokeWidth": 2.5, "symbolSize": 250, "offset": 6},
        "text": {"color": ink, "fontSize": 12},
        "rule": {"color": ink},
    }


def coloured(field: str, names: Sequence[str], colours: Sequence[str] = COLOURS) -> Spec:
    return {"field": field, "type": "nominal", "scale": {"domain": [*names], "range": [*colours]}, **LEGEND}


def amount(field: str, title: str, **more: Any) -> Spec:
    """A channel of numbers."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def time_axis(field: str, name: str, scaled: Unit, *, log: bool = False, **more: Any) -> Spec:
    """Time, from left to right. name: what it is the time of; more: of the axis."""
    scale = {"type": "log"} if log else {"zero": False}
    title = f"{name} ({scaled.name}{', logarithmic' if log else ''})"
    axis = {"format": NUMBER, "grid": False, "tickCount": 8, "labelOverlap": True, **more}
    return amount(field, title, scale={**scale, "nice": False, "padding": 10}, axis=axis)


def share_axis(title: str, values: Sequence[float]) -> Spec:
    return amount("share", title, scale={"domain": [0, 1]}, axis={"format": ".0%", "values": [*values]})
