"""Tab: what can stand at the cursor, from the live shell where it can be asked, else from what is known here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .inquiry import Inquiry, here
from .magics import MAGICS, Magic
from .magics.base import LINE
from .shell_text import Token, pieces, token_at
from .shell_words import BUILTINS, FIRST_VARIABLES, KEYWORDS, VARIABLES
from .target import LOCAL_NAME

MOST = 500
Match = tuple[str, str]  # the text that takes the token's place, and what it is
Content = dict[str, Any]
HEAD = re.compile(r"[ \t]*(%%?)([A-Za-z][\w-]*)?(?:[ \t]+([^\n]*))?\Z")
# What these commands take, beside paths or instead of them.
DIRECTORIES = {"cd", "pushd", "rmdir"}
TAKES = {
    **dict.fromkeys(
        ("export", "declare", "local", "readonly", "typeset", "read", "mapfile", "readarray"), ("variable",)
    ),
    **dict.fromkeys(("let", "getopts", "for", "select"), ("variable",)),
    **dict.fromkeys(("alias", "unalias"), ("alias",)),
    "unset": ("variable", "function"),
    "function": ("function",),
}
COMMANDS = ("function", "alias", "keyword", "builtin", "command")
SPECIAL = re.compile(r"([^\w@%+:,./-])", re.ASCII)  # what bash may take for something else
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\udc80-\udcff]")


class Completer:
    """Answers complete_requests. Never raises, and takes no longer than the inquiry may."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry

    async def complete(self, code: str, cursor: int | None) -> Content:
        cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
        head = in_head(code[:cursor])
        if head is not None:
            start, matches = await self._magic(head, cursor)
        else:
            token = token_at(code, cursor)
            start, matches = token.start, await self._shell(token, code[cursor : cursor + 1])
        return content(start, cursor, matches)

    async def _magic(self, line: re.Match[str], cursor: int) -> tuple[int, list[Match]]:
        percents, name, words = line.groups()
        if words is None:
            typed = percents + (name or "")
            names = sorted(f"{'%%' if magic.cell else '%'}{magic.name}" for magic in MAGICS.values())
            return cursor - len(typed), [(name, "magic") for name in names if name.startswith(typed)]
        typed = re.split(r"[ \t]+", words)[-1]
        magic = MAGICS.get(name or "")
        known = [*self._targets(magic), *words_of(magic)] if magic else []
        found = [(word, "argument") for word in dict.fromkeys(known) if word.startswith(typed)]
        token = token_at(f": {words}", len(words) + 2)  # a magic's words are quoted as a command's
        if found or not magic or token.kind != "argument":
            return cursor - len(typed), found
        return cursor - len(token.typed), await self._files(magic, token)

    async def _files(self, magic: Magic, token: Token) -> list[Match]:
        """Paths of the side, or of both, that its usage names."""
        where = place(token)
        there = re.search(r"\b(?:REMOTE|PATH)\b", magic.usage) and await self._inquiry.look(where)
        local = where and re.search(r"\b(?:LOCAL|FILE)\b", magic.usage) and here(where)
        return [(path(token, name, kind), kind) for name, kind in [*(local or ()), *(there or ())]]

    def _targets(self, magic: Magic) -> list[str]:
        if magic.name != "use":
            return []
        workspace = self._inquiry.workspace
        return [LOCAL_NAME, *(target.function for target in (workspace.target, *workspace.sessions))]

    async def _shell(self, token: Token, after: str) -> list[Match]:
        if token.kind == "nothing":
            return []
        paths = await self._inquiry.look(place(token))
        if token.kind == "variable":
            return list(variables(token.typed, self._named(("variable",)), after))
        found = [(name, kind) for name, kind in self._names(token) if not token.quote and "/" not in token.typed]
        typed = token.typed
        matches = [(name, kind) for name, kind in found if name.startswith(typed) and (typed or kind != "command")]
        return matches + [(path(token, name, kind), kind) for name, kind in paths]

    def _names(self, token: Token) -> Iterator[Match]:
        if token.kind == "command":
            return self._named(COMMANDS)
        return self._named(TAKES.get(token.command, ()))

    def _named(self, kinds: Iterable[str]) -> Iterator[Match]:
        """Each name once, as what bash would take it for."""
        names: dict[str, str] = {}
        own = VARIABLES if self._inquiry.names else (*VARIABLES, *FIRST_VARIABLES)
        fixed: dict[str, Iterable[str]] = {"keyword": KEYWORDS, "builtin": BUILTINS, "variable": own}
        for kind in kinds:
            for name in sorted({*self._inquiry.names.get(kind, ()), *fixed.get(kind, ())}):
                names.setdefault(name, kind)
        return iter(names.items())


def in_head(text: str) -> re.Match[str] | None:
    """The line of a magic that the text ends in, if all that stands before are such lines."""
    while found := LINE.match(text):
        if found.end() == len(text) and not text.endswith("\n"):
            break
        if found[1] == "%%":
            return None
        text = text[found.end() :]
    return HEAD.match(re.sub(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*", "", text))


def words_of(magic: Magic) -> list[str]:
    """What its usage says that can be typed as it is: options, and words in lower case."""
    return re.findall(r"(?<![\w-])(?:--?[a-z][a-z-]*|[a-z][a-z-]+)(?![\w-])", magic.usage)


def place(token: Token) -> Content | None:
    """Where paths are to be looked for; None where there can be none."""
    if token.kind == "variable" or (
        token.kind == "command" and "/" not in token.typed and not token.typed.startswith("~")
    ):
        return None
    last = rest(token) if split_quote(token) else token.typed[len(token.head) :]
    head, tail = pieces(token.head), pieces(last, begins=not token.head)
    if head is None or tail is None or any(kind != "text" for kind, _ in tail):
        return None
    only = "program" if token.kind == "command" else "directory" if token.command in DIRECTORIES else "any"
    text = "".join(text for _, text in tail)
    return {"head": [list(piece) for piece in head], "tail": text, "only": only}


def split_quote(token: Token) -> bool:
    """Whether the open quote begins among the directories, so that the last name is inside it from its start."""
    return bool(token.quote) and token.quoted_at < token.start + len(token.head)


def rest(token: Token) -> str:
    return token.quote + token.typed[len(token.head) :]


def path(token: Token, name: str, kind: str) -> str:
    """The directories stay as they are typed; the name is quoted as what stands there asks for."""
    head = token.head
    opened = "" if not token.quote or split_quote(token) else token.quote
    return head + opened + quote(name, token.quote) + ("/" if kind == "directory" else "")


def quote(name: str, inside: str) -> str:
    if inside == "'":
        return name.replace("'", "'\\''")
    if inside == '"':
        return re.sub(r'([\\"$`])', r"\\\1", name)
    if UNPRINTABLE.search(name):
        escaped = re.sub(r"([\\'])", r"\\\1", name).encode("utf-8", "surrogateescape")
        return "$'" + re.sub(rb"[\x00-\x1f\x7f-\xff]", lambda byte: b"\\%03o" % byte[0][0], escaped).decode() + "'"
    return SPECIAL.sub(lambda found: found[0] if found[0] > "\x7f" else "\\" + found[0], name)


def variables(typed: str, known: Iterable[Match], after: str) -> Iterator[Match]:
    """`$na`, `${na`, or a name alone, as arithmetic takes it."""
    found = re.match(r"\$?\{?[#!]?", typed)
    before = found[0] if found else ""
    close = "}" if "{" in before and after != "}" else ""
    for name, kind in known:
        if name.startswith(typed[len(before) :]):
            yield before + name + close, kind


def content(start: int, end: int, matches: list[Match]) -> Content:
    """Of a complete_reply. The types are what JupyterLab shows beside each (ipykernel's experimental metadata)."""
    # A name that is not UTF-8 cannot be sent inside quotes.
    sendable = [match for match in dict(matches).items() if not re.search(r"[\ud800-\udfff]", match[0])][:MOST]
    types = [{"start": start, "end": end, "text": text, "type": kind} for text, kind in sendable]
    return {
        "status": "ok",
        "matches": [text for text, _ in sendable],
        "cursor_start": start,
        "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": types},
    }
