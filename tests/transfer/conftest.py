"""A directory here, and one that is the shell's of a function in this process."""

from __future__ import annotations

import json
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.transfer import Local, Transfer, open_remote_side
from lambda_kernel.transfer.local_side import Side
from tests.magics.conftest import CellRunner
from tests.support.faults import Invoke
from tests.support.in_process_session import InProcess, Interrupts, Ran, fresh

PIECE_BYTES = 30_000
Fault = Callable[[Event, Invoke], Reply]


class Pair(CellRunner):
    """This machine's directory `here`, and `there`, which is the shell's. What happens to each call is a plan."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.ahead = 0.0  # nobody really sleeps
        self.workspace.clock = lambda: time.monotonic() + self.ahead
        self.here, self.there = root / "here", root / "there"
        self.here.mkdir()
        self.there.mkdir()
        self.plan: list[Fault] = []
        self.calls: list[tuple[Event, Reply]] = []
        self.run(f"cd {self.there}")

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.remotes[target] = InProcess(self._invoke)
        return self.remotes[target].transport

    def _invoke(self, event: Event, invoke: Invoke) -> Reply:
        if event["op"] != "call":
            return invoke()
        fault = self.plan.pop(0) if self.plan else passed
        reply = fault(event, invoke)
        self.calls.append((event, reply))
        return reply

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Bytes of each call's request and answer. They are many: to encode them takes as long as to send them."""
        return [(len(json.dumps(event)), len(json.dumps(reply.payload))) for event, reply in self.calls]

    @property
    def remote(self) -> InProcess:
        return self.remotes[LOCAL]

    def run(self, text: str, interrupts: tuple[int, ...] = (), lines: tuple[str | None, ...] | None = None) -> Ran:
        """interrupts: after how many answers each of them comes; lines: what the user types, where one can."""
        return self.run_with(Interrupts(interrupts, self.sleep, lines or ()), text, lines is not None)

    def copy(self, word: str, *paths: str, interrupts: tuple[int, ...] = ()) -> Ran:
        """%put or %get in small pieces."""
        ran = fresh(Interrupts(interrupts, self.sleep))
        self.workspace.session()
        self.remote.transport.control = ran.control
        with open_remote_side(self.workspace, ran.context) as there:
            sides: tuple[Side, Side] = (Local(), there) if word == "%put" else (there, Local())
            transfer = Transfer(*sides, ran.context.emit, self.workspace.clock, piece_bytes=PIECE_BYTES)
            transfer.run(paths[:-1], paths[-1])
        return ran

    def run_with(self, control: Interrupts, text: str, stdin: bool = True) -> Ran:
        self.workspace.session()
        self.remote.transport.control = control
        return super().run_with(control, text, stdin)

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds

    def leftovers(self) -> list[Path]:
        return [path for root in (self.here, self.there) for path in root.rglob(".lambda-kernel*")]


def passed(event: Event, invoke: Invoke) -> Reply:
    return invoke()


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    made = Pair(tmp_path)
    monkeypatch.chdir(made.here)
    yield made
    made.remote.close()
    for directory, _, _ in os.walk(tmp_path):  # so that a user other than root can remove it
        os.chmod(directory, 0o700)


def random_file(path: Path, size: int, mode: int = 0o640) -> bytes:
    data = random.Random(size).randbytes(size)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(1_000_000_000, 1_234_567_890_123_456_789))
    return data


def look(root: Path) -> dict[bytes, tuple[Any, ...]]:
    """All below a directory: kinds, modes, times, and contents or where links point to."""
    seen = {}
    top = os.fsencode(root)
    below = (os.path.join(at, name) for at, names, files in os.walk(top) for name in names + files)
    for path in [top, *below]:
        status = os.lstat(path)
        content = os.readlink(path) if stat.S_ISLNK(status.st_mode) else b""
        if stat.S_ISREG(status.st_mode):
            content = Path(os.fsdecode(path)).read_bytes()
        seen[path[len(top) + 1 :]] = (stat.filemode(status.st_mode), status.st_mtime_ns, content)
    return seen


def odd_tree(root: Path) -> None:
    root.mkdir()
    names = [b"a b", b"new\nline", "ünïcödé ☃".encode(), b"bad\xff\xfeutf", b"-rf", b"*", b"$x`id`", b"'\"\\", b"[a]"]
    for number, name in enumerate(names):
        random_file(Path(os.fsdecode(os.path.join(os.fsencode(root), name))), number * 100, 0o600 + number)
    (root / "empty").mkdir(mode=0o750)
    deep = root / "deep" / os.fsdecode(b"\xff\n dir")
    deep.mkdir(parents=True)
    (deep / ".hidden").write_text("hidden")
    (root / "link").symlink_to("a b")
    (root / "up").symlink_to("../../..")
    (root / "dangling").symlink_to(os.fsdecode(b"/nowhere/\xff"))
    (root / "deep").chmod(0o500)
    for directory in (deep, root / "deep", root / "empty", root):
        os.utime(directory, ns=(5, 987_654_321_000_000_001))
