"""%top: a live view of the environment's processes."""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any

from ..function.sent import processes, system
from ..output import live_view
from ..session.cell import Shown
from ..session.session import Session
from ..untrusted import array, flag, maybe, number, record, row, shown, text, whole
from ..workspace.workspace import AnySession
from .arguments import Argument, same
from .base import Call, Magic
from .refresh import interval, refresh

MEASURED_SECONDS = 1.0  # at most
ROWS = 20
HISTORY = 30
COMMAND = 70
MB = 1_000_000
COUNT = whole(0, 2**64)
RATES = maybe(row(number(0, 1e15), number(0, 1e15)))
PROCESS = record(
    {
        "pid": COUNT,
        "user": maybe(shown(40)),
        "state": shown(4),
        "threads": whole(0, 2**32),
        "runtime": flag,
        "cpu_percent": number(-1e9, 1e9),
        "rss_kb": whole(-(2**63), 2**63),
        "command": text(1_000),
    }
)
ANSWER = record(
    {
        **dict.fromkeys(("cpus", "memory_size_mb", "MemTotal", "MemAvailable"), maybe(COUNT)),
        **dict.fromkeys(("count", "threads", "memory_used_mb"), COUNT),
        **dict.fromkeys(("disk", "network"), RATES),
        "cpu_percent": maybe(number(0, 1e9)),
        "load": array(shown(20), 3),
        "processes": array(PROCESS, ROWS),
    }
)


def run(call: Call) -> str:
    """Each round is an invocation, which measures the processes for a part of the round."""
    pace = interval(call.options.d, call.options.n, call.interactive)
    session, histories, key = call.workspace.enter(call.emit, call.control), Histories(), uuid.uuid4().hex
    for _ in live_view.rounds(pace, call.control, call.workspace.clock, call.workspace.settings.seconds):
        sample = live_view.ask(
            session, ("top", ANSWER), call.context, modules=(system, processes),
            seconds=measured(pace, session), rows=ROWS, order=call.options.o,
        )  # fmt: skip
        histories.add(sample)
        call.emit(Shown(key, live_view.data(drawn(sample, histories)), live=True))
    return ""


def measured(pace: live_view.RefreshInterval, session: AnySession) -> float:
    """For how long: an interrupt waits for its end, as it does for a slice of a command."""
    slice_seconds = session.connection.slice if isinstance(session, Session) else MEASURED_SECONDS
    return min(pace.seconds, slice_seconds, MEASURED_SECONDS)


class Histories:
    """The last figures of each kind that is known. rows: the most that a frame has had."""

    def __init__(self) -> None:
        self.rows = 0
        self.of: dict[str, deque[float]] = {}

    def add(self, sample: dict[str, Any]) -> None:
        self.rows = max(self.rows, len(sample["processes"]))
        disk, network = sample["disk"], sample["network"]
        figures = {
            "cpu": sample["cpu_percent"],
            "memory": sample["memory_used_mb"],
            "disk": disk and sum(disk),
            "network": network and sum(network),
        }
        for name, value in figures.items():
            if value is not None:
                self.of.setdefault(name, deque(maxlen=HISTORY)).append(value)

    def spark(self, name: str, most: float = 0) -> str:
        return live_view.spark(list(self.of[name]), most) if name in self.of else ""


def drawn(sample: dict[str, Any], histories: Histories) -> list[live_view.Line]:
    size, percent = sample["memory_size_mb"], sample["cpu_percent"]
    lines = [
        figure(
            "CPU", known(percent, f"{{:.1f}} % of {sample['cpus']} CPUs"), histories.spark("cpu", 100), heat(percent)
        ),
        figure("memory", memory(sample), histories.spark("memory", size or 0), heat(used(sample), 60, 90)),
        figure("disk", rates(sample["disk"], "read", "written"), histories.spark("disk")),
        figure("network", rates(sample["network"], "in", "out"), histories.spark("network")),
        figure("load", ", ".join(sample["load"]) or "not known"),
        figure("tasks", f"{sample['count']} processes, {sample['threads']} threads"),
        [],
        [("head", f"{'PID':>7} {'USER':<12} S {'THR':>4} {'CPU %':>6} {'MEMORY':>9}  COMMAND")],
        *(process(row) for row in sample["processes"]),
        *([] for _ in range(histories.rows - len(sample["processes"]))),  # what is below stays where it is
    ]
    if sample["count"] > len(sample["processes"]):
        lines.append([("dim", f"… {sample['count'] - len(sample['processes'])} more processes")])
    return lines


def figure(name: str, value: str, history: str = "", style: str = "") -> live_view.Line:
    line: live_view.Line = [("head", f"{name:<9}"), ("", f"{value:<48}".rstrip() if not history else f"{value:<48}")]
    return [*line, (style or "good", history)] if history else line


def known(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)


def heat(percent: float | None, warm: float = 10, hot: float = 60) -> str:
    if percent is None or percent < warm:
        return ""
    return "hot" if percent >= hot else "warm"


def used(sample: dict[str, Any]) -> float | None:
    size = sample["memory_size_mb"]
    return 100 * sample["memory_used_mb"] / size if size else None


def memory(sample: dict[str, Any]) -> str:
    """Of the function, and of the machine."""
    size, total, free = sample["memory_size_mb"], sample["MemTotal"], sample["MemAvailable"]
    own = f"{sample['memory_used_mb']} of {size} MB" if size else f"{sample['memory_used_mb']} MB"
    return (
        own if total is None or free is None else f"{own}, machine {(total - free) // 1024:,} of {total // 1024:,} MB"
    )


def rates(pair: list[float] | None, first: str, second: str) -> str:
    return "not known" if pair is None else f"{rate(pair[0])} {first}, {rate(pair[1])} {second}"


def rate(size: float) -> str:
    return f"{size / MB:,.1f} MB/s" if size >= MB else f"{size / 1000:,.1f} kB/s"


def process(row: dict[str, Any]) -> live_view.Line:
    [command] = live_view.plain_lines(row["command"].replace("\n", " "))
    short = command if len(command) <= COMMAND else f"{command[: COMMAND - 1]}…"
    plain = "dim" if row["runtime"] else ""
    return [
        (plain, f"{row['pid']:>7} {(row['user'] or '?')[:12]:<12} "),
        ("good" if row["state"] == "R" else plain, row["state"]),
        (plain, f" {row['threads']:>4} "),
        (heat(row["cpu_percent"]) or plain, f"{row['cpu_percent']:>6.1f}"),
        (plain, f" {row['rss_kb'] / 1024:>6.1f} MB  {short}"),
    ]


MAGIC = Magic(
    "top",
    "show the environment's processes live, until interrupted",
    run,
    (
        *refresh("-d", "-n"),
        Argument(
            "-o", "what comes first; the default is cpu", choices=same("cpu", "memory", "threads", "pid"), default="cpu"
        ),
    ),
    hints={"-c": "-n COUNT ends it after that many refreshes, as in top(1)"},
    more="Each refresh is an invocation. It is shown once if nobody can interrupt it (nbconvert, papermill). The "
    "runtime's own processes are dim.",
    examples=(
        ("%top -d 5 -n 12", "refresh every five seconds for a minute"),
        ("%top -o memory", "show first what has most memory"),
    ),
)
