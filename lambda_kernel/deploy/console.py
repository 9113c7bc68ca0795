"""What the commands print and ask. Account ids are masked, since terminals are shared and logs are kept."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TextIO

from ..place import mask
from .problems import DeployError


@dataclass
class Console:
    """The user's terminal. yes: every question is answered."""

    verbose: bool = False
    yes: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    input: TextIO = field(default_factory=lambda: sys.stdin)

    def say(self, text: str, exactly: bool = False) -> None:
        """exactly: a command to paste, in which nothing may be masked."""
        print(text if exactly else self._shown(text), file=self.out, flush=True)

    def fail(self, text: str, line: str = "") -> None:
        """line: a command to paste."""
        told = f"lambda-kernel: {self._shown(' '.join(text.split()))}"
        print(f"{told}\n  {line}" if line else told, file=self.err, flush=True)

    def confirm(self, question: str) -> None:
        """Go on only with the user's yes. Raises DeployError."""
        if self.yes:
            self.say(question)
            return
        if not self.input.isatty():
            raise DeployError(f"{question} Nothing was changed: add --yes, since stdin is no terminal to ask on")
        print(f"{self._shown(question)} Go on? [y/N] ", end="", file=self.out, flush=True)
        if self.input.readline().strip().lower() not in ("y", "yes"):
            raise DeployError("nothing was changed")

    def _shown(self, text: str) -> str:
        return text if self.verbose else mask(text)
