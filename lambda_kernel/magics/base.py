"""What a magic is, and how a cell's head is read."""

from __future__ import annotations

import difflib
import math
import re
import shlex
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar

from ..aws.usage import Usage
from ..bash.commands import Word, line_of, names_job, words
from ..errors import Abandoned, Interrupted, UsageError
from ..session.cell import Cell, Control, Emit, Result
from ..session.context import Context
from ..workspace.workspace import Workspace
from .arguments import Argument, Parser, asks_help

T = TypeVar("T")
# `%1`, `%%` and `%?x` are bash's job specs, so a magic begins with a letter. A blank or one of bash's operators ends
# its name. Blank lines and comments may stand before it.
LINE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(%%?)([A-Za-z][\w-]*)(?![^\s;&|<>])([^\n]*)(?:\n|\Z)")
MAY_BE = re.compile(r"(?:^|[\s;&|(){}`!])%%?[A-Za-z]", re.MULTILINE)
NAME = re.compile(r"(%%?)([A-Za-z][\w-]*)")
# The parts of a magic's line, as in bash: `#` begins a comment only at the beginning of a word.
PART = re.compile(
    r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|(?P<comment>(?:(?<=\s)|\A)\#.*)|(?P<operator>&&|\|\||[;&|<>])|.", re.DOTALL
)
SYNOPSIS_CHARACTERS = 80  # a longer one names no options: the help does


@dataclass(frozen=True)
class Call:
    """What a magic works with.

    options: the values of its arguments; emit: shows something; control: tells of interrupts; interactive: whether a
    user is there, who can answer a question or interrupt.
    """

    options: Namespace
    workspace: Workspace
    emit: Emit
    control: Control
    usage: Usage
    magics: Mapping[str, Magic]
    groups: Mapping[str, Sequence[Magic]]
    interactive: bool = False

    @property
    def context(self) -> Context:
        return Context(self.emit, self.control, self.usage)

    def within_limit(self, ask: Callable[[], T], what: str) -> T:
        """Ask AWS something that is no invocation, within the cell's time limit. what: what is done meanwhile, for the
        error. Raises errors.KernelError."""
        try:
            return self.workspace.caller(ask, self.control, 0.0, self.workspace.settings.seconds or math.inf)
        except Abandoned as error:
            why = "interrupted" if self.control.interrupts else "the time limit was reached"
            raise Interrupted(f"{why} while {what}") from error


class Command(Protocol):
    """Runs a command in the session. usage: what is to count it, in place of the cell's own."""

    def __call__(self, cell: Cell, emit: Emit, usage: Usage | None = None) -> Result: ...


@dataclass(frozen=True)
class Magic:
    """A magic. run: does it, and returns the text to show.

    arguments: what it takes.
    take: does the whole cell in place of run; it gets a function that runs a command in the session.
    text: the rest of the cell is not shell text.
    verbatim: its lines are not broken between words where the screen is narrow.
    bash: makes a command of bash from the text after the name; the magic is that command.
    check: says what is wrong with arguments that do not go together.
    hints: what is said about options that programs of that name have.
    usage: how its arguments are written if they are not ours to read; they are then in `words`.
    more: what its help says after the summary. examples: each with what it does.
    """

    name: str
    summary: str
    run: Callable[[Call], str] = lambda call: ""
    arguments: tuple[Argument, ...] = ()
    take: Callable[[Call, Cell, Command], Result | None] | None = None
    text: bool = False
    verbatim: bool = False
    bash: Callable[[str], str] | None = None
    check: Callable[[Namespace], str] = lambda options: ""
    hints: Mapping[str, str] = field(default_factory=dict)
    usage: str | None = None
    more: str = ""
    examples: tuple[tuple[str, str], ...] = ()

    @property
    def cell(self) -> bool:
        """Whether it has two percent signs and takes the rest of the cell."""
        return self.take is not None

    @property
    def called(self) -> str:
        return f"{'%%' if self.cell else '%'}{self.name}"

    @property
    def synopsis(self) -> str:
        own = " ".join(argument.synopsis for argument in self.arguments)
        if len(own) > SYNOPSIS_CHARACTERS:
            own = " ".join([*(argument.synopsis for argument in self.arguments if not argument.option), "[OPTION…]"])
        return f"{self.called} {own if self.usage is None else self.usage}".rstrip()

    @cached_property
    def parser(self) -> Parser:
        """Made when it is first needed: few cells have magics."""
        return Parser(self.called, self.arguments, self.hints)

    def read(self, words: list[str]) -> Namespace:
        if self.usage is not None:
            return Namespace(words=words)
        try:
            options = self.parser.read(words)
        except UsageError as error:
            raise self.wrong(str(error)) from None
        if why := self.check(options):
            raise self.wrong(why)
        return options

    def wrong(self, why: str) -> UsageError:
        return UsageError(f"{self.called}: {why}; usage: {self.synopsis}")


@dataclass(frozen=True)
class Line:
    """A magic's line. text: what was typed after its name, without a comment, if it is a command of bash."""

    magic: Magic
    options: Namespace
    text: str = ""


@dataclass(frozen=True)
class Head:
    """A cell after reading: its line magics, its cell magic if it has one, and the text below them.

    above: the number of lines above that text.
    """

    lines: list[Line]
    cell: Line | None
    body: str
    above: int = 0


def parse(text: str, magics: Mapping[str, Magic], jobs: frozenset[str] = frozenset()) -> Head:
    """Read a cell. jobs: names that jobs may have; such a `%name` is bash's.

    Raises UsageError for an unknown magic or wrong arguments, before anything is run.
    """
    lines: list[Line] = []
    rest = text
    while match := LINE.match(rest):
        percents, name, after = match.groups()
        if not looked_up(percents, name, magics) and (after[:1] in tuple(";&|<>") or names_job(name, jobs)):
            break
        magic = find(name, percents == "%%", magics)
        rest = rest[match.end() :]
        call = line(magic, after, magics)
        if magic.cell:
            asks = call.magic is not magic
            return Head([*lines, call], None, "") if asks else Head(lines, call, rest, above(text, rest))
        lines.append(call)
    return Head(lines, None, rest, above(text, rest))


def above(text: str, rest: str) -> int:
    return line_of(text, len(text) - len(rest)) - 1


def line(magic: Magic, text: str, magics: Mapping[str, Magic]) -> Line:
    """`%NAME --help` is `%help %NAME`."""
    if magic.bash:
        return Line(magic, Namespace(), uncommented(text))
    words = split(text, magic)
    if magic.usage is None and asks_help(words):
        magic, words = magics["help"], [magic.called]
    return Line(magic, magic.read(words))


def looked_up(percents: str, name: str, magics: Mapping[str, Magic]) -> Magic | None:
    """The magic of that name, or None. A few names are both a line magic and a cell magic."""
    return magics.get(percents + name) or magics.get(name)


def find(name: str, cell: bool, magics: Mapping[str, Magic]) -> Magic:
    percents = "%%" if cell else "%"
    magic = looked_up(percents, name, magics)
    if magic is None:
        raise unknown(percents, name, magics)
    if magic.cell != cell:
        raise UsageError(f"{percents}{name} does not exist: use {magic.synopsis}")
    return magic


def unknown(percents: str, name: str, magics: Mapping[str, Magic]) -> UsageError:
    near = difflib.get_close_matches(name, [magic.name for magic in magics.values()], 1)
    known = near and (magics.get(near[0]) or looked_up(percents, near[0], magics))
    hint = f"did you mean {known.synopsis}?" if known else "%help lists them"
    return UsageError(f"there is no magic {percents}{name}: {hint}")


def split(text: str, magic: Magic) -> list[str]:
    """The words of a magic's line, quoted as in bash, without a comment."""
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
        raise magic.wrong(str(error)) from error


def uncommented(text: str) -> str:
    parts = PART.finditer(text)
    return next((text[: part.start()] for part in parts if part.lastgroup == "comment"), text).strip()


def not_a_command(magic: Magic, operator: str) -> str:
    why = (
        "a magic's output goes into the notebook and cannot be piped or redirected"
        if operator in ("|", "<", ">")
        else f"a magic needs a line of its own: put what follows `{operator}` on the next line"
    )
    return f"{magic.called}: {why}. Nothing was run. (Quote `{operator}` if it is part of a word.)"


def misplaced(head: Head, magics: Mapping[str, Magic], jobs: frozenset[str]) -> str:
    """The message about a magic in place of a command; empty if there is none, or if it may name a job of bash.

    Call it before anything is run.
    """
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
        why = f"that is a magic of IPython; the bash command is `{magic.bash(after)}`"
    elif head.cell and magic.cell:
        why = f"a cell can have one such magic, and {head.cell.magic.called} takes all lines below it"
    elif head.cell:
        why = f"put it above {head.cell.magic.called}, which takes all lines below it"
    elif magic.cell:
        why = "it takes all lines below it, so put it at the head of the cell, above all commands"
    else:
        why = "put magics at the head of the cell, one a line, above all commands"
    return f"{word.text} in line {line}: {why}. Nothing was run."
