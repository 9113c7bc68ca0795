"""Whether a cell's text is complete, or a console should ask for another line, and with which indent.

bash on this machine decides: it parses the text (`bash -n`) and runs nothing.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ..errors import UsageError
from ..magics import KNOWN, parse

Status = Literal["complete", "incomplete", "invalid", "unknown"]

# jupyter_console waits for a second, and then never asks again (kernel_is_complete_timeout in its ptshell.py).
SECONDS = 0.8
# bash's first message if a text ends too early (parse.y). Other words or the text may follow.
UNFINISHED = re.compile(
    rb"[^:\n]*: (?:line \d+: )?(?:unexpected EOF|syntax error: unexpected end of file|unexpected token `EOF')"
)
WARNING = re.compile(rb"[^:\n]*: (?:line \d+: )?warning: ")
# Not valid in any command: bash accepts it only in quotes and in here-documents, where a line is data.
NOT_A_COMMAND = "\n;; ;"
MOST_CHARACTERS = 10_000  # nobody types a longer text, so it needs no indent
MOST_LINES = 20
UNIT = " " * 4
COMMENT = re.compile(r"(?:^|\s)#.*")
OPENER = re.compile(r"(?:^|[;&|)}])\s*(?:then|do|else)$|(?:^|[;&|()\s])(?:\{|case\s.*\sin)$|(?<!\\)\($")
PATTERN = r"(?:[^\s()|;&'\"\\]|\\.|'[^']*'|\"[^\"]*\")+"
PATTERNS = re.compile(rf"(?:^|;;&?|;&|\sin\s)\s*\(?{PATTERN}(?:\s*\|\s*{PATTERN})*\s*\)$")


async def is_complete(
    code: str, which: Callable[[str], str | None] = shutil.which, seconds: float = SECONDS
) -> dict[str, str]:
    """The content of an is_complete_reply."""
    path = which("bash")
    bash = Bash(path, time.monotonic() + seconds) if path else None
    try:
        # A thread: asyncio's own way may wait for ever for a process that it kills (python/cpython#119710).
        return await asyncio.wait_for(asyncio.to_thread(reply, code, bash), seconds)
    except (asyncio.TimeoutError, subprocess.TimeoutExpired):
        return {"status": "unknown"}


def reply(code: str, bash: Bash | None) -> dict[str, str]:
    """Raises subprocess.TimeoutExpired."""
    try:
        head = parse(code.replace("\r\n", "\n"), KNOWN)
    except UsageError:
        return {"status": "complete"}  # it then runs, and the error is shown
    last = code.rpartition("\n")[2]
    open_cell = head.cell is not None and bool(last.strip())  # an empty line ends the text of a cell magic
    if head.cell and head.cell.magic.text:
        return incomplete("") if open_cell else {"status": "complete"}
    status = bash.status(head.body) if bash else "unknown"
    if bash and status == "incomplete":
        return incomplete(indent(head.body, bash))
    if open_cell and status != "invalid":
        return incomplete(margin(last) if head.body else "")
    return {"status": status}


def incomplete(indent: str) -> dict[str, str]:
    return {"status": "incomplete", "indent": indent}


@dataclass(frozen=True)
class Bash:
    """A bash on this machine, which judges texts. end: the time, by the monotonic clock, at which it has to be done."""

    path: str
    end: float

    def status(self, text: str) -> Status:
        """The status of a text with a newline after it."""
        if continued(text):
            # It is open if the backslash counts, and ignored if the line is a comment.
            text = f"{text[:-1]}$("
        status = self._parsed(text)
        if status == "complete" and "<<" in text and self.takes_as_data(text):
            return "incomplete"
        return status

    def takes_as_data(self, text: str) -> bool:
        """Whether the line below would be part of a string or of a here-document."""
        return self._parsed(text + NOT_A_COMMAND) in ("complete", "incomplete")

    def takes_as_clause(self, text: str) -> bool:
        """Whether the text ends in a clause of a `case`."""
        return self._parsed(f"{text}\n;;") == "incomplete"

    def _parsed(self, text: str) -> Status:
        """The status without regard to here-documents: for bash, an open one is not an error."""
        complaints = self._complaints(text)
        if complaints is None:
            return "unknown"
        error = next((line for line in complaints.split(b"\n") if not WARNING.match(line)), b"")
        if not error:
            return "complete"
        return "incomplete" if UNFINISHED.match(error) else "invalid"

    def _complaints(self, text: str) -> bytes | None:
        """bash's messages. None: bash cannot run, or the text crashes it (1,500 open `$(` overflow its stack)."""
        # If extglob is set on its own line, it is in effect on the next one (bash(1), extglob).
        options = ("-O", "extglob") if "extglob" in text else ()
        with tempfile.TemporaryFile() as file:  # faster, since bash reads a pipe byte by byte
            file.write(text.encode("utf-8", "replace"))
            file.seek(0)
            try:
                bash = subprocess.run(
                    [self.path, "--norc", *options, "-n"],
                    stdin=file,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={"LC_ALL": "C"},  # for messages in English
                    timeout=self.end - time.monotonic(),
                    check=False,
                )
            except OSError:
                return None
        return None if bash.returncode < 0 else bash.stderr


def continued(text: str) -> bool:
    """Whether the text ends with a backslash that is not escaped."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def indent(text: str, bash: Bash) -> str:
    """The indent of the next line. Empty if blanks would be data."""
    backslash = continued(text)
    text = text[:-1] if backslash else text
    lines = text.split("\n")
    if len(text) > MOST_CHARACTERS or (backslash and not lines[-1][-1:].isspace()) or bash.takes_as_data(text):
        return ""
    last = COMMENT.sub("", lines[-1]).rstrip()
    deeper = OPENER.search(last) or (PATTERNS.search(last) and bash.takes_as_clause(text))
    return margin(last_of_commands(lines, bash)) + (unit(lines) if deeper and not backslash else "")


def last_of_commands(lines: list[str], bash: Bash) -> str:
    """The last line, or the line where the string or here-document begins that ends there."""
    for index in range(len(lines) - 1, max(len(lines) - MOST_LINES, 0), -1):
        if not bash.takes_as_data("\n".join(lines[:index])):
            return lines[index]
    return lines[0] if len(lines) <= MOST_LINES else lines[-1]


def margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit(lines: list[str]) -> str:
    """What the user indents by, or else four blanks."""
    return next(steps(lines), UNIT)


def steps(lines: list[str]) -> Iterator[str]:
    """How far the lines below an opening word are indented."""
    for above, below in pairwise(lines):
        before, after = margin(above), margin(below)
        if OPENER.search(above.rstrip()) and below.strip() and after != before and after.startswith(before):
            yield after[len(before) :]
