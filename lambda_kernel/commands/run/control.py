"""What reaches a script from outside: signals of this machine, and lines of its standard input."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ...session.cell import InputRequest, ThreadControl

PIECE_BYTES = 65_536
ENDING = (signal.SIGTERM, signal.SIGHUP)


class ScriptControl(ThreadControl):
    """SIGINT interrupts the script as it does a cell; SIGTERM and SIGHUP end it.

    ended_by: which of them; end: is interrupted by them, for who waits for the script.
    """

    def __init__(self, read: Callable[[InputRequest], str]) -> None:
        super().__init__(self._ask)
        self._read = read
        self.end = ThreadControl()
        self.ended_by: signal.Signals | None = None

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """A signal that is ignored stays so, as nohup(1) and a shell's `&` want it."""
        wanted = {signal.SIGINT: self._interrupted} | dict.fromkeys(ENDING, self._terminated)
        before = {
            number: signal.signal(number, handler)
            for number, handler in wanted.items()
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, *_: object) -> None:
        self.interrupt()

    def _terminated(self, number: int, _: object) -> None:
        self.ended_by = signal.Signals(number)
        self.close()
        self.end.interrupt()

    def _ask(self, question: InputRequest) -> None:
        """A read that blocks must keep neither an interrupt nor the end of this process waiting."""
        threading.Thread(target=lambda: self.answer(self._read(question)), name="input", daemon=True).start()


class StandardInput:
    """Gives a command this machine's standard input: what is there by now, when a program waits for it."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._terminal: list[Any] | None = None  # its settings, while it shows nothing

    def read(self, question: InputRequest) -> str:
        """Empty: the end of the input. Bytes that are no UTF-8 become surrogates (PEP 383)."""
        if os.isatty(self._descriptor):
            sys.stderr.write(question.prompt)
            sys.stderr.flush()
            if question.secret:
                self._hide()
        try:
            return os.read(self._descriptor, PIECE_BYTES).decode("utf-8", "surrogateescape")
        except OSError:
            return ""
        finally:
            self.restore()

    def _hide(self) -> None:
        import termios

        self._terminal = termios.tcgetattr(self._descriptor)
        hidden = [*self._terminal]
        hidden[3] &= ~termios.ECHO
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, hidden)

    def restore(self) -> None:
        """Show again what is typed, also if nothing was."""
        if self._terminal is not None:
            import termios

            settings, self._terminal = self._terminal, None
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, settings)
            sys.stderr.write("\n")
