"""What a magic is, and how a cell's head is read."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..cell import Cell, Control, Emit, Result
from ..errors import UsageError
from ..shell_commands import Word, line_of, names_job, words
from ..tally import Tally
from ..workspace import Workspace

# `%1`, `%%` and `%?x` are bash's job specs: only a letter makes a magic. What follows its name begins with a blank or
# one of bash's operators. Blank lines and comments may stand before it.
LINE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(%%?)([A-Za-z][\w-]*)(?![^\s;&|<>])([^\n]*)(?:\n|\Z)")
MAY_BE = re.compile(r"(?:^|[\s;&|(){}`!])%%?[A-Za-z]", re.MULTILINE)
NAME = re.compile(r"(%%?)([A-Za-z][\w-]*)")
# The parts of a magic's line as bash would take them: `#` begins a comment at the head of a word only.
PART = re.compile(
    r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|(?P<comment>(?:(?<=\s)|\A)\#.*)|(?P<operator>&&|\|\||[;&|<>])|.", re.DOTALL
)


@dataclass(frozen=True)
class Call:
    """What a magic works with: its words, the kernel's state, and the way to show and to be stopped. attended: whether
    somebody is there who can stop it."""

    words: list[str]
    workspace: Workspace
    emit: Emit
    control: Control
    tally: Tally
    magics: Mapping[str, Magic]
    attended: bool = False


Command = Callable[[Cell, Emit], Result]


@dataclass(frozen=True)
class Magic:
    """run returns text to show. cell: it is called with two percent signs, and has the rest of the cell; take, if there
    is one, then does all that the cell does, and is given what runs a command in the session. text: what it takes are
    no commands. bash: it stands for a command of bash's, which this makes of the text after its name."""

    name: str
    usage: str
    summary: str
    run: Callable[[Call], str]
    cell: bool = False
    take: Callable[[Call, Cell, Command], Result | None] | None = None
    text: bool = False
    bash: Callable[[str], str] | None = None

    @property
    def called(self) -> str:
        return f"{'%%' if self.cell else '%'}{self.name}"

    @property
    def synopsis(self) -> str:
        return f"{self.called} {self.usage}".rstrip()


@dataclass(frozen=True)
class Line:
    """A magic's line. text: what follows its name, as it is typed, but for a comment."""

    magic: Magic
    words: list[str]
    text: str


@dataclass(frozen=True)
class Head:
    """A cell, read: the line magics, the cell magic if there is one, and the shell text, which begins so many lines
    below the top."""

    lines: list[Line]
    cell: Line | None
    body: str
    above: int = 0


def parse(text: str, magics: Mapping[str, Magic], jobs: frozenset[str] = frozenset()) -> Head:
    """Read a cell. jobs: by what there may be jobs, whose names are bash's. Raises UsageError for an unknown magic,
    before anything is run."""
    lines: list[Line] = []
    rest = text
    while match := LINE.match(rest):
        percents, name, after = match.groups()
        if not looked_up(percents, name, magics) and (after[:1] in tuple(";&|<>") or names_job(name, jobs)):
            break
        magic = find(name, percents == "%%", magics)
        rest = rest[match.end() :]
        call = Line(magic, [], uncommented(after)) if magic.bash else Line(magic, split(after, magic), after)
        if magic.cell:
            return Head(lines, call, rest, line_of(text, len(text) - len(rest)) - 1)
        lines.append(call)
    return Head(lines, None, rest, line_of(text, len(text) - len(rest)) - 1)


def looked_up(percents: str, name: str, magics: Mapping[str, Magic]) -> Magic | None:
    """The magic that is called so, if there is one: some names are both a line's and a cell's."""
    return magics.get(percents + name) or magics.get(name)


def find(name: str, cell: bool, magics: Mapping[str, Magic]) -> Magic:
    percents = "%%" if cell else "%"
    magic = looked_up(percents, name, magics)
    if magic is None:
        near = difflib.get_close_matches(name, [magic.name for magic in magics.values()], 1)
        known = near and (magics.get(near[0]) or looked_up(percents, near[0], magics))
        hint = f"did you mean {known.synopsis}?" if known else "%help lists them"
        raise UsageError(f"there is no magic {percents}{name}: {hint}")
    if magic.cell != cell:
        raise UsageError(f"{percents}{name} is used as {magic.synopsis}")
    return magic


def split(text: str, magic: Magic) -> list[str]:
    """The words of a magic's line, quoted as a command's, without a comment."""
    text = uncommented(text)
    for part in PART.finditer(text):
        if part.lastgroup != "operator":
            continue
        if part[0] != ";" or part.end() < len(text):
            raise UsageError(not_a_command(magic, part[0]))
        text = text[: part.start()]
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{magic.synopsis}: {error}") from error


def uncommented(text: str) -> str:
    parts = PART.finditer(text)
    return next((text[: part.start()] for part in parts if part.lastgroup == "comment"), text).strip()


def not_a_command(magic: Magic, operator: str) -> str:
    why = (
        "what it tells goes into the notebook, and cannot be piped or redirected"
        if operator in ("|", "<", ">")
        else f"a magic has its line for itself: put what follows `{operator}` into the next line"
    )
    return f"{magic.called}: {why}. Nothing was run. (Quote `{operator}` where it belongs to a word.)"


def misplaced(head: Head, magics: Mapping[str, Magic], jobs: frozenset[str]) -> str:
    """What to say of a magic that stands where a command begins; empty where there is none, or where it may name a job
    of bash's. Call it before anything is run."""
    if not MAY_BE.search(head.body) or (head.cell and head.cell.magic.text):
        return ""
    for word in words(head.body):
        called = NAME.fullmatch(word.text) if word.command else None
        magic = called and looked_up(called[1], called[2], magics)
        if called and magic and not (called[1] == "%" and names_job(called[2], jobs)):
            return where_it_goes(magic, word, head)
    return ""


def where_it_goes(magic: Magic, word: Word, head: Head) -> str:
    line = line_of(head.body, word.begin) + head.above
    if magic.bash:
        after = head.body[word.begin + len(word.text) :].partition("\n")[0].strip()
        why = f"that is IPython's word, and in bash it is `{magic.bash(after)}`"
    elif magic.cell:
        why = "it takes all lines below it, so it has to be at the head of its cell, above all commands"
    else:
        why = "magics stand at the head of a cell, one a line, above all commands"
    return f"{word.text} in line {line}: {why}. Nothing was run."


def wrong(magic: Magic) -> UsageError:
    return UsageError(f"usage: {magic.synopsis}")


def on_or_off(call: Call, magic: Magic, on: str = "on", off: str = "off") -> bool | None:
    """One of two words; None if there is none."""
    if not call.words:
        return None
    if call.words not in ([on], [off]):
        raise wrong(magic)
    return call.words == [on]
