"""Shift-Tab: what the word at the cursor is, as text and as HTML. None of the user's code runs for it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ..bash import reference
from ..bash.argument_kinds import fixed, wanted
from ..bash.cursor import Token, pieces, token_at, word_end
from ..magics import KNOWN
from ..magics.base import looked_up
from ..magics.help import details, explained
from ..output.pages import QUIET
from .completion import commands, in_head
from .shell_query import ShellQuery

Content = dict[str, Any]
# In the order in which bash finds a command (bash(1), COMMAND EXECUTION). Other words are paths first.
AS_COMMAND = ("alias", "keyword", "function", "builtin", "command", "path")
MOST_CHARACTERS = 4_096  # as long as a path may be
AS_ARGUMENT = ("path", "function", "alias", "builtin", "command")
OF_SHELL = {"variable", *AS_COMMAND} - {"keyword", "builtin"}
# Kinds whose text says how to use them, and their names.
USED = {"keyword": "keyword", "next": "keyword", "builtin": "builtin", "test": "test"}
LEFT = ' style="text-align: left"'  # JupyterLab aligns to the right


@dataclass(frozen=True)
class Page:
    """What is shown about a name: its kind, a line, facts, and a text."""

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
        return QUIET.format(f"<b>{name}</b>: {kind}{summary}{table}{text}")


def cell(tag: str, text: str) -> str:
    return f"<{tag}{LEFT}>{html.escape(text)}</{tag}>"


class Inspector:
    """Answers inspect_requests. It never raises, and takes no longer than a shell query may."""

    def __init__(self, shell_query: ShellQuery) -> None:
        self._shell_query = shell_query

    async def inspect(self, code: str, cursor: int | None, more: bool = False) -> Content:
        """more: also show how a file begins."""
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
        """Look the token up in the shell and in what is known here, in the order of its position."""
        name, order = name_of(token), order_of(token)
        if token.kind == "nothing" or not name or len(name) > MOST_CHARACTERS:
            return None
        here = next((kind for kind in order if fixed(kind, token.command).get(name)), None)
        asked = [kind for kind in order[: order.index(here) if here else None] if kind in OF_SHELL]
        word = pieces(token.typed)
        found = await self._shell_query.explain(title=name, word=word, order=asked, more=more) if asked else []
        if found:
            return with_meaning(Page(*found))
        if here:
            return known_page(here, name, token.command)
        return meaning_page(name) if "variable" in order else None


def known_page(kind: str, name: str, command: str) -> Page:
    """The page of something that every bash has."""
    text = fixed(kind, command)[name]
    if kind in USED:
        usage = text if text.startswith("A ") else f"{name} {text}"  # A -nt B
        return Page(USED[kind], name, dict(fixed("option", name)), summary=usage)
    return Page(f"option of {command}" if kind == "option" else kind.lstrip("-"), name, summary=text)


def meaning_page(name: str) -> Page | None:
    """The page of a variable that the shell does not show."""
    if name in reference.names("parameter"):
        return Page("parameter", f"${name}", summary=reference.names("parameter")[name])
    return Page("variable", name, summary=reference.variables()[name]) if name in reference.variables() else None


def with_meaning(page: Page) -> Page:
    meaning = reference.variables().get(page.name) if page.kind == "variable" else None
    return replace(page, summary=meaning) if meaning else page


def token_around(code: str, cursor: int) -> Token:
    """The word that the cursor is in, at the end of, or before."""
    token = token_at(code, cursor)
    if not token.typed and (mark := re.compile(r"\$\{?[#!]?(?=\w)|\$|[{}](?!\S)").match(code, cursor)):
        cursor = mark.end()
        token = token_at(code, cursor)
    if token.kind != "variable":
        return token_at(code, word_end(code, cursor))
    name = re.compile(r"[?!@*#$-]|\w*" if token.typed in ("$", "${") else r"\w*").match(code, cursor)
    return token_at(code, name.end()) if name else token


@cache
def any_operator() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(reference.names("operator"), key=len, reverse=True))))


def operator_page(code: str, cursor: int) -> Page | None:
    """The operator that the cursor is in, at the end of, or before."""
    for begin in range(max(0, cursor - 3), cursor + 1):
        found = any_operator().match(code, begin)
        if found and found.end() >= cursor:
            before = token_at(code, begin)
            stands = before.kind in ("command", "argument") and not before.quote and before.command != "[["
            meaning = reference.names("operator")[found[0]]
            return Page("operator", found[0], summary=f"{found[0]} {meaning}") if stands else None
    return None


def order_of(token: Token) -> tuple[str, ...]:
    if token.kind == "variable":
        return ("variable",)
    if token.kind == "command":
        return AS_COMMAND
    return tuple(dict.fromkeys((*wanted(token).kinds, *AS_ARGUMENT)))


def name_of(token: Token) -> str:
    """The name in a token, without quotes and marks."""
    if token.kind == "variable":
        return re.sub(r"\A(?:\$\{[#!]?(?=\w)|\$\{?)", "", token.typed)
    found = pieces(token.typed)
    if found is None:
        return ""
    marks = {"text": "", "tilde": "~", "variable": "$"}
    return "".join(marks[kind] + text for kind, text in found)


def magic_page(code: str, cursor: int) -> Page | None:
    """The help of the magic whose line the cursor is in."""
    end = code.find("\n", cursor)
    line = in_head(code[: len(code) if end == -1 else end])
    magic = line and looked_up(line[1], line[2] or "", KNOWN)
    return Page("magic", magic.synopsis, explained(magic), details(magic), magic.summary) if magic else None


def reply(page: Page | None) -> Content:
    data = {"text/plain": page.plain(), "text/html": page.html()} if page else {}
    return {"status": "ok", "found": page is not None, "data": data, "metadata": {}}
