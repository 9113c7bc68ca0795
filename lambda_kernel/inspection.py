"""Shift-Tab: what the word at the cursor is, as text and as HTML. Nothing is run to find out."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from typing import Any

from .completion import commands, in_head
from .inquiry import Inquiry
from .magics import KNOWN
from .magics.base import looked_up
from .shell_arguments import fixed, wanted
from .shell_lists import FIRST_VARIABLES, OPERATORS, PARAMETERS, VARIABLES
from .shell_text import Token, pieces, token_at, word_end

Content = dict[str, Any]
# As bash looks a command up (bash(1), COMMAND EXECUTION); other words are paths first.
AS_COMMAND = ("alias", "keyword", "function", "builtin", "command", "path")
MOST_CHARACTERS = 4_096  # as long as a path may be
AS_ARGUMENT = ("path", "function", "alias", "builtin", "command")
OF_SHELL = {"variable", *AS_COMMAND} - {"keyword", "builtin"}
MEANINGS = VARIABLES | FIRST_VARIABLES
# Kinds of which the text says how they are used, and what they are called.
USED = {"keyword": "keyword", "next": "keyword", "builtin": "builtin", "test": "test"}
LEFT = ' style="text-align: left"'  # JupyterLab's own is right
OPERATOR = re.compile("|".join(map(re.escape, sorted(OPERATORS, key=len, reverse=True))))


@dataclass(frozen=True)
class Page:
    """What is shown of a name: what kind of thing it is, a line, facts of it, and a text."""

    kind: str
    name: str
    facts: dict[str, str] = field(default_factory=dict)
    text: str = ""
    summary: str = ""

    def plain(self) -> str:
        width = max(map(len, self.facts), default=0)
        facts = "".join(f"{label:{width}}  {fact}\n" for label, fact in self.facts.items())
        summary = self.summary and f"{self.summary}\n"
        return f"{self.name}: {self.kind}\n{summary}{facts}{self.text}".rstrip("\n") + "\n"

    def html(self) -> str:
        name, kind = html.escape(self.name), html.escape(self.kind)
        rows = "".join(f"<tr>{cell('th', label)}{cell('td', fact)}</tr>" for label, fact in self.facts.items())
        table = f"<table>{rows}</table>" if rows else ""
        text = f"<pre>{html.escape(self.text)}</pre>" if self.text else ""
        summary = f"<div>{html.escape(self.summary)}</div>" if self.summary else ""
        return f"<div><b>{name}</b>: {kind}{summary}{table}{text}</div>"


def cell(tag: str, text: str) -> str:
    return f"<{tag}{LEFT}>{html.escape(text)}</{tag}>"


class Inspector:
    """Answers inspect_requests. Never raises, and takes no longer than the inquiry may."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry

    async def inspect(self, code: str, cursor: int | None, more: bool = False) -> Content:
        """more: also how a file begins."""
        cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
        magic = magic_page(code, cursor)
        return reply(magic or await self._shell(commands(code, cursor), cursor, more))

    async def _shell(self, code: str, cursor: int, more: bool) -> Page | None:
        token = token_around(code, cursor)
        if not token.typed and (operator := operator_page(code, cursor)):
            return operator
        found = await self._page(token, more)
        if found or token.kind == "variable":
            return found
        return await self._page(Token("command", token.start, token.command), more)

    async def _page(self, token: Token, more: bool) -> Page | None:
        """The kinds that only the shell knows and those that are known here, in the order that the place asks for."""
        name, order = name_of(token), order_of(token)
        if token.kind == "nothing" or not name or len(name) > MOST_CHARACTERS:
            return None
        here = next((kind for kind in order if fixed(kind, token.command).get(name)), None)
        asked = [kind for kind in order[: order.index(here) if here else None] if kind in OF_SHELL]
        word = pieces(token.typed)
        found = await self._inquiry.explain(title=name, word=word, order=asked, more=more) if asked else []
        if found:
            return with_meaning(Page(*found))
        if here:
            return known_page(here, name, token.command)
        return meaning_page(name) if "variable" in order else None


def known_page(kind: str, name: str, command: str) -> Page:
    """Of what every bash has."""
    text = fixed(kind, command)[name]
    if kind in USED:
        usage = text if text.startswith("A ") else f"{name} {text}"  # A -nt B
        return Page(USED[kind], name, dict(fixed("option", name)), summary=usage)
    return Page(f"option of {command}" if kind == "option" else kind.lstrip("-"), name, summary=text)


def meaning_page(name: str) -> Page | None:
    """Of a variable that the shell does not tell."""
    if name in PARAMETERS:
        return Page("parameter", f"${name}", summary=PARAMETERS[name])
    return Page("variable", name, summary=MEANINGS[name]) if name in MEANINGS else None


def with_meaning(page: Page) -> Page:
    meaning = MEANINGS.get(page.name) if page.kind == "variable" else None
    return replace(page, summary=meaning) if meaning else page


def token_around(code: str, cursor: int) -> Token:
    """The word that the cursor stands in, at the end of, or before."""
    token = token_at(code, cursor)
    if not token.typed and (mark := re.compile(r"\$\{?[#!]?(?=\w)|\$|[{}](?!\S)").match(code, cursor)):
        cursor = mark.end()
        token = token_at(code, cursor)
    if token.kind != "variable":
        return token_at(code, word_end(code, cursor))
    name = re.compile(r"[?!@*#$-]|\w*" if token.typed in ("$", "${") else r"\w*").match(code, cursor)
    return token_at(code, name.end()) if name else token


def operator_page(code: str, cursor: int) -> Page | None:
    """The operator that the cursor stands in, at the end of, or before."""
    for begin in range(max(0, cursor - 3), cursor + 1):
        found = OPERATOR.match(code, begin)
        if found and found.end() >= cursor:
            before = token_at(code, begin)
            stands = before.kind in ("command", "argument") and not before.quote and before.command != "[["
            return Page("operator", found[0], summary=f"{found[0]} {OPERATORS[found[0]]}") if stands else None
    return None


def order_of(token: Token) -> tuple[str, ...]:
    if token.kind == "variable":
        return ("variable",)
    if token.kind == "command":
        return AS_COMMAND
    return tuple(dict.fromkeys((*wanted(token).kinds, *AS_ARGUMENT)))


def name_of(token: Token) -> str:
    """What is meant, without what marks or quotes it."""
    if token.kind == "variable":
        return re.sub(r"\A(?:\$\{[#!]?(?=\w)|\$\{?)", "", token.typed)
    found = pieces(token.typed)
    if found is None:
        return ""
    marks = {"text": "", "tilde": "~", "variable": "$"}
    return "".join(marks[kind] + text for kind, text in found)


def magic_page(code: str, cursor: int) -> Page | None:
    """Anywhere in a magic's line its help is shown."""
    end = code.find("\n", cursor)
    line = in_head(code[: len(code) if end == -1 else end])
    magic = line and looked_up(line[1], line[2] or "", KNOWN)
    return Page("magic", magic.synopsis, summary=magic.summary) if magic else None


def reply(page: Page | None) -> Content:
    data = {"text/plain": page.plain(), "text/html": page.html()} if page else {}
    return {"status": "ok", "found": page is not None, "data": data, "metadata": {}}
