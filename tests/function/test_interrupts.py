"""A SIGINT on its way to the job in the foreground, at the moments when a process does not take it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.function import index
from lambda_kernel.function.sent.diagnosis import READ_CALL
from lambda_kernel.session.remote_shell import shell_code
from tests.support.cpu_quota import quota
from tests.support.in_process_session import InProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")

# Forks as bash does: the copy keeps its parent's handler until it is told to begin its program.
FORKING = """
import os, signal, sys

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"caught\\n"))
print("ready", flush=True)
for line in iter(sys.stdin.readline, ""):
    copy = os.fork()
    if copy == 0:
        if line == "zombie\\n":
            os._exit(0)
        os.setpgid(0, 0)
        print(os.getpid(), flush=True)
        sys.stdin.readline()
        os.execvp("sleep", ["sleep", "50"])
    if line == "zombie\\n":
        print(copy, flush=True)
    else:
        print("ended", os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), flush=True)
"""


class Forking:
    """A process in the place of bash, and its interrupts."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", FORKING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        sent = index.load(shell_code())
        assert self.hear() == "ready"
        self.begun, self.time = True, 0.0  # of the cell
        pid = self.process.pid
        front = sent["Front"](pid)
        self.interrupts: Any = sent["Interrupts"](pid, front, lambda: self.begun, lambda: self.time)

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().decode().strip()

    def fork(self) -> int:
        """A copy. Both are in a system call: only there does Python notice a signal for certain."""
        self.say("fork")
        copy = int(self.hear())
        wait_until(lambda: index.peek(f"/proc/{copy}/syscall").split()[:1] == [READ_CALL] and self.interrupts._waits())
        return copy

    def now(self) -> dict[int, index.Process]:
        return {process.pid: process for process in index.processes() if process.session == self.process.pid}

    def forward(self) -> bool:
        """Forward the interrupt. What is stopped counts as running: it may be. Returns whether a job still needs it."""
        now = self.now()
        running = {pid: process._replace(state="R") for pid, process in now.items() if process.state == "T"}
        self.interrupts.forward(now | running)
        return bool(self.interrupts.pending)

    def begin(self, copy: int) -> None:
        self.say("begin")
        wait_until(lambda: index.peek(f"/proc/{copy}/comm") == "sleep\n")


@pytest.fixture
def bash() -> Iterator[Forking]:
    made = Forking()
    with made.process:
        yield made
        for pid in made.now():
            os.kill(pid, signal.SIGKILL)


def test_it_comes_once_the_cell_has_begun(bash: Forking) -> None:
    bash.fork()
    bash.begun = False
    bash.interrupts.send()
    bash.forward()
    assert not bash.interrupts.sent
    bash.begun = True
    bash.forward()
    assert bash.interrupts.sent
    assert bash.hear() == "caught"


def test_a_program_that_is_about_to_begin_gets_it_when_it_has_begun(bash: Forking) -> None:
    copy = bash.fork()
    os.kill(copy, signal.SIGSTOP)
    wait_until(lambda: bash.now()[copy].state == "T")
    bash.interrupts.send()
    assert bash.hear() == "caught"
    wait_until(bash.interrupts._waits)
    assert bash.forward()
    os.kill(copy, signal.SIGCONT)
    bash.begin(copy)
    wait_until(lambda: not bash.forward())
    assert bash.hear() == "ended -2"


def test_a_subshell_that_waits_gets_it_at_once(bash: Forking) -> None:
    bash.fork()
    bash.interrupts.send()
    assert bash.hear() == "caught"
    wait_until(lambda: not bash.forward())
    assert bash.hear() == "caught"


def test_what_is_ending_is_waited_for_but_not_for_long(bash: Forking) -> None:
    bash.say("zombie")
    zombie = bash.hear()
    wait_until(lambda: ") Z " in index.peek(f"/proc/{zombie}/stat"))
    bash.interrupts.send()
    bash.time = 0.09
    bash.forward()
    assert not bash.interrupts.sent
    bash.time = 0.1
    bash.forward()
    assert bash.interrupts.sent
    assert bash.hear() == "caught"


@pytest.mark.parametrize("begins", ["the cell", "a program"])
def test_what_never_begins_is_not_waited_for_without_end(begins: str, bash: Forking) -> None:
    copy = bash.fork()
    bash.begun = begins != "the cell"
    if bash.begun:
        os.kill(copy, signal.SIGSTOP)
        wait_until(lambda: bash.now()[copy].state == "T")
    bash.interrupts.send()
    bash.time = 0.99
    bash.forward()
    assert bash.interrupts.sent == bash.begun
    bash.time = 1.0
    wait_until(lambda: not bash.forward())
    assert bash.interrupts.sent


def test_without_a_job_it_is_forgotten(bash: Forking) -> None:
    bash.interrupts.send()
    assert bash.hear() == "caught"
    bash.time = 1.99
    assert bash.forward()
    bash.time = 2.0
    assert not bash.forward()


@pytest.mark.parametrize("loop", ["date", "x=$(date)", ":"])
def test_a_loop_is_interrupted_at_lambdas_cpu_quota(loop: str, remote: InProcess) -> None:
    remote.run("true")
    with quota(remote.environment.shells["test"].pid):
        for _ in range(8):
            ran = remote.run(f"while :; do {loop}; done", interrupts=[1], seconds=20)
            assert (ran.result.interrupted, ran.result.timed_out) == (True, False)
