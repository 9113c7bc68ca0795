"""Signals and standard input of the process that runs a script."""

from __future__ import annotations

import os
import pty
import signal
import termios
from collections.abc import Iterator

import pytest

from lambda_kernel.commands.run.control import PIECE_BYTES, ScriptControl, StandardInput
from lambda_kernel.session.cell import InputRequest


@pytest.fixture
def control() -> ScriptControl:
    return ScriptControl(lambda question: question.prompt)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both sides: the user's and the program's."""
    sides = pty.openpty()
    yield sides
    for side in sides:
        os.close(side)


def test_sigint_interrupts(control: ScriptControl) -> None:
    with control.signals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert (control.interrupts, control.closed, control.ended_by, control.end.interrupts) == (2, False, None, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_end_the_script(control: ScriptControl, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with control.signals():
        os.kill(os.getpid(), number)
    assert (control.closed, control.ended_by, control.end.interrupts) == (True, number, 1)
    assert signal.getsignal(number) == before


def test_an_ignored_signal_stays_ignored(control: ScriptControl) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with control.signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert control.ended_by is None


def test_an_answer_comes_from_another_thread(control: ScriptControl) -> None:
    assert control.request_input(InputRequest("line"), 10) == "line"


def test_a_file_is_read_in_pieces() -> None:
    reads, writes = os.pipe()
    stdin = StandardInput(reads)
    with open(writes, "wb") as writer:
        writer.write(b"a\xff\n")
    assert stdin.read(InputRequest("not shown: ")) == "a\udcff\n"
    assert [stdin.read(InputRequest()) for _ in range(2)] == ["", ""]
    os.close(reads)
    assert stdin.read(InputRequest()) == ""
    assert PIECE_BYTES > 0


def test_a_terminal_shows_the_prompt_and_hides_what_is_secret(
    terminal: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    user, program = terminal
    stdin, asked = StandardInput(program), InputRequest("Who? ", secret=True)
    os.write(user, b"me\n")
    assert stdin.read(asked) == "me\n"
    assert capsys.readouterr().err == "Who? \n"
    assert termios.tcgetattr(program)[3] & termios.ECHO


def test_a_terminal_is_shown_again_where_nothing_was_typed(terminal: tuple[int, int]) -> None:
    _, program = terminal
    stdin = StandardInput(program)
    stdin._hide()
    assert not termios.tcgetattr(program)[3] & termios.ECHO
    stdin.restore()
    assert termios.tcgetattr(program)[3] & termios.ECHO
