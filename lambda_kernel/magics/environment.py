"""%environment: what the execution environment is, at a glance and as JSON that notebooks can be compared by."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from typing import Any

from .. import live
from ..cell import Shown
from .base import Call, Magic, wrong

KEY = "lambda_environment"
UNKNOWN = "not known"
UNLIMITED = {"max", "max 100000", "-1", "9223372036854771712"}  # as version 2 of cgroups says it, then version 1
LIMITS = ("nofile", "nproc", "stack", "core", "memlock", "as")  # of more than a dozen, those that one may run into

Told = dict[str, Any]


def run(call: Call) -> str:
    if call.words:
        raise wrong(MAGIC)
    session = call.workspace.enter(call.emit, call.control)
    told = live.ask(session, "report", call.emit, call.control, call.tally)
    told = {"environment_id": call.tally.environment_id, "invocations_by_this_kernel": invocations(call)} | told
    call.emit(Shown(uuid.uuid4().hex, table(rows(told)), {KEY: told}))
    return ""


def invocations(call: Call) -> int:
    """In this environment or another one: the function itself does not count them."""
    transport = call.workspace.session().transport
    cost = call.workspace.costs.of.get((transport.function, transport.region))
    return (cost.invocations if cost else 0) + call.tally.invocations


def rows(told: Told) -> dict[str, str]:
    """Each by its name: what is not known says so."""
    return {name: row(told) or UNKNOWN for name, row in ROWS.items()}


def table(rows: dict[str, str]) -> dict[str, str]:
    width = max(map(len, rows)) + 2
    text = "\n".join(f"{name:<{width}}{value}" for name, value in rows.items())
    cells = "".join(
        f'<tr><th style="text-align: left; white-space: nowrap">{html.escape(name)}</th>'
        f'<td style="text-align: left; white-space: normal">{html.escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    return {"text/plain": text, "text/html": f"<table><tbody>{cells}</tbody></table>"}


def some(*parts: object) -> str:
    """What is known of them."""
    return ", ".join(str(part) for part in parts if part not in (None, "", [], {}))


def unit(value: float | None, name: str) -> str | None:
    return None if value is None else f"{value:,} {name}"


def duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.1f} s" if minutes < 2 else f"{minutes:.1f} min" if hours < 2 else f"{hours:.1f} h"


def processor(told: Told) -> str:
    flags = told["cpu_flags"]
    return some(told["cpu_model"], told["cpus"] and f"{told['cpus']} seen", flags and f"{len(flags)} flags")


def share(told: Told) -> str:
    return told["vcpus"] and f"{told['vcpus']:g} vCPU, from the memory: 1,769 MB give one"


def memory(told: Told) -> str:
    size, used = told["memory_size_mb"], told["memory_used_mb"]
    total, free = told["machine_memory_mb"], told["machine_memory_available_mb"]
    return some(
        unit(size, "MB for the function"),
        unit(used, "MB used"),
        unit(total, "MB in the machine"),
        unit(free, "MB of them available"),
    )


def cgroups(told: Told) -> str:
    limits = {name: value for name, value in told["cgroup_limits"].items() if value is not None}
    return some(*(f"{name} {'none' if value in UNLIMITED else value}" for name, value in limits.items()))


def mounts(told: Told) -> str:
    return "; ".join(
        f"{row['path']} {row['type'] or 'of a type not known'}, {'writable' if row['writable'] else 'read-only'}, "
        f"{row['free_mb']:,} of {row['size_mb']:,} MB free"
        for row in told["mounts"]
    )


def runtime(told: Told) -> str:
    kind = told["initialization_type"]
    return some(f"Python {told['python']}", told["execution_environment"], kind and f"initialized {kind}")


def environment(told: Told) -> str:
    old = duration(told["environment_age_s"])
    return some(
        told["environment_id"],
        old and f"{old} old",
        f"invocations by this kernel: {told['invocations_by_this_kernel']}",
        f"cells run in this shell: {told['cells']}",
    )


def network(told: Told) -> str:
    said = {None: "without an address", "not shown": "(address not shown)"}
    return some(*(f"{row['name']} {said.get(row['ipv4'], row['ipv4'])}" for row in told["network"]))


def limits(told: Told) -> str:
    known = {name: told["limits"][name] for name in LIMITS if name in told["limits"]}
    return some(*(f"{name} {' / '.join(map(bound, dict.fromkeys(pair)))}" for name, pair in known.items()))


def bound(value: int | None) -> str:
    return "unlimited" if value is None else f"{value:,}"


def user(told: Told) -> str:
    groups = ", ".join(map(str, told["groups"]))
    return f"{told['user']}, uid {told['uid']}, gid {told['gid']}" + (f", groups {groups}" if groups else "")


def privileges(told: Told) -> str:
    names, newer = told["capabilities"], told["no_new_privileges"]
    return some(
        None if names is None else ("no capabilities" if not names else " ".join(names)),
        None if newer is None else f"new privileges {'cannot' if newer else 'can'} be gained",
        told["seccomp"] and f"seccomp {told['seccomp']}",
    )


ROWS: dict[str, Callable[[Told], str]] = {
    "OS": lambda told: some(told["os"], told["libc"]),
    "kernel": lambda told: some(told["kernel"], told["architecture"], told["kernel_build"]),
    "CPU": processor,
    "CPU share": share,
    "memory": memory,
    "cgroup limits": cgroups,
    "mounts": mounts,
    "runtime": runtime,
    "function": lambda told: some(told["function"], told["function_version"], told["region"]),
    "environment": environment,
    "machine's uptime": lambda told: duration(told["uptime_s"]) or "",
    "clock": lambda told: some(told["clock_utc"], told["clock_source"]),
    "time zone": lambda told: some(told["time_zone"]),
    "locale": lambda told: some(told["locale"]),
    "network": network,
    "limits": limits,
    "user": user,
    "privileges": privileges,
}

MAGIC = Magic("environment", "", "the execution environment at a glance, and as JSON in the display's metadata", run)
