"""Where commands begin in a whole cell, and what its words are: read by the scanner that completion uses.

Shell text cannot be read for certain without running it. Where the scanner may be wrong it finds nothing more: who asks
here acts on what is found only, and lets everything else run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from .cursor import CARRIERS, MOST_CHARACTERS, SURROGATES, Scanner, Token

# What starts a job or can stop one: `&` alone, and what bash and kill call it.
JOB = re.compile(r"(?<![&<>|])&(?![&>])|\bcoproc\b|STOP\b|STP\b|\bsuspend\b")
JOB_WORD = re.compile(r"(?<![%\w.-])[A-Za-z_][\w.-]*")


@dataclass(frozen=True)
class Word:
    """A word as it was typed. begin: its position; command: whether it is the name of a command."""

    text: str
    begin: int
    command: bool


@dataclass
class Reader(Scanner):
    """Collects the words outside of here-documents, quotes, comments and expansions."""

    found: list[Word] = field(default_factory=list)

    def _take(self, what: str, begin: int, lexeme: str) -> Token | None:
        # In "${x:-it's}" the quote is text, and in "${x%'a'}" it is one (bash(1), Parameter Expansion).
        within = self.top.closer == "}" and any(frame.closer == '"' for frame in self.frames)
        if within and what in ("single", "ansi"):
            return Token("nothing", begin, "")
        return super()._take(what, begin, lexeme)

    def _end_word(self, end: int) -> None:
        top, begin = self.top, self.top.word
        command, kept = self._begins_command(), not (top.redirected or top.array or top.position == "pattern")
        super()._end_word(end)
        if begin is not None and kept:
            self.found.append(Word(self.text[begin:end], begin, command))

    def _begins_command(self) -> bool:
        """`time` runs what follows like the shell. Other commands that run a command look for a program."""
        top = self.top
        return top.position == "command" and (top.command == "time" or top.command not in {*CARRIERS, "find"})


@lru_cache(maxsize=4)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text, as far as they can be found. There are none if it is too long to have been typed."""
    if len(text) > MOST_CHARACTERS:
        return ()
    reader = Reader(SURROGATES.sub("\ufffd", text) + "\n")
    reader.scan()
    return tuple(reader.found)


def line_of(text: str, at: int) -> int:
    """The number of the line, from 1 on."""
    return text.count("\n", 0, at) + 1


def job_words(text: str) -> set[str]:
    """Names for the jobs that a text may start: bash finds a job by the beginning of its command."""
    text = text[:MOST_CHARACTERS]
    return set(JOB_WORD.findall(text)) if JOB.search(text) else set()


def names_job(name: str, jobs: Iterable[str]) -> bool:
    """Whether `%name` may mean one of these jobs (bash(1), JOB CONTROL)."""
    return any(job.startswith(name) for job in jobs)
