"""%environment: an overview of the execution environment, as a table and as JSON, so that notebooks can be compared."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..aws.target import HOST
from ..aws.usage import Key
from ..local.cpu_share import INDEPENDENT, cpus_seen
from ..output import live_view
from ..session.cell import Shown
from ..untrusted import array, flag, maybe, number, record, row, shown, whole
from ..untrusted import table as objects
from .base import Call, Magic

KEY = "lambda_environment"
UNKNOWN = "not known"
UNLIMITED = {"max", "max 100000", "-1", "9223372036854771712"}  # in version 2 of cgroups, then in version 1
LIMITS = ("nofile", "nproc", "stack", "core", "memlock", "as")  # those of more than a dozen that users may hit

Facts = dict[str, Any]
NAME = maybe(shown(300))
COUNT = whole(0, 2**64)
MOUNT = {"path": shown(300), "type": NAME, "writable": flag, "size_mb": COUNT, "free_mb": COUNT}
NAMES = (
    *("os", "kernel", "kernel_build", "architecture", "libc", "cpu_model", "python", "execution_environment"),
    *("initialization_type", "function", "function_version", "region", "clock_utc", "time_zone", "clock_source"),
    *("locale", "user", "seccomp"),
)
# What system.py answers. It goes into the notebook's metadata.
REPORT = record(
    {
        **dict.fromkeys(NAMES, NAME),
        **dict.fromkeys(("cpus", "memory_size_mb", "machine_memory_mb", "machine_memory_available_mb"), maybe(COUNT)),
        **dict.fromkeys(("vcpus", "vcpus_measured", "environment_age_s", "uptime_s"), maybe(number(0, 1e12))),
        **dict.fromkeys(("memory_used_mb", "cells", "uid", "gid"), COUNT),
        "cpu_flags": array(shown(60), 2_000),
        "cgroup_limits": objects(shown(40), maybe(shown(60)), 20),
        "mounts": array(record(MOUNT), 50),
        "network": array(record({"name": shown(40), "ipv4": maybe(shown(40))}), 1_000),
        "limits": objects(shown(40), row(maybe(COUNT), maybe(COUNT)), 50),
        "groups": array(COUNT, 2_000),
        "capabilities": maybe(array(shown(40), 100)),
        "no_new_privileges": maybe(flag),
    }
)


def run(call: Call) -> str:
    session = call.workspace.enter(call.emit, call.control)
    facts = live_view.ask(session, ("report", REPORT), call.emit, call.control, call.usage)
    target = call.workspace.target
    facts = {
        "environment_id": call.usage.environment_id,
        "invocations_by_this_kernel": invocations(call),
        "cpu_share": target.emulator.cpu if target.local else None,
    } | facts
    call.emit(Shown(uuid.uuid4().hex, table(rows(facts)), {KEY: facts}))
    return ""


def invocations(call: Call) -> int:
    """By this kernel, in this environment and others: the function does not count them."""
    transport = call.workspace.session().transport
    cost = call.workspace.costs.of.get((transport.function, transport.region))
    return cost.invocations if cost else 0


def rows(facts: Facts) -> dict[str, str]:
    """The rows of the table by name. A value that is not known says so."""
    return {name: row(facts) or UNKNOWN for name, row in ROWS.items()}


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
    """Those parts that are known."""
    return ", ".join(str(part) for part in parts if part not in (None, "", [], {}))


def unit(value: float | None, name: str) -> str | None:
    return None if value is None else f"{value:,} {name}"


def duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.1f} s" if minutes < 2 else f"{minutes:.1f} min" if hours < 2 else f"{hours:.1f} h"


def processor(facts: Facts) -> str:
    flags, size, cpus = facts["cpu_flags"], facts["memory_size_mb"], facts["cpus"]
    on_aws = cpus_seen(size) if size and facts["cpu_share"] else cpus
    visible = f"{cpus} visible" + (f" ({on_aws} on AWS)" if on_aws != cpus else "")
    return some(facts["cpu_model"], cpus and visible, flags and f"{len(flags)} flags")


def share(facts: Facts) -> str:
    """What was measured, and what the memory gives on AWS."""
    given, measured, shared = facts["vcpus"], facts["vcpus_measured"], facts["cpu_share"]
    by_memory = (
        given and f"{given:g} vCPU{' on AWS' if shared == HOST else ''}, in proportion to memory: 1,769 MB are one"
    )
    return "; ".join(
        filter(
            None,
            (
                INDEPENDENT if shared == HOST else None,
                by_memory,
                None if measured is None else f"measured: {measured:g}",
            ),
        )
    )


def memory(facts: Facts) -> str:
    size, used = facts["memory_size_mb"], facts["memory_used_mb"]
    total, free = facts["machine_memory_mb"], facts["machine_memory_available_mb"]
    return some(
        unit(size, "MB for the function"),
        unit(used, "MB used"),
        unit(total, "MB in the machine"),
        unit(free, "MB of that available"),
    )


def cgroups(facts: Facts) -> str:
    limits = {name: value for name, value in facts["cgroup_limits"].items() if value is not None}
    return some(*(f"{name} {'none' if value in UNLIMITED else value}" for name, value in limits.items()))


def mounts(facts: Facts) -> str:
    return "; ".join(
        f"{row['path']} {row['type'] or 'unknown type'}, {'writable' if row['writable'] else 'read-only'}, "
        f"{row['free_mb']:,} of {row['size_mb']:,} MB free"
        for row in facts["mounts"]
    )


def runtime(facts: Facts) -> str:
    kind = facts["initialization_type"]
    return some(f"Python {facts['python']}", facts["execution_environment"], kind and f"initialized {kind}")


def environment(facts: Facts) -> str:
    old = duration(facts["environment_age_s"])
    return some(
        facts["environment_id"],
        old and f"{old} old",
        f"invocations by this kernel: {facts['invocations_by_this_kernel']}",
        f"cells run in this shell: {facts['cells']}",
    )


def network(facts: Facts) -> str:
    addresses = {None: "without an address", "not shown": "(address not shown)"}
    return some(*(f"{row['name']} {addresses.get(row['ipv4'], row['ipv4'])}" for row in facts["network"]))


def limits(facts: Facts) -> str:
    known = {name: facts["limits"][name] for name in LIMITS if name in facts["limits"]}
    return some(*(f"{name} {' / '.join(map(bound, dict.fromkeys(pair)))}" for name, pair in known.items()))


def bound(value: int | None) -> str:
    return "unlimited" if value is None else f"{value:,}"


def user(facts: Facts) -> str:
    groups = ", ".join(map(str, facts["groups"]))
    return f"{facts['user']}, uid {facts['uid']}, gid {facts['gid']}" + (f", groups {groups}" if groups else "")


def privileges(facts: Facts) -> str:
    names, newer = facts["capabilities"], facts["no_new_privileges"]
    return some(
        None if names is None else ("no capabilities" if not names else " ".join(names)),
        None if newer is None else f"new privileges {'cannot' if newer else 'can'} be gained",
        facts["seccomp"] and f"seccomp {facts['seccomp']}",
    )


ROWS: dict[str, Callable[[Facts], str]] = {
    "OS": lambda facts: some(facts["os"], facts["libc"]),
    "kernel": lambda facts: some(facts["kernel"], facts["architecture"], facts["kernel_build"]),
    "CPU": processor,
    "CPU share": share,
    "memory": memory,
    "cgroup limits": cgroups,
    "mounts": mounts,
    "runtime": runtime,
    "function": lambda facts: some(facts["function"], facts["function_version"], facts["region"]),
    "environment": environment,
    "machine's uptime": lambda facts: duration(facts["uptime_s"]) or "",
    "clock": lambda facts: some(facts["clock_utc"], facts["clock_source"]),
    "time zone": lambda facts: some(facts["time_zone"]),
    "locale": lambda facts: some(facts["locale"]),
    "network": network,
    "limits": limits,
    "user": user,
    "privileges": privileges,
}

# A value that is not known is null or empty.
KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "environment_id": Key("string", "lambda-kernel's name for the execution environment"),
        "invocations_by_this_kernel": Key("integer", "invocations of this function by this kernel, including this one"),
        "os": Key("string", "PRETTY_NAME of /etc/os-release"),
        "kernel": Key("string", "the operating system's kernel and its release"),
        "kernel_build": Key("string", "the kernel's version, as in `uname -v`"),
        "architecture": Key("string", "`x86_64` or `aarch64`"),
        "libc": Key("string", "the C library and its version"),
        "cpu_model": Key("string", "the processor's model; on ARM, its part number"),
        "cpus": Key("integer", "CPUs that Linux shows"),
        "cpu_flags": Key("list of strings", "the processor's flags, sorted"),
        "memory_size_mb": Key("integer", "the function's memory, in MB"),
        "vcpus": Key("number", "the function's share of CPUs, in proportion to memory: 1,769 MB are one"),
        "vcpus_measured": Key("number", "how many CPUs' time the environment had, measured for 0.1 s"),
        "cpu_share": Key(
            "string", "of the local emulator: `host` is all of the machine's CPUs, `lambda` a share by the memory"
        ),
        "machine_memory_mb": Key("integer", "MemTotal of the machine, in MB"),
        "machine_memory_available_mb": Key("integer", "MemAvailable of the machine, in MB"),
        "memory_used_mb": Key("integer", "memory in use by all processes of the environment, in MB"),
        "cgroup_limits": Key("object", "limits of the control group, as Linux writes them"),
        "mounts": Key("list of objects", "file systems: `path`, `type`, `writable`, `size_mb`, `free_mb`"),
        "python": Key("string", "version of the runtime's Python"),
        "execution_environment": Key("string", "AWS_EXECUTION_ENV"),
        "initialization_type": Key("string", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        "function": Key("string", "AWS_LAMBDA_FUNCTION_NAME"),
        "function_version": Key("string", "AWS_LAMBDA_FUNCTION_VERSION"),
        "region": Key("string", "AWS_REGION"),
        "environment_age_s": Key("number", "age of the process that serves the environment, in seconds"),
        "uptime_s": Key("number", "the machine's uptime, in seconds"),
        "cells": Key("integer", "cells that ran in this shell"),
        "clock_utc": Key("string", "the environment's clock, ISO 8601 in UTC"),
        "time_zone": Key("string", "TZ"),
        "clock_source": Key("string", "the system's clock source"),
        "locale": Key("string", "LC_ALL, LC_CTYPE or LANG, the first that is set"),
        "network": Key("list of objects", "interfaces: `name`, and `ipv4` if it is the same in every environment"),
        "limits": Key("object", "resource limits by name, soft and hard; null means unlimited"),
        "user": Key("string", "the user's name"),
        "uid": Key("integer", "the user's number"),
        "gid": Key("integer", "the number of the user's group"),
        "groups": Key("list of integers", "the numbers of the user's other groups"),
        "capabilities": Key("list of strings", "effective capabilities"),
        "no_new_privileges": Key("boolean", "true if processes cannot gain new privileges"),
        "seccomp": Key("string", "the mode of system call filtering"),
    }
)

MAGIC = Magic(
    "environment",
    "show the execution environment in a table, with JSON in the metadata",
    run,
    more="It shows OS, kernel, CPU, memory, mounts, limits, network, user and privileges.",
)
