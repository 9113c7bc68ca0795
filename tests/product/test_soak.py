"""Thousands of cells: nothing grows, and nothing is left."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function import index
from lambda_kernel.report import Report
from tests.support.in_process_session import InProcess, as_bash_5_2
from tests.support.kernel_client import Notebook, notebook
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
CELLS = 2_000
ROUGH = 224  # so many cells of each half are among replaced environments, resets, interrupts and ends of the shell
SLACK_KB = 400  # an allocator's doing: a leak of 600 bytes a cell would be more

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc"),
    pytest.mark.timeout(240),
]


@dataclass(frozen=True)
class Kind:
    """A cell and what it must come to; N stands for its number."""

    code: str
    out: str = ""
    err: str = ""
    exit_code: int = 0


KINDS = [
    Kind("echo N", "N\n"),
    Kind("x=N; y=(N 2); declare -A m=([k]=N); f() { echo fN; }; alias a='echo N'"),
    Kind("echo $x ${y[1]} ${m[k]}; f; unset x y m; unset -f f; unalias a", "L 2 L\nfL\n"),
    Kind("echo e N >&2; (exit 7)", "", "e N\n", 7),
    Kind("nosuchcommand", "", "bash: line 1: nosuchcommand: command not found\n", 127),
    Kind("cd /; pwd; cd - >/dev/null", "/\n"),
    Kind("if", "", "bash: line 2: syntax error: unexpected end of file\n", 2),
    Kind("{ echo job N; } & wait $! 2>/dev/null; :", "job N\n"),
    Kind("printf '%05000d\\n' N | wc -c; cat <<<here", "5001\nhere\n"),
    Kind("exec 7>&1; echo N >&7; exec 7>&-; set -f; set +f; trap : USR1; kill -USR1 $$; trap - USR1", "N\n"),
    Kind("for i in {1..200}; do echo line $i N; done", "".join(f"line {i} N\n" for i in range(1, 201))),
    Kind("v=$(printf '%0100000d' N); echo ${#v}; unset v", "100000\n"),
    Kind("cat <<X | wc -l\n" + "a line of N\n" * 7_000 + "X", "7000\n"),
    Kind("true <(echo N) | cat; (cd /; umask 077); umask", "0022\n"),
]


def with_number(text: str, number: int) -> str:
    return text.replace("N", str(number)).replace("L", str(number - 1))


@dataclass(frozen=True)
class Held:
    """What is there. files: those where programs put temporary ones; processes: the session's, whoever their parent."""

    descriptors: int
    threads: int
    tasks: int
    processes: int
    files: list[str]


class Soak:
    """A session, the environments it meets, and what they hold."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.count = directory, 0
        self.mark = f"soak-{uuid.uuid4().hex}"
        self.remote = InProcess(
            self._reported, {"TMPDIR": str(directory), "LC_ALL": "C.UTF-8", "SOAK": self.mark}, reports=False
        )
        self.remote.run("umask 022")

    def _reported(self, event: Event, invoke: Callable[[], Reply]) -> Reply:
        """Nine of ten answers come with Lambda's own figures; without them the function measures. The fake's notes of
        what it was sent are its own growth."""
        reply = invoke()
        self.remote.transport.events.clear()
        self.count += 1
        return reply if self.count % 10 == 0 else dataclasses.replace(reply, report=Report("id", 1.0, 1))

    def cell(self, number: int) -> None:
        kind = KINDS[number % len(KINDS)]
        ran = self.remote.run(with_number(kind.code, number), execution_count=number)
        err = as_bash_5_2(ran.err) if "[1] P" not in kind.err else "[1] P\n" if ran.err.startswith("[1] ") else ran.err
        wanted = (with_number(kind.out, number), with_number(kind.err, number), kind.exit_code)
        assert (ran.out, err, ran.exit_code) == wanted, kind.code

    def rough(self, number: int) -> None:
        """One of the things that do not happen often."""
        remote = self.remote
        kind = number % 8
        if kind == 0:
            remote.replace()
        elif kind == 1:
            ran = remote.run("true")
            remote.session.reset(ran.context)
        elif kind == 2:
            assert remote.run("sleep 50 | sleep 50", interrupts=[1]).result.interrupted
        elif kind == 3:
            assert remote.run("exit 3").result.ended == "exit"
        elif kind == 4:
            assert remote.run("kill -9 $$").result.ended == "signal"
        elif kind == 5:
            assert remote.run("cat; read x; echo $?").out == "1\n"
        elif kind == 6:
            remote.run("sleep 50 & disown; setsid sleep 50 & (sleep 50 >/dev/null &); echo left")
            remote.replace()
        elif kind == 7:
            assert remote.run("read x; echo got $x", lines=["typed\n"], stdin=True).out == "got typed\n"
        remote.run("umask 022")

    def half(self, first: int) -> Iterator[tuple[int, int]]:
        """Run half of the cells. Memory of this process and of bash in kB, after the rough ones and at the end."""
        for number in range(first, first + CELLS // 2):
            if number < first + ROUGH and (number - first) % len(KINDS) == 0:
                self.rough((number - first) // len(KINDS))
            self.cell(number)
            if number == first + ROUGH + 2 * len(KINDS):
                yield self.memory()
        yield self.memory()

    def memory(self) -> tuple[int, int]:
        gc.collect()
        return resident_kb(os.getpid()), resident_kb(self.remote.environment.shells["test"].pid)

    def held(self) -> Held:
        wait_until(lambda: self.processes() <= 1)
        wait_until(self._jobs_are_over)
        files = sorted(str(path) for path in self.directory.rglob("*"))
        tasks = len(os.listdir("/proc/self/task"))
        return Held(len(os.listdir("/proc/self/fd")), threading.active_count(), tasks, self.processes(), files)

    def _jobs_are_over(self) -> bool:
        """Whether the function knows: it learns of a job's end with the next invocation."""
        self.remote.run(":")
        return not self.remote.environment.shells["test"].cells.open

    def processes(self) -> int:
        return sum(f"SOAK={self.mark}" in index.peek(f"/proc/{p.pid}/environ") for p in index.processes())


def resident_kb(pid: int) -> int:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def two_thousand_cells(directory: Path) -> dict[str, Any]:
    """What is held after half of them and after all, and by how many kB memory has grown."""
    soak = Soak(directory)
    try:
        _, (kernel, bash) = soak.half(0)
        held = soak.held()
        (_, bash_early), (kernel_after, bash_after) = soak.half(CELLS // 2)
        held_after = soak.held()
    finally:
        soak.remote.close()
    growth = {"kernel": kernel_after - kernel, "bash": bash_after - bash, "bash, second half": bash_after - bash_early}
    return {"held": [asdict(held), asdict(held_after)], "growth_kb": growth, "processes_left": soak.processes()}


def test_two_thousand_cells_leave_nothing(tmp_path: Path) -> None:
    """In a process of its own: in this one are other tests' engines, whose idle environments end meanwhile."""
    code = "import json, pathlib, sys; from tests.product.test_soak import two_thousand_cells as run; "
    code += "print(json.dumps(run(pathlib.Path(sys.argv[1]))))"
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    held, held_after = found["held"]
    assert held_after == held
    assert (held["processes"], held["files"], found["processes_left"]) == (1, [], 0)
    assert {name: kb for name, kb in found["growth_kb"].items() if kb >= SLACK_KB} == {}


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    now = list(index.processes())
    found = [pid]
    for parent in found:
        found += [p.pid for p in now if p.parent == parent]
    return found


LOOKS = 20


def kernel_holds(kernel: Notebook, directory: Path) -> tuple[tuple[list[int], list[Path]], int]:
    """What the kernel, its engine and its environment hold; and how much memory."""
    pid = kernel.manager.provisioner.pid  # type: ignore[union-attr]
    family = descendants(pid)
    counts = [len(os.listdir(f"/proc/{p}/{what}")) for p in family for what in ("fd", "task")]
    return (sorted(counts), sorted(directory.iterdir())), sum(map(resident_kb, family))


def test_a_kernel_process_grows_by_nothing(tmp_path: Path) -> None:
    with notebook(env={**os.environ, "TMPDIR": str(tmp_path)}) as kernel:
        looks = []
        for number in range(300):
            kernel.run(f"x={number}; echo $x; echo e >&2; (exit {number % 3})")
            if number % 150 >= 150 - LOOKS:
                looks.append(kernel_holds(kernel, tmp_path))
        # The engine opens files in /proc for a moment. bash may be frozen before it has closed a cell's last file.
        before, memory = min(looks[:LOOKS], key=itemgetter(0))
        after, memory_after = min(looks[LOOKS:], key=itemgetter(0))
        assert after == before
        assert memory_after - memory < 1_000
