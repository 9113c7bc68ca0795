"""%environment: an overview of the execution environment, as a table and as JSON, so that notebooks can be compared."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..aws.target import CPUS
from ..aws.usage import Key
from ..errors import UsageError
from ..output import live_view
from ..output.environment_table import clock, differences, groups, table
from ..session.cell import Shown
from ..transfer import Local, on_this_machine
from ..untrusted import Unfit, array, flag, load, maybe, number, one_of, record, row, shown, whole
from ..untrusted import table as objects
from .arguments import Argument, nonempty
from .base import Call, Magic

KEY = "lambda_environment"

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
ANSWER = {
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
REPORT = record(ANSWER)
SAVED = record(
    ANSWER | {"environment_id": NAME, "invocations_by_this_kernel": COUNT, "cpu_share": maybe(one_of(*CPUS))}
)


@dataclass(frozen=True)
class Earlier:
    """Facts to compare with. where: in which notebook, or on which target."""

    where: str
    facts: Facts


def run(call: Call) -> str:
    workspace, options = call.workspace, call.options
    before = earlier(workspace.environment, options.notebook) if options.diff else None
    session = workspace.enter(call.emit, call.control)
    facts = live_view.ask(session, ("report", REPORT), call.context)
    target = workspace.target
    facts = {
        "environment_id": call.usage.environment_id,
        "invocations_by_this_kernel": invocations(call),
        "cpu_share": target.emulator.cpu if target.local else None,
    } | facts
    workspace.environment = (str(target), facts)
    call.emit(Shown(uuid.uuid4().hex, difference(before, facts) if before else table(groups(facts)), {KEY: facts}))
    return ""


def earlier(last: tuple[str, Facts] | None, notebook: str | None) -> Earlier:
    """Raises UsageError, before anything is run."""
    if notebook:
        return saved(notebook)
    if last is None:
        raise UsageError(
            "there is no %environment before this one to compare with: run %environment first, or name a saved notebook"
        )
    return Earlier(*last)


def saved(place: str) -> Earlier:
    """What the last %environment of a notebook has found. Whoever sends a notebook could have written anything."""
    path = on_this_machine(place)
    name = Local().name(os.fsencode(path))
    try:
        cells = load(path.read_bytes())["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        found = [output["metadata"][KEY] for output in outputs if KEY in output.get("metadata", {})]
    except OSError as error:
        raise UsageError(f"cannot read {name} on this machine: {error.strerror}") from error
    except (Unfit, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{name} is no notebook") from error
    if not found:
        raise UsageError(f"{name} has no output of %environment: run it there, and save the notebook")
    try:
        return Earlier(name, SAVED(found[-1]))
    except Unfit as error:
        raise UsageError(f"{name} has an output of %environment that is not ours, or of another version") from error


def invocations(call: Call) -> int:
    """By this kernel, in this environment and others: the function does not count them."""
    transport = call.workspace.session().transport
    cost = call.workspace.costs.find(transport.function, transport.region)
    return cost.invocations if cost else 0


# Facts that differ from run to run, and those of the mounts.
VOLATILE = frozenset(
    {
        *("environment_id", "invocations_by_this_kernel", "vcpus_measured", "machine_memory_available_mb"),
        *("memory_used_mb", "environment_age_s", "uptime_s", "cells", "clock_utc"),
    }
)
VOLATILE_PARTS = frozenset({"free_mb"})


def steady(before: Facts, now: Facts) -> Facts:
    """The facts from before, with the newer values of what changes by itself."""
    free = {mount["path"]: {name: mount[name] for name in VOLATILE_PARTS} for mount in now["mounts"]}
    mounts = [mount | free.get(mount["path"], {}) for mount in before["mounts"]]
    return before | {name: now[name] for name in VOLATILE - {"environment_id"}} | {"mounts": mounts}


def difference(before: Earlier, now: Facts) -> dict[str, str]:
    found = differences(groups(steady(before.facts, now)), groups(now))
    when = f"{before.where}, {clock(before.facts['clock_utc']) or 'at a time not known'}"
    if not found:
        return table({}, f"Nothing has changed since {when}, but for what changes by itself.")
    return table(found, f"Compared with {when}. What changes by itself, such as memory in use, is left out.")


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
    (
        Argument("--diff", "show only what differs from an earlier %environment: the one before, or a notebook's"),
        Argument(
            "notebook",
            "with `--diff`: a saved notebook; the last %environment in it counts",
            "NOTEBOOK",
            read=nonempty,
            nargs="?",
            kinds=("local path",),
        ),
    ),
    check=lambda options: "NOTEBOOK needs --diff before it" if options.notebook and not options.diff else "",
    more="It shows OS, kernel, CPU, memory, mounts, limits, network, user and privileges. On the local emulator it "
    "says where AWS would give something else.",
    examples=(
        ("%environment --diff", "show what has changed since the last %environment, on this function or another"),
        ("%environment --diff old.ipynb", "show what differs from what a notebook has saved"),
    ),
)
