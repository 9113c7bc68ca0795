"""Makes what a program shows safe for the notebook around it.

A program, a file or the function itself may be hostile. A front end trusts the output of a cell that has just run, so
scripts in it could do all that the user can. So only the types named here are passed on, and none of them becomes part
of the notebook's own HTML.
"""

from __future__ import annotations

import base64
import csv
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..function.sent.display import HEIGHTS, VEGA_LITE, rows
from ..session.cell import Notice, Shown

HEIGHT = 400  # of a frame, in pixels
ROWS = 200  # of a table, below its head
TOLD = 3  # types that are left out, by name
TEXT_CHARACTERS = 10_000  # of a page, if its frame is not shown
MARKDOWN_CHARACTERS = 60_000  # of a cell: in the worst case markdown-it needs seconds for it
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
DELIMITERS = {"text/csv": ",", "text/tab-separated-values": "\t"}
AUDIO = ("audio/wav", "audio/mpeg", "audio/ogg", "audio/flac")
# MathJax 2 and 3 skip it. JupyterLab typesets HTML, and a formula may hold a link (`\href`). It also puts half a line
# below the last element of HTML (4.6), which would part lines that belong together.
QUIET = '<div class="tex2jax_ignore mathjax_ignore" style="margin-bottom: 0">{}</div>'
DROPPED = "This front end leaves out the frame of a page that a program has shown. It is there once the cell is run."
# Where charts have their scripts, and nobody reads who asks: plotly, Bokeh, Vega and D3 name them in their pages.
HOSTS = " ".join(
    f"https://{host}"
    for host in (
        *("cdn.plot.ly", "cdn.bokeh.org", "cdn.pydata.org", "d3js.org", "code.jquery.com"),
        *("cdn.jsdelivr.net", "cdnjs.cloudflare.com", "unpkg.com"),
    )
)
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'unsafe-inline' 'unsafe-eval' data: blob: {HOSTS}",
        f"style-src 'unsafe-inline' data: {HOSTS}",
        f"img-src data: blob: {HOSTS}",
        f"font-src data: {HOSTS}",
        f"connect-src data: blob: {HOSTS}",
        "media-src data: blob:",
        "worker-src blob:",
        "frame-src 'none'",
        "form-action 'none'",
    )
)
# A page without an address has its parent's for a base (document.baseURI), and a notebook's may hold a token; it could
# take away a <base> of ours. So its parent is a page of ours, whose policy holds for it too, even for where it goes
# (HTML, "about base URL"; CSP 3, frame-src).
ISOLATED = 'sandbox="allow-scripts" referrerpolicy="no-referrer"'
PARENT = (
    '<!DOCTYPE html><base href="about:srcdoc"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="x-dns-prefetch-control" content="off">'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    "<style>html, body, iframe {{ display: block; width: 100%; height: 100%; margin: 0; border: 0 }}</style>"
    f'<iframe {ISOLATED} srcdoc="{{}}"></iframe>'
)
# Light on a dark theme as well, since most pages name no colours. The corner for resizing is below the frame, which
# would catch the mouse (Chromium 156).
BOX = "height: {}px; padding-bottom: 12px; box-sizing: border-box; resize: vertical; overflow: auto"
LOOK = "display: block; width: 100%; height: 100%; border: 0; background: white; color-scheme: light"
# A browser shows nothing of what is within. JupyterLab's sanitizer, which drops frames, leaves it (sanitize-html).
FRAME = (
    f'<div style="{BOX}"><iframe {ISOLATED} title="a program\'s page" style="{LOOK}" srcdoc="{{}}">'
    "<p>{}</p><pre>{}</pre></iframe></div>"
)
NAMESPACE = re.compile(r"<svg[^>]*\sxmlns")
# Comments, elements without text, and tags. Each may lack its end, so that nothing is matched twice.
MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|title)\b.*?(?:</\1\s*>|\Z)|</?([a-z][a-z0-9]*)[^>]*(?:>|\Z)"
    r"|<[!?/][^>]*(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
LINE = re.compile(r"article|aside|blockquote|br|d[dlt]|div|h[1-6r]|header|footer|li|main|ol|p|pre|section|table|tr|ul")
# If two become the same type, the first one counts.
ORDER = ("text/plain", "text/html", "image/svg+xml", "text/markdown")


@dataclass(frozen=True)
class Raw:
    """Display data from a program, not yet safe for a front end. height: of its frame, in pixels, if it is given."""

    key: str
    data: dict[str, Any]
    height: object = None


@dataclass(frozen=True)
class Chart:
    """A program's specification for Vega-Lite, as JSON of any kind."""

    key: str
    spec: Any


class Refused(ValueError):
    """This type or value cannot be shown."""


class Pages:
    """The displays of one cell's programs."""

    def __init__(self) -> None:
        self._markdown_left = MARKDOWN_CHARACTERS

    def parts(self, raw: Raw) -> Iterator[Shown | Notice | Chart]:
        """What can be shown, and a notice about the rest."""
        if VEGA_LITE in raw.data:
            yield Chart(raw.key, raw.data[VEGA_LITE])
            return
        data: dict[str, Any] = {}
        refused: list[str] = []
        for mime in sorted(raw.data, key=lambda mime: ORDER.index(mime) if mime in ORDER else len(ORDER)):
            value = raw.data[mime]
            try:
                data = self._safe(mime, value, raw.height) | data
            except (Refused, csv.Error) as error:
                refused.append(f"{mime[:60]} ({error})")
                if mime.startswith("text/"):
                    data.setdefault("text/plain", value)
        if data:
            yield Shown(raw.key, data)
        if refused:
            more = f" and {len(refused) - TOLD} more" if len(refused) > TOLD else ""
            yield Notice(f"a program's display is shown without {', '.join(refused[:TOLD])}{more}", "hint")

    def _safe(self, mime: str, value: Any, height: object) -> dict[str, Any]:
        """Safe data for the front end. Raises Refused and csv.Error."""
        if mime == "text/plain":
            return {mime: value}
        if mime == "application/json":
            return as_json(value)
        if mime in IMAGES or mime == "application/pdf":
            return {mime: base64_of(value), "text/plain": f"<{mime}>"}
        made, plain = self._html(mime, value, height)
        return {"text/html": made, "text/plain": plain or f"<{mime}, {len(value):,} characters>"}

    def _html(self, mime: str, value: str, height: object) -> tuple[str, str]:
        """HTML, and its text."""
        if mime == "text/html":
            return page(value, height), text_of(value)
        if mime == "text/markdown":
            return self._markdown(value), value
        if mime in DELIMITERS:
            return table(value, DELIMITERS[mime]), value
        if mime == "image/svg+xml":
            return svg(value), ""
        if mime in AUDIO:
            return f'<audio controls src="data:{mime};base64,{base64_of(value)}"></audio>', ""
        raise Refused("it could change the notebook around it")

    def _markdown(self, text: str) -> str:
        if len(text) > self._markdown_left:
            raise Refused(f"at most {MARKDOWN_CHARACTERS:,} characters of a cell are rendered")
        self._markdown_left -= len(text)
        from .markdown import rendered

        return rendered(text)


def as_json(value: Any) -> dict[str, Any]:
    return {"application/json": value, "text/plain": json.dumps(value, ensure_ascii=False, indent=2)}


def base64_of(value: str) -> str:
    """Only base64, since nbconvert 6 puts the text between quotes unchecked."""
    try:
        return base64.b64encode(base64.b64decode("".join(value.split()), validate=True)).decode()
    except ValueError as error:
        raise Refused("it is not base64") from error


def page(source: str, height: object = None) -> str:
    """HTML in an isolated frame, with its text for front ends that drop frames."""
    pixels = height if type(height) is int and HEIGHTS[0] <= height <= HEIGHTS[1] else HEIGHT
    outer = PARENT.format(source.replace("&", "&amp;").replace('"', "&quot;"))
    escaped = (html.escape(text, quote=False).replace('"', "&quot;") for text in (outer, text_of(source)))
    return FRAME.format(pixels, next(escaped), DROPPED, next(escaped))


def text_of(source: str) -> str:
    """The text of a page."""
    text = html.unescape(MARKUP.sub(_between, source[: 20 * TEXT_CHARACTERS]))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)[:TEXT_CHARACTERS]


def _between(tag: re.Match[str]) -> str:
    name = (tag[2] or "").lower()
    return "\n" if LINE.fullmatch(name) else " " if name in ("td", "th") else ""


def svg(source: str) -> str:
    """An SVG as an image, where no script runs and nothing is loaded (SVG Integration, secure animated mode).

    As image/svg+xml, some front ends would make it part of their page.
    """
    if not NAMESPACE.search(source):  # HTML does not need it, but an image does (JupyterLab adds it as well)
        source = source.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    data = base64.b64encode(source.encode()).decode()
    return f'<img alt="an image" style="max-width: 100%" src="data:image/svg+xml;base64,{data}">'


def table(text: str, delimiter: str) -> str:
    """Rows as HTML, the first one as a head. Raises csv.Error."""
    found = rows(text, delimiter)
    tagged = zip(("th", *("td",) * ROWS), found, strict=False)
    lines = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in tagged)
    more = f"<p>{len(found) - 1 - ROWS:,} more rows</p>" if len(found) > 1 + ROWS else ""
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>{more}"
