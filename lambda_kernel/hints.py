"""Hints: why a command has failed, where its own message does not say that Lambda's environment is the cause."""

from __future__ import annotations

import contextlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from .cell import Emit, Happening, Notice, Output
from .errors import KernelError
from .function import index as wire
from .function import programs
from .remote import PROGRAMS
from .session import Session
from .tally import Tally

MESSAGE_BYTES = 200  # a message may come in two pieces; the end of the first is kept
BIN = f"{wire.PRIVATE}/bin"
# As bash and other programs say it, and as Python does.
NO_DEV_FD = re.compile(rb"/dev/fd/\d+'?: No such file or directory|No such file or directory: '/dev/fd/\d")
# What lambda-kernel brings. In the second form bash has remembered where the program was.
NO_PROGRAM = re.compile(
    rb": (%b): command not found|%b/(\w+): No such file or directory"
    % ("|".join((*wire.STAND_INS, *PROGRAMS)).encode(), re.escape(BIN.encode()))
)
# https://github.com/aws/aws-lambda-base-images/issues/132
DEV_FD = (
    "AWS Lambda has no /dev/fd, so process substitution, `<(…)` and `>(…)`, cannot work. Use a here-string "
    '(`command <<< "$(other)"`), a pipe, or a temporary file (`other >/tmp/x; command /tmp/x`).'
)
BROUGHT = "`{name}` is a program that lambda-kernel puts into {directory}. "
NOT_ON_PATH = "PATH no longer names that directory: run `PATH+=:{directory}`."
NOT_WRITTEN = "It is not there, because /tmp cannot be written ({error}). Mend that, then run `%reset`."
DELETED = "It was deleted from there. The next cell has it again."
UNKNOWN = "It is not there: /tmp is full, cannot be written, or was emptied. Mend that, then run `%reset`."


class Hints:
    """The hints of one cell, each given once."""

    def __init__(self) -> None:
        self._found: list[bytes] = []  # b"" for /dev/fd, else a program's name
        self._given: set[bytes] = set()

    def reading(self, emit: Emit, merge: bool) -> Emit:
        """An Emit that passes everything on, and reads the error messages in it."""
        rest = b""

        def read(happening: Happening) -> None:
            nonlocal rest
            emit(happening)
            if isinstance(happening, Output) and (merge or happening.stream == "stderr"):
                text = rest + happening.data
                self._find(text)
                rest = text[-MESSAGE_BYTES:]

        return read

    def _find(self, text: bytes) -> None:
        found = [b""] if NO_DEV_FD.search(text) else []
        found += [match[1] or match[2] for match in NO_PROGRAM.finditer(text)]
        self._found += [hint for hint in dict.fromkeys(found) if hint not in self._given]
        self._given.update(found)

    def give(self, emit: Emit, session: object, tally: Tally) -> None:
        """Once the command is over: what is not known yet is asked of the environment."""
        while self._found:
            name = self._found.pop(0).decode()
            if not name:
                emit(Notice(DEV_FD, "hint"))
            elif isinstance(session, Session):  # no other brings programs
                emit(Notice(missing(name, _look(session, name, tally)), "hint"))


def missing(name: str, seen: dict[str, Any] | None) -> str:
    """The hint at a program. seen: what the environment says of its file."""
    error = seen and seen["error"]
    reason = UNKNOWN if seen is None else NOT_ON_PATH if seen["there"] else NOT_WRITTEN if error else DELETED
    return (BROUGHT + reason).format(name=name, directory=BIN, error=error)


def _look(session: Session, name: str, tally: Tally) -> dict[str, Any] | None:
    with contextlib.suppress(KernelError):
        seen: dict[str, Any] | None = session.call(_code(), "look", tally, directory=BIN, program=name)
        return seen
    return None


@cache
def _code() -> str:
    return Path(programs.__file__).read_text(encoding="utf-8")
