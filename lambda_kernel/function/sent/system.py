"""Looks around in the execution environment, in /proc and /sys: what it is.

The kernel sends this file along with a call, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
MEASURED_S = 0.1  # five of the periods of 20 ms in which Lambda shares out CPU time
MB_OF_A_VCPU = 1769  # of a function's memory (Lambda quotas)
PLACES = ("/", "/tmp", "/opt", "/var/task", "/var/runtime")
CGROUP_LIMITS = {  # files of version 2, each with that of version 1
    "memory.max": "memory/memory.limit_in_bytes",
    "cpu.max": "cpu/cpu.cfs_quota_us",
    "pids.max": "pids/pids.max",
}
CAPABILITIES = (  # names, in the order of their bits (capabilities(7), linux/capability.h)
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service"
    " net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin"
    " sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override"
    " mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
)
SECCOMP = {"0": "off", "1": "strict", "2": "filter"}
SIOCGIFADDR = 0x8915  # ioctl_list(2)


def fields(text: str) -> dict[str, str]:
    """Lines of `name: value`. The first one counts if a name is repeated."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def kilobytes(text: str) -> int | None:
    number = text.removesuffix("kB").strip()
    return int(number) if number.isdecimal() else None


def uptime(proc: str = "/proc") -> float | None:
    words = index.peek(f"{proc}/uptime").split()
    return float(words[0]) if words else None


def user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


Row = dict[str, Any]


def process(pid: int, proc: str = "/proc") -> Row | None:
    """Facts about a process. ticks: its CPU time so far. None: it is gone."""
    head, _, rest = index.peek(f"{proc}/{pid}/stat").rpartition(")")
    words = rest.split()
    if len(words) < 22:
        return None
    command = index.peek(f"{proc}/{pid}/cmdline").replace("\0", " ").strip() or f"[{head.partition('(')[2]}]"
    uid = fields(index.peek(f"{proc}/{pid}/status")).get("Uid", "").split()
    return {
        "pid": pid,
        "user": user(int(uid[0])) if uid else None,
        "state": words[0],
        "parent": int(words[1]),
        "ticks": int(words[11]) + int(words[12]),
        "threads": int(words[17]),
        "started": int(words[19]),
        "rss_kb": int(words[21]) * PAGE_KB,
        "command": command,
    }


def cpus() -> int:
    """Those that processes here may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpus_had(seconds: float) -> float:
    """How many CPUs' time the environment gets, measured with a thread at work for each CPU."""
    until = time.monotonic() + seconds

    def work() -> None:
        data = bytes(65536)
        while time.monotonic() < until:
            hashlib.sha256(data).digest()  # large enough that other threads run meanwhile (hashlib's documentation)

    began, used = time.monotonic(), time.process_time()
    threads = [threading.Thread(target=work) for _ in range(cpus())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.process_time() - used) / (time.monotonic() - began)


def memory(proc: str = "/proc") -> dict[str, int | None]:
    found = fields(index.peek(f"{proc}/meminfo"))
    return {name: kilobytes(found.get(name, "")) for name in ("MemTotal", "MemAvailable")}


def used_mb() -> int:
    mb: int = index.memory_mb()
    return mb


def cleaned(value: Any, secrets: Any) -> Any:
    """The value without credentials in any of its texts."""
    if isinstance(value, str):
        data: bytes = index.redact(value.encode("utf-8", "surrogateescape"), secrets)
        return data.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {name: cleaned(item, secrets) for name, item in value.items()}
    return [cleaned(item, secrets) for item in value] if isinstance(value, list) else value


def size_mb(environ: Mapping[str, str]) -> int | None:
    size = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(size) if size.isdecimal() else None


def report(shell: Any, proc: str = "/proc", etc: str = "/etc", sys_fs: str = "/sys") -> dict[str, Any]:
    """An overview of the environment. All keys are there: None or empty if nothing is known."""
    environ = shell.environ
    facts = {
        **operating_system(etc),
        **processor(proc),
        **storage(environ, proc, sys_fs),
        **runtime(environ),
        **ages(shell, proc),
        **clock(environ, sys_fs),
        "network": interfaces(),
        "limits": limits(),
        **identity(shell.pid, proc),
    }
    found: dict[str, Any] = cleaned(facts, shell.secrets)
    return found


def operating_system(etc: str) -> Row:
    pairs = (line.partition("=") for line in index.peek(f"{etc}/os-release").splitlines())
    release = {name: value.strip("\"'") for name, _, value in pairs}
    uname = os.uname()
    return {
        "os": release.get("PRETTY_NAME"),
        "kernel": f"{uname.sysname} {uname.release}",
        "kernel_build": uname.version,
        "architecture": uname.machine,
        "libc": " ".join(part for part in os_libc() if part) or None,
    }


def os_libc() -> tuple[str, ...]:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "",)
    except (OSError, ValueError):
        return ()


def processor(proc: str) -> Row:
    """On ARM there are numbers instead of a model name, and flags are called features."""
    found = fields(index.peek(f"{proc}/cpuinfo"))
    numbers = (found.get("CPU implementer"), found.get("CPU part"))
    flags = found.get("flags", found.get("Features", "")).split()
    model = found.get("model name") or " ".join(f"part {number}" for number in numbers[1:] if number) or None
    return {"cpu_model": model, "cpus": cpus(), "cpu_flags": sorted(set(flags))}


def storage(environ: Mapping[str, str], proc: str, sys_fs: str) -> Row:
    size, of_machine = size_mb(environ), memory(proc)
    total, free = of_machine["MemTotal"], of_machine["MemAvailable"]
    return {
        "memory_size_mb": size,
        "vcpus": round(size / MB_OF_A_VCPU, 2) if size else None,
        "vcpus_measured": round(cpus_had(MEASURED_S), 2),
        "machine_memory_mb": total and total // 1024,
        "machine_memory_available_mb": free and free // 1024,
        "memory_used_mb": used_mb(),
        "cgroup_limits": cgroup_limits(proc, sys_fs),
        "mounts": mounts(proc),
    }


def cgroup_limits(proc: str, sys_fs: str) -> Row:
    own = next((line[3:] for line in index.peek(f"{proc}/self/cgroup").splitlines() if line.startswith("0::")), "/")
    root = f"{sys_fs}/fs/cgroup"
    found = {}
    for name, older in CGROUP_LIMITS.items():
        texts = (index.peek(path).strip() for path in (f"{root}{own}/{name}", f"{root}/{name}", f"{root}/{older}"))
        found[name] = next((text for text in texts if text), None)
    return found


def mounts(proc: str) -> list[Row]:
    table = [words for line in index.peek(f"{proc}/self/mounts").splitlines() if len(words := line.split()) > 3]
    return [row for row in (space(path, table) for path in PLACES) if row]


def space(path: str, table: Iterable[list[str]]) -> Row | None:
    try:
        size = os.statvfs(path)
    except OSError:
        return None
    above = [words for words in table if f"{path}/".startswith(f"{words[1].rstrip('/')}/")]
    mount = max(
        reversed(above), key=lambda words: len(words[1]), default=None
    )  # of equal ones, the last covers the others
    return {
        "path": path,
        "type": mount and mount[2],
        "writable": os.access(path, os.W_OK),
        "size_mb": size.f_blocks * size.f_frsize // 2**20,
        "free_mb": size.f_bavail * size.f_frsize // 2**20,
    }


def runtime(environ: Mapping[str, str]) -> Row:
    names = {
        "execution_environment": "AWS_EXECUTION_ENV",
        "initialization_type": "AWS_LAMBDA_INITIALIZATION_TYPE",
        "function": "AWS_LAMBDA_FUNCTION_NAME",
        "function_version": "AWS_LAMBDA_FUNCTION_VERSION",
        "region": "AWS_REGION",
    }
    return {"python": sys.version.split()[0]} | {key: environ.get(name) for key, name in names.items()}


def ages(shell: Any, proc: str) -> Row:
    """The environment is as old as this process, unless its runtime was started again."""
    own, up = process(os.getpid(), proc), uptime(proc)
    age = up - own["started"] / TICKS if own and up is not None else None
    return {"environment_age_s": None if age is None else round(max(age, 0), 1), "uptime_s": up, "cells": shell.seq}


def clock(environ: Mapping[str, str], sys_fs: str) -> Row:
    source = index.peek(f"{sys_fs}/devices/system/clocksource/clocksource0/current_clocksource").strip()
    now = time.time()
    return {
        "clock_utc": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z",
        "time_zone": environ.get("TZ") or time.tzname[0],
        "clock_source": source or None,
        "locale": environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG"),
    }


def interfaces() -> list[Row]:
    try:
        names = [name for _, name in socket.if_nameindex()]
    except OSError:
        return []
    return [{"name": name, "ipv4": address(name)} for name in names]


def address(interface: str) -> str | None:
    """An address that every environment has. Others are not shown: they would tell where this notebook was made."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            packed = fcntl.ioctl(made, SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
    except OSError:
        return None
    text = socket.inet_ntoa(packed[20:24])
    return text if text.startswith(("127.", "169.254.")) else "not shown"


def limits() -> dict[str, list[int | None]]:
    """Soft and hard limits. None: unlimited."""
    return dict(sorted(_limits()))


def _limits() -> Iterator[tuple[str, list[int | None]]]:
    names = {name for name in dir(resource) if name.startswith("RLIMIT_")} - {"RLIMIT_OFILE"}  # an older name of NOFILE
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            pair = resource.getrlimit(getattr(resource, name))
            yield name[7:].lower(), [None if value == resource.RLIM_INFINITY else value for value in pair]


def identity(pid: int, proc: str) -> Row:
    found = fields(index.peek(f"{proc}/{pid}/status"))
    effective = found.get("CapEff")
    return {
        "user": user(os.getuid()),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": sorted(os.getgroups()),
        "capabilities": None if effective is None else capabilities(int(effective, 16)),
        "no_new_privileges": {"0": False, "1": True}.get(found.get("NoNewPrivs", "")),
        "seccomp": SECCOMP.get(found.get("Seccomp", "")),
    }


def capabilities(mask: int) -> list[str]:
    names = dict(enumerate(CAPABILITIES.split()))
    return [names.get(bit, f"capability {bit}") for bit in range(mask.bit_length()) if mask >> bit & 1]
