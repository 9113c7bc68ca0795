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

# Forks as bash does: the copy keeps its parent's handler until it is told to begin its program, or to end.
FORKING = """
import os, signal, sys

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"caught\\n"))
while sys.stdin.readline():
    copy = os.fork()
    if copy == 0:
        os.setpgid(0, 0)
        print(os.getpid(), flush=True)
        if sys.stdin.readline() == "begin\\n":
            os.execvp("sleep", ["sleep", "50"])
        os._exit(0)
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
        self.interrupts: Any = sent["Interrupts"](self.process.pid, sent["Front"](self.process.pid))

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

    def forward(self, copy: int, state: str) -> None:
        """Forward the interrupt while the copy is in this state."""
        now = self.now()
        self.interrupts.forward(now | {copy: now[copy]._replace(state=state)})

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


def test_a_program_that_begins_after_the_signal_gets_it_too(bash: Forking) -> None:
    copy = bash.fork()
    bash.interrupts.send()
    assert bash.hear() == "caught"
    bash.forward(copy, "R")
    assert bash.hear() == "caught"
    bash.forward(copy, "R")  # nothing has begun yet
    bash.begin(copy)
    bash.forward(copy, "S")
    assert bash.hear() == "ended -2"
    assert bash.interrupts.until == 0


def test_if_the_program_has_ended_the_next_job_gets_it(bash: Forking) -> None:
    copy = bash.fork()
    bash.interrupts.send()
    assert bash.hear() == "caught"
    bash.forward(copy, "R")
    assert bash.hear() == "caught"
    bash.say("end")
    assert bash.hear() == "ended 0"
    following = bash.fork()
    bash.begin(following)
    bash.forward(following, "S")
    assert bash.hear() == "ended -2"


def test_a_subshell_that_takes_it_and_goes_on_is_not_interrupted_again(bash: Forking) -> None:
    copy = bash.fork()
    bash.interrupts.send()
    assert bash.hear() == "caught"
    bash.forward(copy, "S")
    assert bash.hear() == "caught"
    bash.begin(copy)
    bash.forward(copy, "S")
    assert bash.interrupts.until == 0
    assert copy in bash.now()


def test_what_is_ending_does_not_count(bash: Forking) -> None:
    copy = bash.fork()
    bash.interrupts.send()
    assert bash.hear() == "caught"
    with subprocess.Popen(["true"]) as ending:
        wait_until(lambda: index.peek(f"/proc/{ending.pid}/stat").split()[2] == "Z")
        group = bash.process.pid
        now = {ending.pid: index.Process(ending.pid, "R", group, ending.pid, group, 1)}
        bash.interrupts.forward(now)
        assert bash.interrupts.group is None
        bash.interrupts.forward(now | {copy: bash.now()[copy]})
    assert bash.interrupts.group == copy


def test_a_loop_of_short_programs_is_interrupted_at_lambdas_cpu_quota(remote: InProcess) -> None:
    remote.run("true")
    with quota(remote.environment.shells["test"].pid):
        for _ in range(12):
            ran = remote.run("while :; do date; done", interrupts=[1], seconds=20)
            assert (ran.result.interrupted, ran.result.timed_out) == (True, False)
