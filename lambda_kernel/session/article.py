"""The 2018 article's function as a target. It has no session: each command gets a fresh shell, and its output is read
from the log."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..aws.error_text import mask
from ..aws.transport import Event, Reply
from ..aws.usage import Usage
from ..function import index as wire
from . import node_log
from .cell import Cell, Notice, Output, Result
from .context import Context
from .held import HeldRun, HeldSession
from .remote_shell import RemoteShell
from .secret_patterns import KEY_ID, NAMED_SECRET

# exec() gives the command a pipe that nobody closes. A command that reads would wait until the function's timeout.
NO_INPUT = "exec </dev/null; "
REST_OF_A_SECRET = re.compile(rf"[A-Za-z0-9+/=]{{{wire.SECRET_BYTES},}}(?![^\s\"',;])")

CUT = (
    "Lambda gives only the last 4 KB of the log. The beginning of the output is missing, and perhaps the sign that the "
    "command failed."
)
# exec() ends a command that writes more than its maxBuffer, 1,024 KB (https://nodejs.org/api/child_process.html).
FAILED = "The command failed, or wrote more than 1 MB. The function does not tell its exit code: 1 stands for it."
UNLOGGED = "The log has no output: the function's application log level may be above INFO."


def introduction(function: str) -> str:
    return (
        f"`{mask(function)}` is the 2018 article's function. Each cell runs in a fresh `sh`: nothing of it is left "
        "for the next one. The last 4 KB of its output come at its end. There is no input. Credentials in the output "
        "are recognised by their form only. `lambda-kernel deploy` makes a function without these limits."
    )


@dataclass
class ArticleSession(HeldSession):
    """Runs cells on the article's function. It has a Session's methods."""

    secrets: wire.Secrets = ()  # credentials that were seen in output
    remote: RemoteShell | None = None  # no shell stays

    def run(self, cell: Cell, context: Context) -> Result:
        """Run a cell to its end. Raises errors.KernelError."""
        return _Run(self, cell, context).result()

    def reset(self, context: Context, cold: bool = False) -> None:
        what = "another environment cannot be asked for" if cold else "each cell has a fresh shell anyway"
        raise errors.UsageError(f"there is nothing to reset: `{mask(self.transport.function)}` has no session; {what}")

    def ping(self, context: Context) -> None:
        """There is no shell to keep warm."""

    def call(self, code: str, name: str, usage: Usage, **arguments: Any) -> None:
        """There is no shell to ask."""

    def query(self, code: str, name: str, context: Context, **arguments: Any) -> Any:
        raise errors.UsageError(
            "the 2018 article's function only runs commands and does not support this: choose another one with %use"
        )

    def redacted(self, text: str, cut: bool) -> str:
        """The text without credentials, as far as they can be recognised: by a name beside them, by the form of a
        key's id, and by values seen before. cut: the text may begin with the rest of one."""
        for name, value in NAMED_SECRET.findall(text):
            self.secrets += tuple(one for one in wire.secrets({name: value}) if one not in self.secrets)
        text = wire.redact(text.encode("utf-8", "replace"), self.secrets).decode("utf-8", "replace")
        text = KEY_ID.sub("[AWS_ACCESS_KEY_ID redacted]", text)
        rest = REST_OF_A_SECRET.match(text) if cut else None
        return f"[redacted: it may be a credential's end]{text[rest.end() :]}" if rest else text


def exports(variables: Mapping[str, str]) -> str:
    """On the line of the command, whose lines keep their numbers."""
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"export {words}; " if words else ""


class _Run(HeldRun):
    session: ArticleSession
    code = "article"

    def event(self) -> Event:
        return {"cmd": NO_INPUT + exports(self.cell.variables) + self.cell.code}

    def show(self, reply: Reply, event: Event) -> Result:
        return self._show(node_log.read(reply.log, event, reply.request_id))

    def _show(self, logged: node_log.Logged) -> Result:
        if not logged.found:
            self.emit(Notice(UNLOGGED, "article"))
        elif logged.cut:
            self.emit(Notice(CUT, "truncated"))
        self._output("stdout", logged.stdout, logged.cut)
        self._output("stderr", logged.stderr or "", cut=False)
        if logged.stderr is None:
            return Result(0)
        self.emit(Notice(FAILED, "article"))
        return Result(1)

    def _output(self, stream: str, text: str, cut: bool) -> None:
        shown = self.session.redacted(text, cut) if self.cell.redact else text
        if shown:
            self.emit(Output(stream, shown.encode("utf-8", "replace")))
