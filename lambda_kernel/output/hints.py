"""Hints: why a command failed, if its own message does not say that Lambda's environment is the cause."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from ..aws.usage import Usage
from ..errors import KernelError
from ..function import index as wire
from ..function.sent import programs, source
from ..session.cell import CellEvent, Emit, Notice, Output
from ..session.remote_shell import PROGRAMS
from ..untrusted import Reader, Unfit, flag, maybe, record, shown
from ..workspace.workspace import AnySession

MESSAGE_BYTES = 200  # a message may come in two pieces, so the end of the first is kept
BIN = f"{wire.PRIVATE}/bin"
# In the words of bash and other programs, and of Python.
NO_DEV_FD = re.compile(rb"/dev/fd/\d+'?: No such file or directory|No such file or directory: '/dev/fd/\d")
# Programs that lambda-kernel installs. In the second form bash had remembered the path.
NO_PROGRAM = re.compile(
    rb": (%b): command not found|%b/(\w+): No such file or directory"
    % ("|".join((*wire.FALLBACK_COMMANDS, *PROGRAMS)).encode(), re.escape(BIN.encode()))
)
# https://github.com/aws/aws-lambda-base-images/issues/132
DEV_FD = (
    "AWS Lambda has no /dev/fd, so process substitution (`<(…)` and `>(…)`) cannot work. Use a here-string "
    '(`command <<< "$(other)"`), a pipe, or a temporary file (`other >/tmp/x; command /tmp/x`).'
)
SEEN: Reader[dict[str, Any] | None] = maybe(record({"there": flag, "error": maybe(shown(200))}))
BROUGHT = "lambda-kernel installs `{name}` in {directory}. "
NOT_ON_PATH = "That directory is no longer in PATH: run `PATH+=:{directory}`."
NOT_WRITTEN = "It is missing, because /tmp cannot be written ({error}). Make /tmp writable, then run `%reset`."
DELETED = "It was deleted. The next cell has it again."
UNKNOWN = "It is missing: /tmp is full, cannot be written, or was emptied. Make room there, then run `%reset`."


class Hints:
    """The hints of one cell. Each is given once."""

    def __init__(self) -> None:
        self._found: list[bytes] = []  # b"" for /dev/fd, else a program's name
        self._given: set[bytes] = set()

    def reading(self, emit: Emit, merge: bool) -> Emit:
        """An Emit that passes everything on and looks for error messages."""
        rest = b""

        def read(cell_event: CellEvent) -> None:
            nonlocal rest
            emit(cell_event)
            if isinstance(cell_event, Output) and (merge or cell_event.stream == "stderr"):
                text = rest + cell_event.data
                self._find(text)
                rest = text[-MESSAGE_BYTES:]

        return read

    def _find(self, text: bytes) -> None:
        found = [b""] if NO_DEV_FD.search(text) else []
        found += [match[1] or match[2] for match in NO_PROGRAM.finditer(text)]
        self._found += [hint for hint in dict.fromkeys(found) if hint not in self._given]
        self._given.update(found)

    def give(self, emit: Emit, session: AnySession | None, usage: Usage) -> None:
        """Give the hints after the command. If the cause is not known, the environment is asked."""
        while self._found:
            name = self._found.pop(0).decode()
            if not name:
                emit(Notice(DEV_FD, "hint"))
            elif session and session.remote:  # other targets get no programs
                emit(Notice(missing(name, _look(session, name, usage)), "hint"))


def missing(name: str, seen: dict[str, Any] | None) -> str:
    """The hint about a program. seen: what the environment says about its file."""
    error = seen and seen["error"]
    reason = UNKNOWN if seen is None else NOT_ON_PATH if seen["there"] else NOT_WRITTEN if error else DELETED
    return (BROUGHT + reason).format(name=name, directory=BIN, error=error)


def _look(session: AnySession, name: str, usage: Usage) -> dict[str, Any] | None:
    with contextlib.suppress(KernelError, Unfit):
        return SEEN(session.call(source(programs), "look", usage, directory=BIN, program=name))
    return None
