"""What %environment shows: the facts of an environment as a person reads them, in groups."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

from ..aws.target import HOST
from ..local.cpu_share import INDEPENDENT, cpus_seen
from .figures import plural
from .style import SMALL, small

Facts = Mapping[str, Any]
Rows = dict[str, str]
Groups = dict[str, Rows]

UNKNOWN = "not known"
ON_AWS = "; on AWS: "
UNLIMITED = {"max", "max 100000", "-1", "9223372036854771712"}  # in version 2 of cgroups, then in version 1
MB = 1_024**2
CORE_BYTES = 10 * 1_024**3  # seen in Lambda by LocalStack's recorded tests
# Of more than a dozen, those that users may hit.
LIMITS = {
    "nofile": "open files",
    "nproc": "processes",
    "stack": "stack",
    "core": "core file",
    "memlock": "locked memory",
    "as": "address space",
}
NUMBERS = ("nofile", "nproc")  # the others are sizes


def groups(facts: Facts) -> Groups:
    """All rows by group. A value that is not known says so. Where the emulator differs from AWS, that stands behind."""
    return {name: {row: text or UNKNOWN for row, text in of(facts).items()} for name, of in GROUPS.items()}


def size(count: int) -> str:
    """Bytes in the largest unit of 1,024 that keeps the number above one, as Lambda counts memory."""
    value, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:,.1f}".removesuffix(".0") + f" {unit}"


def megabytes(count: int | None) -> str:
    return "" if count is None else size(count * MB)


def some(*parts: object) -> str:
    """Those parts that are known."""
    return ", ".join(str(part) for part in parts if part not in (None, "", [], {}))


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.1f} s" if minutes < 2 else f"{minutes:.1f} min" if hours < 2 else f"{hours:.1f} h"


def on_aws(facts: Facts, here: str, there: str) -> str:
    """Behind what the local emulator gives, what AWS would."""
    return f"{here}{ON_AWS}{there}" if here and facts["cpu_share"] else here


def system(facts: Facts) -> Rows:
    os_name, groups = facts["os"] or "", ", ".join(map(str, facts["groups"]))
    like_lambda = os_name.startswith("Amazon Linux")
    shown = some(os_name, facts["libc"])
    user = f"{facts['user']}, uid {facts['uid']}, gid {facts['gid']}" + (f", groups {groups}" if groups else "")
    return {
        "OS": shown if like_lambda else on_aws(facts, shown, "Amazon Linux 2023"),
        "kernel": some(facts["kernel"], facts["architecture"], facts["kernel_build"]),
        "user": user,
        "privileges": privileges(facts),
        "clock": some(clock(facts["clock_utc"]), facts["clock_source"]),
        "time zone": (facts["time_zone"] or "").removeprefix(":"),  # POSIX lets TZ begin so, and Lambda's does
        "locale": facts["locale"] or "",
        "uptime": duration(facts["uptime_s"]),
    }


def clock(iso: str | None) -> str:
    return (iso or "").replace("T", " ").replace("Z", " UTC")


def privileges(facts: Facts) -> str:
    names, newer = facts["capabilities"], facts["no_new_privileges"]
    return some(
        None if names is None else ("no capabilities" if not names else " ".join(names)),
        None if newer is None else f"new privileges {'cannot' if newer else 'can'} be gained",
        facts["seccomp"] and f"seccomp {facts['seccomp']}",
    )


def processor(facts: Facts) -> Rows:
    flags, size_mb, cpus = facts["cpu_flags"], facts["memory_size_mb"], facts["cpus"]
    there = cpus_seen(size_mb) if size_mb else cpus
    seen = f"{cpus} visible" if cpus else ""
    return {
        "model": some(facts["cpu_model"], flags and f"{len(flags)} flags"),
        "CPUs": seen if there == cpus else on_aws(facts, seen, str(there)),
        "share": share(facts),
    }


def share(facts: Facts) -> str:
    """What was measured, and what the memory gives on AWS."""
    given, measured, shared = facts["vcpus"], facts["vcpus_measured"], facts["cpu_share"]
    here = "" if measured is None else f"{measured:g} CPUs measured"
    there = f"{given:g}, in proportion to memory (1,769 MB are one)" if given else ""
    if shared == HOST:
        here = "; ".join(filter(None, (here, INDEPENDENT)))
        return on_aws(facts, here, there) if there else here
    return "; ".join(filter(None, (here, there and f"the memory gives {there}")))


def memory(facts: Facts) -> Rows:
    total, free = megabytes(facts["machine_memory_mb"]), megabytes(facts["machine_memory_available_mb"])
    return {
        "function": megabytes(facts["memory_size_mb"]),
        "in use": megabytes(facts["memory_used_mb"]),
        "machine": some(total, free and f"{free} available"),
    }


def disk(facts: Facts) -> Rows:
    rows = {mount["path"]: space(mount) for mount in facts["mounts"]}
    temporary = next((mount for mount in facts["mounts"] if mount["path"] == "/tmp"), None)
    if temporary and temporary["type"] == "tmpfs":
        rows["/tmp"] = on_aws(facts, rows["/tmp"], "on a disk")
    return rows or {"mounts": ""}


def space(mount: Mapping[str, Any]) -> str:
    free, whole = megabytes(mount["free_mb"]), megabytes(mount["size_mb"])
    kind = mount["type"] or "unknown type"
    return f"{kind}, {'writable' if mount['writable'] else 'read-only'}, {free} of {whole} free"


def network(facts: Facts) -> Rows:
    addresses = {None: "without an address", "not shown": "address not shown"}
    return {row["name"]: addresses.get(row["ipv4"], row["ipv4"]) for row in facts["network"]} or {"interfaces": ""}


def limits(facts: Facts) -> Rows:
    rows = {LIMITS[name]: limit(name, facts["limits"][name]) for name in LIMITS if name in facts["limits"]}
    core = facts["limits"].get("core")
    if core and core[0] != CORE_BYTES:
        rows["core file"] = on_aws(facts, rows["core file"], size(CORE_BYTES))
    rows |= {name: cgroup(name, value) for name, value in facts["cgroup_limits"].items() if value is not None}
    return rows or {"limits": ""}


def limit(name: str, pair: tuple[int | None, int | None]) -> str:
    """The soft limit, and how far a process may raise it."""
    write = "{:,}".format if name in NUMBERS else size
    soft, hard = ("unlimited" if value is None else write(value) for value in pair)
    return soft if soft == hard else f"{soft}, can be raised to {hard}"


def cgroup(name: str, value: str) -> str:
    words = value.split()
    if value in UNLIMITED:
        return "none"
    if name == "memory.max" and value.isdecimal():
        return size(int(value))
    if name == "cpu.max" and len(words) == 2 and all(word.isdecimal() and int(word) for word in words):
        return f"{int(words[0]) / int(words[1]):.2f} CPUs"
    return f"{int(value):,}" if value.isdecimal() else value


def runtime(facts: Facts) -> Rows:
    return {
        "runtime": some(f"Python {facts['python']}", facts["execution_environment"]),
        "function": some(facts["function"], facts["function_version"], facts["region"]),
        "initialized": facts["initialization_type"] or "",
        "environment": facts["environment_id"] or "",
        "age": duration(facts["environment_age_s"]),
        "so far": f"{plural(facts['invocations_by_this_kernel'], 'invocation')} by this kernel, "
        f"{plural(facts['cells'], 'cell')} in this shell",
    }


GROUPS: dict[str, Callable[[Facts], Rows]] = {
    "System": system,
    "CPU": processor,
    "Memory": memory,
    "Disk": disk,
    "Network": network,
    "Limits": limits,
    "Runtime": runtime,
}


def table(shown: Groups, foot: str = "") -> dict[str, str]:
    """A heading for each group that has a name. The names of all rows are equally wide."""
    width = max((len(name) for rows in shown.values() for name in rows), default=0) + 2
    lines, cells = [], []
    for group, rows in shown.items():
        indent = "  " if group else ""
        lines += [*filter(None, [group]), *(f"{indent}{name:<{width}}{value}" for name, value in rows.items())]
        cells += [HEAD.format(html.escape(group))] if group else []
        cells += [ROW.format(html.escape(name), cell(value)) for name, value in rows.items()]
    page = f"<table><tbody>{''.join(cells)}</tbody></table>" if cells else ""
    below = small(html.escape(foot)) if foot else ""
    return {"text/plain": "\n".join([*lines, *([foot] if foot else [])]), "text/html": page + below}


HEAD = '<tr><th colspan="2" style="text-align: left; padding-top: 0.6em">{}</th></tr>'
ROW = (
    '<tr><td style="text-align: left; white-space: nowrap; vertical-align: top">{}</td>'
    '<td style="text-align: left; white-space: normal">{}</td></tr>'
)


def cell(value: str) -> str:
    """What AWS would give is less prominent than what was found."""
    here, mark, there = value.partition(ON_AWS)
    if not mark:
        return html.escape(value)
    return f'{html.escape(here)} <span style="{SMALL}">on&nbsp;AWS: {html.escape(there)}</span>'


def differences(before: Groups, now: Groups) -> Groups:
    """The rows that are not the same, with both values, and without what AWS would give."""
    found: Groups = {}
    for group in now:
        old, new = before.get(group, {}), now[group]
        rows = {name: (found_of(old, name), found_of(new, name)) for name in {**new, **old}}
        changed = {name: f"{was} → {is_now}" for name, (was, is_now) in rows.items() if was != is_now}
        if changed:
            found[group] = changed
    return found


def found_of(rows: Rows, name: str) -> str:
    return rows.get(name, "none").partition(ON_AWS)[0]
