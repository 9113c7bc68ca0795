"""Markdown as safe HTML: HTML in it is shown as text, and nothing is loaded from other hosts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

TEXT = {"blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "p", "pre", "s", "strong"}
LISTS = {"li", "ol", "ul", "table", "tbody", "td", "th", "thead", "tr"}
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "data"}
LINKS = ("http://", "https://", "mailto:")
IMAGES = tuple(f"data:image/{kind};" for kind in ("png", "jpeg", "gif", "webp"))


def rendered(text: str) -> str:
    tags = TEXT | LISTS | {"a", "img"}
    return nh3.clean(_parser().render(text), tags, attributes=ATTRIBUTES, attribute_filter=_kept, url_schemes=SCHEMES)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Drop links without a host, which would lead to the notebook's server."""
    starts = {"href": LINKS, "src": IMAGES}.get(attribute)
    return value if starts is None or value.lower().startswith(starts) else None


@cache
def _parser() -> MarkdownIt:
    """CommonMark with two extensions of GitHub: tables and strikethrough."""
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.add_render_rule("image", _image)
    return made


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show only embedded images: another host would learn who reads the notebook, and when."""
    token = tokens[index]
    source = str(token.attrs["src"])
    if source.startswith(IMAGES):
        return self.image(tokens, index, options, env)
    return f"<em>[{html.escape(f'{token.content}: ' if token.content else '')}{html.escape(source)}]</em>"
