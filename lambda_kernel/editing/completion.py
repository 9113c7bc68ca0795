"""Tab: what can stand at the cursor, from the live shell if it can be asked, else from what is known here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..aws.target import LOCAL_NAME
from ..bash import reference
from ..bash.argument_kinds import Wanted, fixed, wanted
from ..bash.cursor import MOST_CHARACTERS, Token, pieces, token_at
from ..magics import KNOWN, Magic, fleet_shells
from ..magics.arguments import HELP, Argument
from ..magics.base import LINE, looked_up
from .shell_query import Names, PathQuery, ShellQuery, here

MOST = 500
Match = tuple[str, str]  # the text that replaces the token, and its kind
Content = dict[str, Any]
HEAD = re.compile(r"[ \t]*(%%?)([A-Za-z][\w-]*)?(?:[ \t]([^\n]*))?\Z")
ABOVE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
SPECIAL = re.compile(r"([^\w@%+:,./-])", re.ASCII)  # characters with a meaning for bash
# A name whose first letter or whole text is quoted. It is then no alias and no keyword (bash(1), ALIASES).
MARKED = re.compile(r"([\\'\"]?)([^\\'\"$`/~]*)")
# Names that the cell itself defines.
DEFINED = {
    "variable": re.compile(
        r"(?:^|[\s;&|({])([A-Za-z_]\w*)\+?=|\b(?:for|select)[ \t]+([A-Za-z_]\w*)"
        r"|\b(?:read|local|declare|typeset|export|readonly|mapfile|readarray|printf(?=[ \t]+-v))[ \t]+"
        r"(?:-\w+[ \t]+){0,3}((?:[A-Za-z_]\w*[ \t]+){0,9}[A-Za-z_]\w*)"
    ),
    "function": re.compile(r"(?:^|[\s;&|({])([\w.:-]+)[ \t]*\(\)|\bfunction[ \t]+([\w.:-]+)"),
    "alias": re.compile(r"\balias[ \t]+([\w.-]+)="),
}
# Control characters, and those that hide or reverse text (Unicode's Bidi_Control and Default_Ignorable).
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\udc80-\udcff]")


class Completer:
    """Answers complete_requests. It never raises, and takes no longer than a shell query may."""

    def __init__(self, shell_query: ShellQuery) -> None:
        self._shell_query = shell_query

    async def complete(self, code: str, cursor: int | None) -> Content:
        cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
        head = in_head(code[:cursor])
        if head is not None and as_in_bash(head):
            code, head = " " * head.start(2) + code[head.start(2) :], None
        if head is not None:
            start, matches = await self._magic(head, cursor)
        else:
            text = commands(code, cursor)
            token = token_at(text, cursor)
            start, matches = token.start, await self._shell(token, text, cursor)
        return content(start, cursor, matches)

    async def _magic(self, line: re.Match[str], cursor: int) -> tuple[int, list[Match]]:
        percents, name, words = line.groups()
        if words is None:
            typed = percents + (name or "")
            names = sorted(magic.called for magic in KNOWN.values())
            return cursor - len(typed), [(name, "magic") for name in names if name.startswith(typed)]
        *before, typed = re.split(r"[ \t]+", words)
        magic = looked_up(percents, name or "", KNOWN)
        arguments = next_arguments(magic, before) if magic else ()
        known = [word for argument in arguments for word in self._words(argument, typed)]
        if magic and magic.usage is None and arguments is magic.arguments and typed.startswith("-"):
            known += HELP
        found = [(word, "argument") for word in dict.fromkeys(known) if word.startswith(typed)]
        token = token_at(f": {words}", len(words) + 2)  # a magic's arguments are quoted as in bash
        if found or token.kind != "argument":
            return cursor - len(typed), found
        return cursor - len(token.typed), await self._files(arguments, token)

    def _words(self, argument: Argument, typed: str) -> list[str]:
        words = [argument.name] if argument.option else [*argument.choices, *(argument.offers if typed else ())]
        if "target" in argument.kinds:
            words += self._targets()
        if "magic" in argument.kinds:
            words += (magic.called if typed.startswith("%") else magic.name for magic in KNOWN.values())
        return words

    async def _files(self, arguments: Iterable[Argument], token: Token) -> list[Match]:
        """Paths on the side that the arguments name, or on both."""
        query, kinds = path_query(token, "any"), {kind for argument in arguments for kind in argument.kinds}
        there = "remote path" in kinds and await self._shell_query.look(query)
        local = "local path" in kinds and query and query["only"] != "user" and here(query)
        return [(path(token, name, kind), kind) for name, kind in [*(local or ()), *(there or ())]]

    def _targets(self) -> list[str]:
        workspace = self._shell_query.workspace
        shells = [*(f"fleet:{slot}" for slot in fleet_shells.shells(workspace)), "fleet:off"]
        names = (target.function for target in (workspace.target, *workspace.sessions))
        return list(dict.fromkeys([LOCAL_NAME, *names, *(shells if len(shells) > 1 else [])]))

    async def _shell(self, token: Token, code: str, cursor: int) -> list[Match]:
        if token.kind == "nothing":
            return []
        want = wanted(token)
        paths = await self._shell_query.look(path_query(token, want.paths))
        written = defined(code[: token.start], code[cursor:])
        if token.kind == "variable":
            return list(variables(token.typed, self._named(want.kinds, "", written), code[cursor : cursor + 1]))
        names = list(self._names(token, want, written))
        bare = token.kind == "command" and "/" not in token.typed and not token.typed.startswith("~")
        return names + [(path(token, name, kind), kind) for name, kind in paths if not (bare and names)]

    def _names(self, token: Token, want: Wanted, written: Names) -> Iterator[Match]:
        marked = MARKED.fullmatch(token.typed)
        if not marked:
            return
        mark, typed = marked.groups()
        kinds = [kind for kind in want.kinds if not mark or kind not in ("alias", "keyword")]
        for name, kind in self._named(kinds, token.command, written):
            if name.startswith(typed) and (typed or kind != "command") and not abbreviated(name, kind, typed):
                yield mark + name, kind

    def _named(self, kinds: Iterable[str], command: str, written: Names) -> Iterator[Match]:
        """Each name once, with the kind that bash would find first."""
        names: dict[str, str] = {}
        own = reference.names("variable") if self._shell_query.names else reference.variables()
        for kind in kinds:
            known = own if kind == "variable" else fixed(kind, command)
            theirs = self._shell_query.programs if kind == "command" else self._shell_query.names.get(kind, ())
            found = {*theirs, *known, *written.get(kind, ())}
            for name in sorted(found, key=lambda name: (name.lower(), name)):
                names.setdefault(name, kind)
        return iter(names.items())


def abbreviated(name: str, kind: str, typed: str) -> bool:
    """Signals have two names. The long one is offered only if the user has begun it."""
    return kind.endswith("signal") and name.lstrip("-").startswith("SIG") and not typed.lstrip("-").startswith("SI")


def defined(*texts: str) -> Names:
    """The names that the cell defines around the cursor, though it has not run."""
    return {
        kind: [name for text in texts for found in pattern.finditer(text[:MOST_CHARACTERS]) for name in names_in(found)]
        for kind, pattern in DEFINED.items()
    }


def names_in(found: re.Match[str]) -> list[str]:
    return str(found[found.lastindex or 0]).split()


def skip_head(text: str) -> tuple[int, str]:
    """Where the finished lines of magics end, and the name of the cell magic that takes the rest, if there is one."""
    at = 0
    while (found := LINE.match(text, at)) and (found.end() < len(text) or text.endswith("\n")):
        at = found.end()
        if found[1] == "%%":
            return at, found[2]
    return at, ""


def in_head(text: str) -> re.Match[str] | None:
    """The magic's line at the end of the text, if only such lines are above it."""
    at, cell = skip_head(text)
    above = ABOVE.match(text, at)
    return None if cell else HEAD.match(text, above.end() if above else at)


def as_in_bash(line: re.Match[str]) -> bool:
    """Whether a magic's arguments are those of a command."""
    magic = looked_up(line[1], line[2], KNOWN) if line[3] is not None else None
    return magic is not None and magic.bash is not None


def commands(code: str, cursor: int) -> str:
    """The code with only its commands, each at its position."""
    at, cell = skip_head(code[:cursor])
    magic = looked_up("%%", cell, KNOWN)
    return "\n" * at + code[at:] if not (magic and magic.text) else "#" + code[1:cursor].replace("\n", " ")


def next_arguments(magic: Magic, before: list[str]) -> tuple[Argument, ...]:
    """What the magic takes after those words. The value of an option is here a word of its own."""
    last = next((argument for argument in magic.arguments if before[-1:] == [argument.name]), None)
    return (replace(last, name="value"),) if last and last.option and last.value else magic.arguments


def path_query(token: Token, only: str) -> PathQuery | None:
    """None: there can be no path. only: which kind, or empty."""
    if token.kind == "variable" or not only:
        return None
    if found := re.fullmatch(r"~([\w.-]*)", token.typed):
        return {"head": [], "tail": found[1], "only": "user"}
    if token.kind == "command" and "/" not in token.typed:
        only = "directory" if token.typed else ""
    last = rest(token) if split_quote(token) else token.typed[len(token.head) :]
    head, tail = pieces(token.head), pieces(last, begins=not token.head)
    if not only or head is None or tail is None or any(kind != "text" for kind, _ in tail):
        return None
    return {"head": [list(piece) for piece in head], "tail": "".join(text for _, text in tail), "only": only}


def split_quote(token: Token) -> bool:
    """Whether the open quote begins among the directories, so that the last name is inside it from its start."""
    return bool(token.quote) and token.quoted_at < token.start + len(token.head)


def rest(token: Token) -> str:
    return token.quote + token.typed[len(token.head) :]


def path(token: Token, name: str, kind: str) -> str:
    """The directories stay as they are typed; the name is quoted as what stands there asks for."""
    if kind == "user":
        return f"~{name}/"
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
    found = re.match(r"\$\{[#!]?|\$?", typed)
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
