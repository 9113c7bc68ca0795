"""Finds the word at the cursor in shell text: how it is quoted, and what it is for bash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["command", "argument", "variable", "nothing"]
Piece = tuple[str, str]  # ("text", as it is), ("variable", a name) or ("tilde", a user)

MOST_CHARACTERS = 100_000  # nobody types a longer text before the cursor
# After these words another command begins (bash(1), SHELL GRAMMAR); after those, an option may stand before it.
OPENERS = {"if", "then", "else", "elif", "do", "while", "until", "{", "!", "coproc"}
# Those that run the command that follows, by the options of theirs that take a value.
CARRIERS = {
    "time": "fo", "command": "", "builtin": "", "exec": "a", "eval": "", "nohup": "", "setsid": "", "busybox": "",
    "sudo": "CDghpRrTtUu", "env": "CSu", "xargs": "adEILnPs", "nice": "n", "ionice": "cn", "stdbuf": "eio",
    "timeout": "ks", "strace": "aeEIoOpPsSu", "ltrace": "aeFlnopsu", "watch": "n", "unshare": "RSGw", "flock": "Ew",
}  # fmt: skip
OPERANDS = {"timeout": 1, "flock": 1}  # how many words of their own stand before it
RUNS = {"-exec", "-execdir", "-ok", "-okdir"}  # of find
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^]]*\])?\+?=")
LEXEMES = re.compile(
    r"(?P<continued>\\\n)|(?P<escaped>\\.)|(?P<ansi>\$')|(?P<single>')|(?P<double>\$?\")|(?P<arithmetic>\$\(\()"
    r"|(?P<substitution>\$\()|(?P<parameter>\$\{)|(?P<variable>\$(?:[A-Za-z_]\w*|[0-9?!@*#$-])?)|(?P<backtick>`)|(?P<process>[<>]\()"
    r"|(?P<here><<-?(?!<))|(?P<redirection>&>>?|<<<|[<>]&|<>|>\||>>?|<)|(?P<end>;;&?|;&|\n|\|&|&&|\|\||[;&|])"
    r"|(?P<blank>[ \t\r]+)|(?P<open>\()|(?P<close>\))|(?P<brace>\})|(?P<hash>\#)|"
    r"(?P<plain>[^\\'\"$`<>;&|\n \t\r(){}#]+|.)",
    re.DOTALL,
)
SURROGATES = re.compile(r"[\ud800-\udfff]")  # JSON can hold them, and nothing can be made of them
SINGLE_END = re.compile(r"'")
ANSI_END = re.compile(r"(?:[^'\\]|\\.)*?'", re.DOTALL)
NAME_IN_BRACES = re.compile(r"\$\{[#!]?(\w*|[?@*$-])\Z")
PIECES = re.compile(
    r"\\\n|\\(?P<escaped>.)|\$'(?P<ansi>[^'\\]*)(?:'|\Z)|'(?P<single>[^']*)(?:'|\Z)|(?P<double>\$?\")"
    r"|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})|(?P<unknown>[$`()*?<>])|(?P<plain>[^\\'\"$`()*?<>]+|.)",
    re.DOTALL,
)
PIECES_IN_QUOTES = re.compile(
    r"\\\n|\\(?P<escaped>[$`\"\\])|(?P<double>\")|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})"
    r"|(?P<unknown>[$`])|(?P<plain>[^\\\"$`]+|.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """The word that ends at the cursor. quote: the open quote; command: the simple command that it belongs to."""

    kind: Kind
    start: int
    typed: str
    quote: str = ""
    command: str = ""
    quoted_at: int = 0  # where the open quote stands
    words: tuple[str, ...] = ()  # of that command, between its name and the cursor
    value: bool = False  # it follows a `=` or a redirection

    @property
    def head(self) -> str:
        """Its directories, as they were typed."""
        return self.typed[: self.typed.rfind("/") + 1]


@dataclass
class Frame:
    """A piece of text with its own rules. closer: what ends it; listing: whether it contains commands."""

    closer: str
    listing: bool = True
    position: Literal["command", "argument", "pattern"] = "command"
    word: int | None = None
    begins: int = 0
    command: str = ""
    redirected: bool = False
    cases: int = 0
    array: bool = False
    test: bool = False
    words: list[str] = field(default_factory=list)
    passes: int = 0  # how many words to come are not yet the command that this one runs

    def begin(self, command: str) -> None:
        self.command, self.words, self.passes = command, [], OPERANDS.get(command, 0)

    def end_command(self) -> None:
        if not (self.array or self.test):
            self.position, self.redirected = "command", False
            self.begin("")


@dataclass
class Here:
    """A here-document. plain: nothing in it is expanded; tabs: its lines may begin with tabs."""

    delimiter: str
    plain: bool
    tabs: bool = False


@dataclass
class Scanner:
    """Reads text up to the cursor. There the innermost frame tells what the word is."""

    text: str
    frames: list[Frame] = field(default_factory=lambda: [Frame("")])
    heres: list[Here] = field(default_factory=list)
    awaits_delimiter: str = ""  # the operator of a here-document
    at: int = 0

    @property
    def top(self) -> Frame:
        return self.frames[-1]

    def scan(self) -> Token:
        while self.at < len(self.text):
            found = LEXEMES.match(self.text, self.at)
            assert found is not None
            begin, self.at = self.at, found.end()
            if token := self._take(str(found.lastgroup), begin, found[0]):
                return token
        return self._last()

    def _take(self, what: str, begin: int, lexeme: str) -> Token | None:
        if what in ("single", "ansi") and self.top.closer != '"':
            return self._string(what, begin)
        if self.top.closer == '"' and what == "double":
            lexeme = '"'  # a dollar before the end is one
        elif self.top.closer == '"' and what not in QUOTED:
            return None
        if what in ("end", "blank", "redirection", "here", "close", "hash", "process") and self.top.listing:
            return self._separator(what, begin, lexeme)
        if lexeme == self.top.closer or (what == "close" and self.top.closer == "))"):
            self._pop(begin)
            return None
        return self._part(what, begin)

    def _part(self, what: str, begin: int) -> Token | None:
        """A part of a word, which may begin a frame inside the word."""
        top = self.top
        if what == "open" and top.listing:
            self._parenthesis(begin)
            return None
        if what != "continued" and top.word is None:
            top.word = begin
        if what == "variable" and self.at == len(self.text):
            return self._token("variable", begin)
        if what in FRAMES and (what != "double" or top.closer != '"'):
            closer, listing = FRAMES[what]
            self.frames.append(Frame(closer, listing, begins=begin))
        elif what == "open" and top.closer in ("))", ")"):
            self.frames.append(Frame(")", False, begins=begin))
        return None

    def _parenthesis(self, begin: int) -> None:
        """A subshell, an array, arithmetic, an extended pattern, or the () of a function."""
        top, before = self.top, self.text[begin - 1 : begin]
        if top.position == "pattern" and top.word is None:
            return
        if self.text.startswith("((", begin) and top.word is None and top.position == "command":
            self.at = begin + 2
            self.frames.append(Frame("))", False, begins=begin))
            return
        array = top.word is not None and before in ("=", "?", "*", "+", "@", "!")
        if top.test or top.array or array:
            self.frames.append(Frame(")", position="argument", array=True, begins=begin))
            return
        self._end_word(begin)
        self.frames.append(Frame(")", begins=begin))
        top.end_command()

    def _pop(self, begin: int) -> None:
        """A frame ends. Arithmetic ends with two brackets."""
        if self.top.closer == "))":
            if not self.text.startswith("))", begin):
                return
            self.at = begin + 2
        self.frames.pop()

    def _separator(self, what: str, begin: int, lexeme: str) -> Token | None:
        top = self.top
        if what == "hash":
            return self._comment(begin)
        if what == "redirection" and top.word is not None and self.text[top.word : begin].isdigit():
            top.word = None
        self._end_word(begin)
        if what == "end":
            return self._end(lexeme)
        if what == "process":
            top.word = begin
            self.frames.append(Frame(")", begins=begin))
        elif what == "close":
            self._close(begin)
        elif what != "blank" and not top.test:
            top.redirected, self.awaits_delimiter = True, lexeme if what == "here" else ""
        return None

    def _close(self, begin: int) -> None:
        if self.top.position == "pattern" and self.top.cases:
            self.top.position = "command"
        elif self.top.closer == ")":
            self._pop(begin)

    def _comment(self, begin: int) -> Token | None:
        if self.top.word is not None:
            return None
        end = self.text.find("\n", begin)
        self.at = len(self.text) if end == -1 else end
        return self._token("nothing", self.at) if end == -1 else None

    def _end(self, lexeme: str) -> Token | None:
        top = self.top
        if top.position == "pattern":
            return None
        top.end_command()
        if lexeme.startswith(";;") or lexeme == ";&":
            top.position = "pattern" if top.cases else "command"
        return self._bodies() if lexeme == "\n" else None

    def _bodies(self) -> Token | None:
        """Here-documents begin after the line that names them."""
        while self.heres:
            here = self.heres.pop(0)
            while (line := self._line(here.tabs)) != here.delimiter:
                if line is None:
                    return self._in_body(here)
        return None

    def _line(self, tabs: bool) -> str | None:
        """The next line of a body. None: the line does not end."""
        begin, end = self.at, self.text.find("\n", self.at)
        self.at = len(self.text) if end == -1 else end + 1
        line = self.text[begin : self.at].rstrip("\r\n")
        return None if begin == len(self.text) else line.lstrip("\t") if tabs else line

    def _in_body(self, here: Here) -> Token:
        line = self.text[self.text.rfind("\n") + 1 :]
        found = re.search(r"(?<!\\)(?:\\\\)*(\$\{?\w*)\Z", line)
        if here.plain or not found:
            return self._token("nothing", len(self.text))
        return self._token("variable", len(self.text) - len(found[1]))

    def _string(self, what: str, begin: int) -> Token | None:
        if self.top.word is None:
            self.top.word = begin
        found = (SINGLE_END if what == "single" else ANSI_END).search(self.text, self.at)
        if found:
            self.at = found.end()
            return None
        return self._word(quote="'", quoted_at=begin) if what == "single" else self._token("nothing", begin)

    def _end_word(self, end: int) -> None:
        top = self.top
        if top.word is None:
            return
        word, top.word = self.text[top.word : end], None
        if top.redirected:
            top.redirected = False
            self._delimiter(word)
        elif top.position == "command":
            self._command(word)
        elif word == "esac" and top.cases:
            top.cases, top.position = top.cases - 1, "argument"
        elif word == "in" and top.command == "case":
            top.cases, top.position = top.cases + 1, "pattern"
        elif word == "]]" and top.test:
            top.test = False
        elif word in RUNS and top.command == "find":
            top.position = "command"
        elif word == "{" and top.command == "function":
            top.end_command()
        else:
            top.words.append(word)

    def _delimiter(self, word: str) -> None:
        if self.awaits_delimiter:
            tabs, self.awaits_delimiter = self.awaits_delimiter == "<<-", ""
            self.heres.append(Here(re.sub(r"[\\'\"]", "", word), bool(re.search(r"[\\'\"]", word)), tabs))

    def _command(self, word: str) -> None:
        top = self.top
        if word in OPENERS or ASSIGNMENT.match(word):
            return
        if top.command in CARRIERS and (word.startswith("-") or top.passes):
            top.words.append(word)
            top.passes += takes_value(top.command, word) if word.startswith("-") else -1
            return
        top.begin(word)
        if word == "esac" and top.cases:
            top.cases -= 1
        top.test = word == "[["
        top.position = "command" if word in CARRIERS else "argument"

    def _last(self) -> Token:
        """The text ends, outside of strings."""
        if self.top.closer == "}":
            found = NAME_IN_BRACES.match(self.text, self.top.begins)
            return self._token("variable" if found else "nothing", self.top.begins)
        if self.top.closer == "))" or (self.top.closer == ")" and not self.top.listing):
            name = re.match(r"\w*", self.text[::-1])
            return self._token("variable", len(self.text) - (name.end() if name else 0))
        if self.top.closer == '"':
            begin = self.frames.pop().begins
            return self._word('"', begin) if self.top.listing else self._token("nothing", begin)
        return self._word()

    def _word(self, quote: str = "", quoted_at: int = 0) -> Token:
        top = self.top
        start = len(self.text) if top.word is None else top.word
        begin = start + value_at(self.text, start)
        if self.awaits_delimiter or not top.listing:
            kind: Kind = "nothing"
        elif top.redirected or begin > start or top.position != "command" or self._own(start):
            kind = "argument"
        else:
            kind = "command"
        command = "" if top.redirected else top.command
        value = top.redirected or begin > start
        return Token(kind, begin, self.text[begin:], quote, command, quoted_at, tuple(top.words), value)

    def _own(self, start: int) -> bool:
        """Whether a word belongs to the carrier itself, and not to the command that it runs."""
        return self.top.command in CARRIERS and (self.text.startswith("-", start) or self.top.passes > 0)

    def _token(self, kind: Kind, start: int) -> Token:
        return Token(kind, start, self.text[start:], command=self.top.command, words=tuple(self.top.words))


QUOTED = {"variable", "substitution", "arithmetic", "parameter", "backtick"}
FRAMES = {
    "double": ('"', False),
    "substitution": (")", True),
    "arithmetic": ("))", False),
    "parameter": ("}", False),
    "backtick": ("`", True),
}


def token_at(text: str, cursor: int) -> Token:
    """The token before the cursor. cursor: in characters."""
    if cursor > MOST_CHARACTERS:
        return Token("nothing", cursor, "")
    return Scanner(SURROGATES.sub("\ufffd", text[:cursor])).scan()


def takes_value(carrier: str, option: str) -> bool:
    """Whether the next word belongs to an option of a command that runs another."""
    return len(option) == 2 and option[1] in CARRIERS[carrier]


def value_at(text: str, start: int) -> int:
    """Where the value in a word begins: after `NAME=` and each later `:`, or after `--option=`."""
    if found := ASSIGNMENT.match(text, start):
        return max(found.end(), text.rfind(":", start) + 1) - start
    option = re.compile(r"--?[\w-]+=").match(text, start)
    return option.end() - start if option else 0


def word_end(text: str, cursor: int) -> int:
    """The end of the word that the cursor is in."""
    found = re.compile(r"[^\s;&|()<>'\"`$={}]*").match(text, cursor)
    return found.end() if found else cursor


def pieces(word: str, begins: bool = True) -> list[Piece] | None:
    """What bash would expand a word to. None if bash would have to run or match something."""
    found: list[Piece] = []
    tilde = re.match(r"~([\w.-]*|\+)(?=/|\Z)", word) if begins else None
    if tilde:
        found.append(("tilde", tilde[1]))
    for piece in _pieces(word, tilde.end() if tilde else 0):
        if piece is None:
            return None
        found.append(piece)
    return found


def _pieces(word: str, at: int) -> Iterator[Piece | None]:
    quoted = False
    while found := (PIECES_IN_QUOTES if quoted else PIECES).match(word, at):
        at = found.end()
        what = found.lastgroup
        if what == "double":
            quoted = not quoted
        elif what == "unknown":
            yield None
        elif what in ("name", "braced"):
            yield "variable", found[what]
        elif what:
            yield "text", found[what]
