"""A shell for one command, which begins and ends within the hello that brings the command.

Without tenants Lambda chooses the environment of each invocation, so that nobody can come back to a shell. The kernel
sends this file along with such a hello, behind those of the shell.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .shell import Shell

MOST_BYTES = 3_000_000  # base64 and JSON make 4 MB of it; Lambda's limit for a reply is 6,291,556 bytes


class Once:
    """What index.py takes for a shell. The command comes as the state to restore, and its end is what was restored."""

    bash: type[Shell]

    def __init__(self, epoch: int, environ: Mapping[str, str], fifos: str | None) -> None:
        self.shell = self.bash(epoch, environ, fifos)
        self.id, self.epoch, self.seq, self.blind = self.shell.id, epoch, 0, False
        self.restored: dict[str, Any] | None = None
        self.ran = False

    @property
    def cell(self) -> Any:
        return self.shell.cell

    @property
    def ended(self) -> dict[str, Any] | None:
        return None if self.ran else self.shell.ended

    def pump(self, hold: float, deadline: float) -> None:
        self.shell.pump(hold, deadline)

    def restore(self, packed: str, deadline: float) -> None:
        """Run the command until the deadline, and end the shell."""
        asked, shell, begin = json.loads(packed), self.shell, time.monotonic()
        table = shell.secrets if asked["redact"] else ()
        options = index.CellOptions(asked["bound"], table, merge=asked["merge"])
        self.ran = True
        try:
            # `export` without a name would print all variables.
            shell.start(1, asked["code"], {"LAMBDA_TENANT_ID": ""} | asked["variables"], options)
            shell.pump(deadline, deadline)
            cut = not shell.cell.done
            if cut:
                shell.kill("killed")
            seconds = round(time.monotonic() - begin, 3)
            about = {"exit": shell.cell.status, "ended": shell.ended, "cut": cut, "seconds": seconds}
            self.restored = {"chunks": shell.cell.log.read(MOST_BYTES), **about}
        finally:
            shell.close()

    def reap(self) -> None:
        """The shell has ended."""

    def close(self) -> None:
        if not self.ran:
            self.ran = True
            self.shell.close()
