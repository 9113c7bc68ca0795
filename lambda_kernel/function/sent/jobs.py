"""Finds where a cell starts background jobs, and gives these their own outputs, so that their output can be recognised.

bash has no hook for `&`, and who reads from a pipe cannot tell who wrote into it. The kernel sends this file along with
its hello, so it needs the standard library only.

bash/cursor.py of the kernel also reads shell text, for completion. It guesses where it cannot know. What is inserted
here changes what bash runs, so this scanner gives up (Odd) where it does not understand the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

ASYNC = re.compile(r"&(?<![&<>|;]&)(?![&>])")
LEXEME = re.compile(
    r"(?P<blank>(?:[ \t\r]|\\\n)+)|(?P<here><<-?(?!<))|(?P<process>[<>]\()|(?P<redirect>&>>?|<<<|[<>]&|<>|>\||>>?|<)"
    r"|(?P<case>;;&?|;&)|(?P<join>&&|\|\||\|&|\|)|(?P<end>[;\n])|(?P<job>&)|(?P<open>\()|(?P<close>\))|(?P<word>.)",
    re.DOTALL,
)
PLAIN = re.compile(r"(?:[^\\'\"`$ \t\r\n;&|<>(){}]|\\.)+", re.DOTALL)
FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")
SINGLE_QUOTED, ANSI, BACKTICK = (
    re.compile(r"'[^']*'"),
    re.compile(r"\$'(?:\\.|[^'\\])*'", re.S),
    re.compile(r"`(?:\\.|[^`\\])*`", re.S),
)
HERE_END = re.compile(r"[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.-]+))")
OPENING = {"if": "if", "{": "{", "case": "case", **dict.fromkeys(("while", "until", "for", "select"), "do")}
MIDDLE = {"then": "if", "elif": "if", "else": "if", "do": "do"}
MARK, SHOWN_MARK = b"\2\1S\0", r"\2\1S\0"
CLOSING = {"fi": "if", "done": "do", "}": "{", "esac": "case"}
CASE = re.compile(r"\s+(?:[^\s'\"`$\\]|\$\w+|\$\{\w+\}|\"\$\w+\"|\"\$\{\w+\}\"|\$[@*#?])+\s+in\b")
FUNCTION_NAME = re.compile(r"[ \t]+[^\s()]+(?:[ \t]*\([ \t]*\))?")
TEST_END = re.compile(r"(?:(?!\]\])[^\n])*\]\]")
# A list that uses these sees what ran before it, so nothing may be inserted there.
LOOKING_BACK = re.compile(r"\$\{?[?_](?!\w)|PIPESTATUS")


class Odd(Exception):
    """The text is not understood, so nothing is inserted."""


class Nest(NamedTuple):
    """A compound command. start: where its list begins. function: whether it is a function's body."""

    kind: str
    start: int
    function: bool


class Lists:
    """Finds the lists of a text that run in the background: their start and end, with the `&`."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: list[tuple[int, int]] = []
        self.nests: list[Nest] = []
        self.start: int | None = None  # where the current list begins
        self.begins, self.joined, self.function, self.operand = True, False, False, False
        self.pattern = False  # whether a pattern of `case` comes
        self.heres: list[tuple[bool, str]] = []

    def scan(self) -> list[tuple[int, int]]:
        while self.at < len(self.text):
            lexeme = LEXEME.match(self.text, self.at)
            if lexeme is None:
                raise Odd
            begin = self.at
            kind = str(lexeme.lastgroup)
            if kind == "word":
                self._word(begin)
            else:
                self.at = lexeme.end()
                if kind != "blank":
                    getattr(self, f"_{kind}")(begin, lexeme[0])
        if self.nests or self.heres:
            raise Odd
        return self.found

    def _here(self, begin: int, lexeme: str) -> None:
        end = HERE_END.match(self.text, self.at)
        if end is None:
            raise Odd
        self.heres.append((lexeme == "<<-", "".join(filter(None, end.groups()))))
        self.at = end.end()

    def _process(self, begin: int, lexeme: str) -> None:
        self._enclosed()
        self._simple(begin)

    def _redirect(self, begin: int, lexeme: str) -> None:
        self._simple(begin, named=False)
        self.operand = True

    def _case(self, begin: int, lexeme: str) -> None:
        self._over()
        self.pattern = True

    def _join(self, begin: int, lexeme: str) -> None:
        if not self.pattern:
            self.begins = self.joined = True

    def _end(self, begin: int, lexeme: str) -> None:
        if not self.joined:
            self._over()
        if lexeme == "\n":
            self._bodies()

    def _job(self, begin: int, lexeme: str) -> None:
        if self.start is None:
            raise Odd
        if not any(nest.function for nest in self.nests):  # `declare -f` shows those
            self.found.append((self.start, self.at))
        self._over()

    def _open(self, begin: int, lexeme: str) -> None:
        before = self.text[begin - 1 : begin]
        if self.pattern:
            return
        if begin and before not in " \t\n;&|(":
            if before not in "=@?*+!":
                raise Odd
            self._enclosed()
        elif self.begins and self.text.startswith("(", self.at):
            self._enclosed()
            self._simple(begin)
        elif self.begins:
            self._push("(", begin)
        else:
            raise Odd

    def _close(self, begin: int, lexeme: str) -> None:
        if self.pattern:
            self.pattern = False
            self._over()
        else:
            self._pop("(")

    def _word(self, begin: int) -> None:
        while self.at < len(self.text) and self._piece():
            pass
        word = self.text[begin : self.at]
        if self.operand:
            self.operand = False
        elif word.startswith("#"):
            end = self.text.find("\n", begin)
            self.at = len(self.text) if end < 0 else end
        elif self.pattern:
            if word == "esac":
                self.pattern = False
                self._pop("case")
        elif not self.begins:
            return
        elif FUNCTION.match(self.text, self.at):
            self._skip(FUNCTION)
            self._declares(begin)
        else:
            self._first(begin, word)

    def _first(self, begin: int, word: str) -> None:
        """The first word of a command."""
        if word in OPENING:
            self._push(OPENING[word], begin)
            self._head(word)
        elif word in MIDDLE:
            if not self.nests or self.nests[-1].kind != MIDDLE[word]:
                raise Odd
            self._over()
        elif word in CLOSING:
            self._pop(CLOSING[word])
        elif word == "function":
            self._skip(FUNCTION_NAME)
            self._declares(begin)
        elif word in ("!", "time"):
            self.start = begin if self.start is None else self.start
        elif word == "coproc":
            raise Odd
        else:
            if word == "[[":
                self._skip(TEST_END)
            self._simple(begin)

    def _head(self, word: str) -> None:
        """Skip what comes before the first command: a pattern's word, a loop's name and words, or arithmetic."""
        if word == "case":
            self._skip(CASE)
            self.pattern = True
        if word not in ("for", "select"):
            return
        if found := re.compile(r"[ \t]*\((?=\()").match(self.text, self.at):
            self.at = found.end()
            self._enclosed()
        else:
            self.begins = False

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise Odd
        self.at = found.end()

    def _declares(self, begin: int) -> None:
        self.start = begin if self.start is None else self.start
        self.function, self.joined = True, True

    def _simple(self, begin: int, named: bool = True) -> None:
        self.start = begin if self.start is None else self.start
        self.joined = False
        if named:
            self.begins = False

    def _push(self, kind: str, begin: int) -> None:
        self.nests.append(Nest(kind, begin if self.start is None else self.start, self.function))
        self._over()
        self.function = False

    def _pop(self, kind: str) -> None:
        if not self.nests or self.nests[-1].kind != kind:
            raise Odd
        self.start = self.nests.pop().start
        self.begins = self.joined = False

    def _over(self) -> None:
        self.start, self.begins, self.joined, self.operand = None, True, False, False

    def _bodies(self) -> None:
        """Skip the bodies of here-documents."""
        for tabs, word in self.heres:
            end = re.compile(rf"^{chr(9) + '*' if tabs else ''}{re.escape(word)}(?:\n|\Z)", re.M).search(
                self.text, self.at
            )
            if end is None:
                raise Odd
            self.at = end.end()
        self.heres = []

    def _piece(self) -> bool:
        """Skip a part of a word. False: the word ends."""
        text, at = self.text, self.at
        for pattern in (PLAIN, SINGLE_QUOTED, ANSI, BACKTICK):
            if found := pattern.match(text, at):
                self.at = found.end()
                return True
        if text.startswith('"', at) or text.startswith('$"', at):
            self.at = text.index('"', at) + 1
            self._quoted()
        elif text.startswith(("$(", "${"), at):
            self.at += 2
            self._enclosed(")" if text[at + 1] == "(" else "}")
        elif text[at] in "${}":
            self.at += 1
        elif text[at] in "'`\\":
            raise Odd
        else:
            return False
        return True

    def _quoted(self) -> None:
        while not self.text.startswith('"', self.at):
            if self.at >= len(self.text):
                raise Odd
            if self.text.startswith(("$(", "${"), self.at):
                self.at += 2
                self._enclosed(")" if self.text[self.at - 1] == "(" else "}")
            elif found := BACKTICK.match(self.text, self.at):
                self.at = found.end()
            else:
                self.at += 2 if self.text[self.at] == "\\" else 1
        self.at += 1

    def _enclosed(self, closer: str = ")") -> None:
        """Skip to the end of an open bracket. `case` and here-documents inside are not understood."""
        begin = self.at
        opener = "(" if closer == ")" else "{"
        while not self.text.startswith(closer, self.at):
            if self.at >= len(self.text):
                raise Odd
            if self.text[self.at] == opener:
                self.at += 1
                self._enclosed(closer)
            elif self.text[self.at] == "#" and self.text[self.at - 1] in " \t\n":
                raise Odd
            elif not self._piece():
                self.at += 1
        if re.search(r"\bcase\b|<<", self.text[begin : self.at]):
            raise Odd
        self.at += 1


def background_lists(text: str) -> list[tuple[int, int]]:
    """Where the background lists are. None, if the text is not understood or uses `$_`."""
    if not ASYNC.search(text) or re.search(r"\$(?:_\b|\{_)", text):
        return []
    try:
        found = Lists(text).scan()
    except Odd:
        return []
    return [(start, end) for start, end in found if not LOOKING_BACK.search(text[start:end])]


def apart(plan: Any, lists: list[tuple[int, int]], paths: list[tuple[int, str, str]]) -> Any:
    """The plan with switches around its background lists, so that they have their own outputs.

    paths: for each descriptor, the cell's pipe and the jobs' pipe. bash's descriptors are switched only if they are
    open on the cell's pipe.
    """
    there = "".join(switch(fd, own, jobs, marked=True) for fd, own, jobs in paths)
    back = "".join(f" {switch(fd, jobs, own)}".rstrip() for fd, own, jobs in paths)
    text = plan.text
    for start, end in reversed(lists):
        text = f"{text[:start]}{there}{text[start:end]}{back}{text[end:]}"
    return plan._replace(text=text, put=(there, back))


def switch(fd: int, old: str, new: str, marked: bool = False) -> str:
    """Text that switches a descriptor from one pipe to another. (`builtin exec` would undo the redirection.)"""
    mark = f"\\builtin printf '{SHOWN_MARK}' >&{fd}; " if marked else ""
    return f"if [[ /proc/self/fd/{fd} -ef {old} ]]; then {mark}\\exec {fd}>|{new}; {mark}fi; "


class Order:
    """Puts the data from two pipes in order: the cell's and its jobs'.

    A mark in both pipes tells how much the cell had printed when a job started. The job's output is shown before what
    the cell prints after that.
    """

    def __init__(self) -> None:
        self.rests = [b"", b""]  # the last bytes of each pipe that may begin a mark
        self.passed = self.at = 0  # marks seen in the cell's pipe, and those before the jobs' oldest output
        self.jobs = [b""]  # output of jobs, between marks

    @property
    def waits(self) -> bool:
        """Whether the cell printed something before the job that has not come yet."""
        return self.at > self.passed

    def feed(self, own: bytes, jobs: bytes) -> Iterator[tuple[bool, bytes]]:
        """What to show now. True: it is a job's. jobs: the data of their pipe, read after the cell's own."""
        first, *more = self._parts(1, jobs)
        self.jobs[-1] += first
        self.jobs += more
        for number, part in enumerate(self._parts(0, own)):
            self.passed += number > 0
            yield from self._of_jobs()
            yield False, part

    def rest(self) -> Iterator[tuple[bool, bytes]]:
        """What is left at the end."""
        yield True, b"".join([*self.jobs, self.rests[1]])
        yield False, self.rests[0]
        self.jobs, self.rests = [b""], [b"", b""]

    def _of_jobs(self) -> Iterator[tuple[bool, bytes]]:
        while not self.waits:
            yield True, self.jobs[0]
            self.jobs[0] = b""
            if len(self.jobs) == 1:
                return
            del self.jobs[0]
            self.at += 1

    def _parts(self, pipe: int, data: bytes) -> list[bytes]:
        data = self.rests[pipe] + data
        size = next(size for size in range(len(MARK) - 1, -1, -1) if data.endswith(MARK[:size]))
        self.rests[pipe] = data[len(data) - size :]
        return data[: len(data) - size].split(MARK)
