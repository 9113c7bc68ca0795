"""`jupyter console` in a terminal: a person types, and reads what comes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pexpect

from tests.support.kernel_client import private_ports

# What moves the cursor and colours the text (ECMA-48), and xterm's own.
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>78])")
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07]*)?\Z")
WHERE = "\x1b[6n"  # prompt_toolkit asks before each prompt where the cursor is, and waits for the answer
ENTER, TAB, UP = "\r", "\t", "\x1b[A"
# On a busy machine an answer may come after the console has given up on it. It then takes each later answer for that to
# the request before, and completes nothing any more (jupyter_console 6.6, completer.py).
PATIENT = ("--ZMQCompleter.timeout=40", "--ZMQTerminalInteractiveShell.kernel_is_complete_timeout=40")
MORE = r"   \.\.\.: "  # the continuation prompt


class Terminal(pexpect.spawn):
    """Answers as xterm does. What is expected of it is text; `raw` has all that came."""

    def __init__(self, arguments: list[str], environ: dict[str, str]) -> None:
        self.raw, self.rest = io.StringIO(), ""
        environ = {**environ, "TERM": "xterm-256color"}
        super().__init__(
            sys.executable, arguments, env=environ, timeout=40, encoding="utf-8", dimensions=(30, 120), echo=True
        )
        self.logfile_read = self.raw
        self.delaybeforesend = None

    def read_nonblocking(self, size: int = 1, timeout: Any = -1) -> str:
        text = self.rest + super().read_nonblocking(size, timeout)
        rest = UNFINISHED.search(text)
        text, self.rest = (text[: rest.start()], rest.group()) if rest else (text, "")
        for _ in range(text.count(WHERE)):
            self.send("\x1b[1;1R")
        return SEQUENCE.sub("", text)


class Console:
    """A console at its prompt. number: of the prompt, which counts what was run."""

    def __init__(self, environ: dict[str, str], *options: str) -> None:
        arguments = ["-m", "jupyter_console", "--kernel", "lambda", "--JupyterConsoleApp.confirm_exit=False"]
        self.terminal = Terminal([*arguments, *PATIENT, *options], environ)
        self.number = 1
        self.banner = self.see(r"In \[1\]: ")

    def see(self, pattern: Any) -> str:
        """What came before it."""
        self.terminal.expect(pattern)
        return str(self.terminal.before)

    def type(self, *keys: str) -> None:
        self.terminal.send("".join(keys))

    def complete(self, pattern: str) -> None:
        """Tab, until it is seen: on a busy machine the kernel may give up asking the shell."""
        for _ in range(8):
            self.type(TAB)
            if self.terminal.expect([pattern, pexpect.TIMEOUT], timeout=5) == 0:
                return
        raise AssertionError(f"Tab shows no {pattern}: {self.terminal.buffer!r}")

    def run(self, code: str) -> str:
        self.type(code, ENTER)
        return self.output()

    def output(self) -> str:
        """What the command that was entered has printed since it was last looked at, once the next prompt is there."""
        shown = self.see(rf"\r\nIn \[{self.number + 1}\]: ")
        _, prompt, after = shown.rpartition(f"In [{self.number}]: ")
        self.number += 1
        # A busy prompt_toolkit may move the cursor to the beginning of the line once more.
        return (after.partition("\n")[2] if prompt else shown).replace("\r", "")

    def hears(self) -> Console:
        """Run cells until the output of one is there: it does not wait for its subscription (jupyter_console 6.6), so
        that a busy machine loses what comes first."""
        while "heard" not in self.run("echo heard"):
            pass
        return self

    def leave(self) -> int | None:
        """Ctrl-D, and its exit status."""
        self.terminal.sendcontrol("d")
        self.see(pexpect.EOF)
        self.terminal.wait()
        return self.terminal.exitstatus


@contextmanager
def console(environ: dict[str, str], *options: str) -> Iterator[Console]:
    with private_ports() as ports:
        made = Console(environ, *(f"--KernelManager.{name}={value}" for name, value in ports.items()), *options)
        try:
            yield made
        finally:
            made.terminal.close(force=True)
