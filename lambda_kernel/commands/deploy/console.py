"""Prints and asks for the commands. Account ids are masked, since people share screens and logs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TextIO

from ...aws.error_text import mask
from .problems import DeployError


@dataclass
class Console:
    """The user's terminal. yes: every question is answered with yes."""

    verbose: bool = False
    yes: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    input: TextIO = field(default_factory=lambda: sys.stdin)

    def say(self, text: str, exactly: bool = False) -> None:
        """exactly: mask nothing, for a command to paste."""
        print(text if exactly else self._shown(text), file=self.out, flush=True)

    def fail(self, text: str, line: str = "") -> None:
        """line: a command to paste."""
        message = f"lambda-kernel: {self._shown(' '.join(text.split()))}"
        print(f"{message}\n  {line}" if line else message, file=self.err, flush=True)

    def confirm(self, question: str) -> None:
        """Ask the user. Raises DeployError unless the answer is yes."""
        if self.yes:
            self.say(question)
            return
        if not self.input.isatty():
            raise DeployError(f"{question} Nothing was changed, because there is no terminal to ask: add --yes")
        print(f"{self._shown(question)} Continue? [y/N] ", end="", file=self.out, flush=True)
        if self.input.readline().strip().lower() not in ("y", "yes"):
            raise DeployError("nothing was changed")

    def _shown(self, text: str) -> str:
        return text if self.verbose else mask(text)
