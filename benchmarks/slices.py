"""Long commands: what the freezing between slices costs them, a gigabyte into a file, and output that nobody wants."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from lambda_kernel.aws.usage import Usage
from lambda_kernel.session.cell import Cell, CellEvent, Output, ThreadControl
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from tests.support.proxy import Proxy

from .endpoint import BareTransport, local_engine
from .figures import OURS, Figure
from .kernels import Kernel
from .plan import Plan, tell
from .processes import forget_peak, peak

ROUND_TRIPS = (1, 20, 100)  # ms
TIMEOUT_SECONDS = "900"  # the reference is one invocation
SPIN = """
import time
def ran():
    with open("/proc/self/schedstat") as file:
        running, waiting, _ = file.read().split()
    return (int(running) + int(waiting)) / 1e9
wall, before = time.monotonic(), ran()
for _ in range({rounds}): pass
print(time.monotonic() - wall, ran() - before)
"""


def measure(plan: Plan) -> list[Figure]:
    return [*_spinning(plan), *_unwanted(plan), *_gigabyte(plan)]


@dataclass(frozen=True)
class Spun:
    """Seconds of a command's own clock; and those of them in which it ran, or could have, had others not used the
    processor (Linux, sched-stats.rst). In the rest it stood still."""

    wall: float
    ran: float

    @classmethod
    def read(cls, text: str) -> Spun:
        return cls(*map(float, text.split()))

    @property
    def still(self) -> float:
        """In % of what it would have taken else."""
        return (self.wall / self.ran - 1) * 100


def _spinning(plan: Plan) -> list[Figure]:
    with ExitStack() as stack:
        at = stack.enter_context(local_engine("--timeout", TIMEOUT_SECONDS))
        reference = stack.enter_context(closing(BareTransport(at)))
        rate = 20_000_000 / _alone(reference, 20_000_000).ran
        rounds = int(rate * plan.rounds(50, 5))
        alone = _alone(reference, rounds)
        plan.notes.append(
            f"the command of the slices: {alone.wall:.1f} s in one invocation, {alone.still:.2f} % of it frozen"
        )
        return [_sliced(stack, at, milliseconds, rounds, alone) for milliseconds in ROUND_TRIPS]


def _alone(transport: BareTransport, rounds: int) -> Spun:
    payload = transport.invoke({"cmd": _command(rounds)}).payload
    return Spun.read(payload["stdout"])


def _command(rounds: int) -> str:
    return f"python3 -c '{SPIN.format(rounds=rounds)}'"


def _sliced(stack: ExitStack, at: dict[str, str], milliseconds: int, rounds: int, alone: Spun) -> Figure:
    tell(f"  a round trip of {milliseconds} ms")
    proxy = stack.enter_context(closing(Proxy(at["endpoint_url"], milliseconds / 2000)))
    transport = stack.enter_context(closing(BareTransport(at, proxy.url)))
    session = Session(transport, time.monotonic)
    for _ in range(10):  # until the round trip is known
        _run(session, "true")
    usage = Usage()
    spun = Spun.read(_run(session, _command(rounds), usage).decode())
    session.leave()
    name = f"slices of a CPU-bound command, round trip {milliseconds} ms ({usage.invocations} invocations)"
    overhead = spun.still - alone.still
    figure = Figure(name, "% longer", {OURS: [overhead]})
    figure.judge("under 5 %", overhead, 5, unit="%")
    return figure


def _run(session: Session, code: str, usage: Usage | None = None) -> bytes:
    """A cell's stdout."""
    parts: list[bytes] = []

    def emit(cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output) and cell_event.stream == "stdout":
            parts.append(cell_event.data)

    session.run(Cell(code), Context(emit, ThreadControl(), usage or Usage()))
    return b"".join(parts)


def _unwanted(plan: Plan) -> list[Figure]:
    """`yes`: what is read and dropped in the function, and what comes here."""
    seconds = plan.rounds(10, 2)
    with local_engine() as at, closing(BareTransport(at)) as transport:
        session = Session(transport, time.monotonic)
        _run(session, "true")
        before, cpu, usage = transport.fetched, time.process_time(), Usage()
        # The parent of the shell is the function's runtime: its ticks of user and of system time (proc(5)).
        ticks = "cut -d' ' -f14,15 /proc/$PPID/stat"
        shown = _run(session, f"{ticks}; timeout {seconds} yes; {ticks}", usage)
        cpu, fetched = time.process_time() - cpu, transport.fetched - before
        session.leave()
    first, last = (sum(map(int, line.split())) for line in (shown.splitlines()[0], shown.splitlines()[-1]))
    inside = (last - first) / os.sysconf("SC_CLK_TCK")
    figures = [
        Figure(f"`yes` for {seconds} s: fetched", "MB", {OURS: [fetched / 1e6]}),
        Figure(f"`yes` for {seconds} s: CPU of the kernel's side", "% of a core", {OURS: [cpu / seconds * 100]}),
        Figure(f"`yes` for {seconds} s: CPU of the function", "% of a core", {OURS: [inside / seconds * 100]}),
    ]
    figures[0].judge("at most 2 MB", fetched / 1e6, 2, unit="MB")
    return figures


def _gigabyte(plan: Plan) -> list[Figure]:
    size = plan.rounds(1_000_000_000, 100_000_000)
    command = f"seq 1000000000 | head -c {size}"
    path = Path(os.environ["HOME"], "gigabyte")
    with ExitStack() as stack:
        [kernel] = plan.start(stack, OURS)
        kernel.run("true")
        forget_peak(kernel.pid)
        seconds, most_mb = _into_file(kernel, path, command)
        figures = [
            Figure(f"{size // 1_000_000:,} MB through %%output", "MB/s", {OURS: [size / 1e6 / seconds]}),
            Figure("  most memory of the kernel (and of the engine in it)", "MB", {OURS: [peak(kernel.pid)]}),
            Figure("  most memory of the environment", "MB", {OURS: [most_mb]}),
        ]
    _compare(path, command)
    figures[2].judge("within a function of 128 MB", most_mb, 128, unit="MB")
    return figures


def _into_file(kernel: Kernel, path: Path, command: str) -> tuple[float, float]:
    ran = kernel.run(f"%%output {path}\n{command}")
    if ran.reply["status"] != "ok":
        raise RuntimeError(json.dumps(ran.reply))
    return ran.seconds, float(ran.figures["max_memory_used_mb"])


def _compare(path: Path, command: str) -> None:
    """Byte for byte, against the same command run here."""
    wanted = subprocess.run(["bash", "-c", f"{command} | sha256sum"], capture_output=True, text=True, check=True).stdout
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    path.unlink()
    if digest.hexdigest() != wanted.split()[0]:
        raise RuntimeError("what came through %%output is not what was sent")
