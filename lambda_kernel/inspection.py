"""Shift-Tab: what the word at the cursor is, as text and as HTML. Nothing is run to find out."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from .completion import TAKES, in_head
from .inquiry import Inquiry
from .magics import MAGICS
from .shell_text import Token, pieces, token_at, word_end
from .shell_words import BUILTINS, KEYWORDS

Content = dict[str, Any]
# As bash looks a command up (bash(1), COMMAND EXECUTION); other words are paths first.
AS_COMMAND = ("alias", "keyword", "function", "builtin", "command", "path")
MOST_CHARACTERS = 4_096  # as long as a path may be
AS_ARGUMENT = ("path", "function", "alias", "builtin", "command")
OF_TEXT = {"keyword": KEYWORDS, "builtin": BUILTINS}


@dataclass(frozen=True)
class Page:
    """What is shown of a name: what kind of thing it is, facts of it, and a text."""

    kind: str
    name: str
    facts: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def plain(self) -> str:
        width = max(map(len, self.facts), default=0)
        facts = "".join(f"{label:{width}}  {fact}\n" for label, fact in self.facts.items())
        return f"{self.name}: {self.kind}\n{facts}{self.text}".rstrip("\n") + "\n"

    def html(self) -> str:
        name, kind = html.escape(self.name), html.escape(self.kind)
        rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in self.facts.items())
        table = f"<table>{rows}</table>" if rows else ""
        text = f"<pre>{html.escape(self.text)}</pre>" if self.text else ""
        return f"<div><b>{name}</b>: {kind}{table}{text}</div>"


class Inspector:
    """Answers inspect_requests. Never raises, and takes no longer than the inquiry may."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry

    async def inspect(self, code: str, cursor: int | None, more: bool = False) -> Content:
        """more: also how a file begins."""
        cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
        magic = magic_page(code, cursor)
        return reply(magic or await self._shell(code, cursor, more))

    async def _shell(self, code: str, cursor: int, more: bool) -> Page | None:
        token = token_around(code, cursor)
        found = await self._page(token, more)
        if found or token.kind == "variable":
            return found
        return await self._page(Token("command", token.start, token.command), more)

    async def _page(self, token: Token, more: bool) -> Page | None:
        """The kinds that only the shell knows and those that are known here, in the order that the place asks for."""
        name, order = name_of(token), order_of(token)
        if token.kind == "nothing" or not name or len(name) > MOST_CHARACTERS:
            return None
        here = next((kind for kind in order if name in OF_TEXT.get(kind, ())), None)
        asked = [kind for kind in order[: order.index(here) if here else None] if kind not in OF_TEXT]
        word = pieces(token.typed)
        found = await self._inquiry.explain(title=name, word=word, order=asked, more=more) if asked else []
        if found:
            return Page(*found)
        return Page(here, name, text=f"{name} {OF_TEXT[here][name]}") if here else None


def token_around(code: str, cursor: int) -> Token:
    token = token_at(code, cursor)
    name = re.compile(r"\w*").match(code, cursor)
    return token_at(code, name.end() if name and token.kind == "variable" else word_end(code, cursor))


def order_of(token: Token) -> tuple[str, ...]:
    if token.kind == "variable":
        return ("variable",)
    if token.kind == "command":
        return AS_COMMAND
    return (*TAKES.get(token.command, ()), *AS_ARGUMENT)


def name_of(token: Token) -> str:
    """What is meant, without what marks or quotes it."""
    if token.kind == "variable":
        return re.sub(r"\A\$?\{?[#!]?", "", token.typed)
    found = pieces(token.typed)
    if found is None:
        return ""
    marks = {"text": "", "tilde": "~", "variable": "$"}
    return "".join(marks[kind] + text for kind, text in found)


def magic_page(code: str, cursor: int) -> Page | None:
    """Anywhere in a magic's line its help is shown."""
    end = code.find("\n", cursor)
    line = in_head(code[: len(code) if end == -1 else end])
    magic = line and MAGICS.get(line[2] or "")
    return Page("magic", magic.synopsis, text=magic.summary) if magic else None


def reply(page: Page | None) -> Content:
    data = {"text/plain": page.plain(), "text/html": page.html()} if page else {}
    return {"status": "ok", "found": page is not None, "data": data, "metadata": {}}
