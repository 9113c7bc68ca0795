"""%top: the environment's processes, alive."""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any

from .. import live
from ..cell import Shown
from .base import Call, Magic, wrong

SECONDS = 2.0
MEASURED_SECONDS = 1.0  # of each round at most: an interrupt waits for the end of it
ROWS = 20
HISTORY = 30
COMMAND = 70
MB = 1_000_000


def run(call: Call) -> str:
    """An invocation a round, for part of which the environment's processes are watched at work."""
    pace = live.pace(call.words, wrong(MAGIC), SECONDS, call.attended)
    session, histories, key = call.workspace.enter(call.emit, call.control), Histories(), uuid.uuid4().hex
    for _ in live.rounds(pace, call.control, call.workspace.clock, call.workspace.settings.seconds):
        seconds = min(pace.seconds, MEASURED_SECONDS)
        told = live.ask(session, "top", call.emit, call.control, call.tally, seconds=seconds, rows=ROWS)
        histories.add(told)
        call.emit(Shown(key, live.data(drawn(told, histories)), live=True))
    return ""


class Histories:
    """The last figures of each kind; what is not known has none."""

    def __init__(self) -> None:
        self.of: dict[str, deque[float]] = {}

    def add(self, told: dict[str, Any]) -> None:
        disk, network = told["disk"], told["network"]
        figures = {
            "cpu": told["cpu_percent"],
            "memory": told["memory_used_mb"],
            "disk": disk and sum(disk),
            "network": network and sum(network),
        }
        for name, value in figures.items():
            if value is not None:
                self.of.setdefault(name, deque(maxlen=HISTORY)).append(value)

    def spark(self, name: str, most: float = 0) -> str:
        return live.spark(list(self.of[name]), most) if name in self.of else ""


def drawn(told: dict[str, Any], histories: Histories) -> list[live.Line]:
    size, percent = told["memory_size_mb"], told["cpu_percent"]
    lines = [
        figure("CPU", known(percent, f"{{:.1f}} % of {told['cpus']} CPUs"), histories.spark("cpu", 100), heat(percent)),
        figure("memory", memory(told), histories.spark("memory", size or 0), heat(used(told), 60, 90)),
        figure("disk", rates(told["disk"], "read", "written"), histories.spark("disk")),
        figure("network", rates(told["network"], "in", "out"), histories.spark("network")),
        figure("load", ", ".join(told["load"]) or "not known"),
        [],
        [("head", f"{'PID':>7} {'USER':<12} S {'CPU %':>6} {'MEMORY':>9}  COMMAND")],
        *(process(row) for row in told["processes"]),
    ]
    if told["count"] > len(told["processes"]):
        lines.append([("dim", f"… {told['count'] - len(told['processes'])} more processes")])
    return lines


def figure(name: str, value: str, history: str = "", style: str = "") -> live.Line:
    line: live.Line = [("head", f"{name:<9}"), ("", f"{value:<48}".rstrip() if not history else f"{value:<48}")]
    return [*line, (style or "good", history)] if history else line


def known(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)


def heat(percent: float | None, warm: float = 10, hot: float = 60) -> str:
    if percent is None or percent < warm:
        return ""
    return "hot" if percent >= hot else "warm"


def used(told: dict[str, Any]) -> float | None:
    size = told["memory_size_mb"]
    return 100 * told["memory_used_mb"] / size if size else None


def memory(told: dict[str, Any]) -> str:
    """The function's, and its machine's."""
    size, total, free = told["memory_size_mb"], told["MemTotal"], told["MemAvailable"]
    own = f"{told['memory_used_mb']} of {size} MB" if size else f"{told['memory_used_mb']} MB"
    return (
        own if total is None or free is None else f"{own}, machine {(total - free) // 1024:,} of {total // 1024:,} MB"
    )


def rates(pair: list[float] | None, first: str, second: str) -> str:
    return "not known" if pair is None else f"{rate(pair[0])} {first}, {rate(pair[1])} {second}"


def rate(size: float) -> str:
    return f"{size / MB:,.1f} MB/s" if size >= MB else f"{size / 1000:,.1f} kB/s"


def process(row: dict[str, Any]) -> live.Line:
    [command] = live.plain_lines(row["command"].replace("\n", " "))
    short = command if len(command) <= COMMAND else f"{command[: COMMAND - 1]}…"
    return [
        ("", f"{row['pid']:>7} {(row['user'] or '?')[:12]:<12} "),
        ("good" if row["state"] == "R" else "", row["state"]),
        ("", " "),
        (heat(row["cpu_percent"]), f"{row['cpu_percent']:>6.1f}"),
        ("", f" {row['rss_kb'] / 1024:>6.1f} MB  {short}"),
    ]


MAGIC = Magic("top", "[-n SECONDS] [-c COUNT]", "the environment's processes, alive, until interrupted", run)
