"""What is read of /proc: of a made-up one, where each figure is known, and of the real one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.function.sent import joined, processes, source
from lambda_kernel.function.sent import system as system_module
from tests.support.in_process_session import CREDENTIALS, InProcess

CODE = joined([source(system_module), source(processes)])
system: Any = SimpleNamespace(**index.load(CODE))  # as the function loads it


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stat(pid: int, name: str, ticks: tuple[int, int] = (0, 0), pages: int = 0) -> str:
    return f"{pid} ({name}) R 1 1 1 0 -1 4194304 1 0 0 0 {ticks[0]} {ticks[1]} 0 0 20 0 1 0 555 9000 {pages} 1 0 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    root = tmp_path / "proc"
    put(
        root,
        stat="cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 1 1 1\n",
        uptime="120.50 200.00\n",
        loadavg="0.10 0.20 0.30 1/99 1234\n",
        meminfo="MemTotal:        2048000 kB\nMemFree: 1 kB\nMemAvailable:    1024000 kB\n",
        diskstats="   7 0 loop0 9 0 9 0 9 0 9 0\n 254 0 vda 10 0 100 0 10 0 200 0\n 254 1 vda1 9 0 90 0 9 0 190 0\n",
        net__dev="Inter-| Receive\n lo: 9 9 0 0 0 0 0 0 9 9\n eth0:1000 1 0 0 0 0 0 0 2000 2 0 0 0 0 0 0\n",
        **{
            "41__stat": stat(41, "a) R (b", (30, 20), 256),
            "41__cmdline": "run\0--all\0",
            "41__status": "Uid:\t0\t0\t0\t0\n",
        },
        **{"42__stat": stat(42, "kworker"), "42__cmdline": "", "43__cmdline": "gone"},
    )
    return root


def test_counters(proc: Path) -> None:
    now = system.sample(str(proc))
    assert (now["cpu"], now["disk"], now["network"]) == ([150, 1000], [51_200, 102_400], [1000, 2000])
    [first, second] = sorted(now["processes"], key=lambda row: row["pid"])
    assert first["rss_kb"] == 256 * system.PAGE_KB
    assert (first["command"], first["ticks"], first["state"], first["user"]) == ("run --all", 50, "R", "root")
    assert (second["command"], second["user"]) == ("[kworker]", None)


def test_nothing_can_be_read(tmp_path: Path) -> None:
    now = system.sample(str(tmp_path))
    assert (now["cpu"], now["disk"], now["network"], now["processes"]) == (None, None, None, [])
    assert system.memory(str(tmp_path)) == {"MemTotal": None, "MemAvailable": None}
    assert system.uptime(str(tmp_path)) is None


def at(seconds: float, ticks: int, started: int = 1, **counters: Any) -> dict[str, Any]:
    row = {"pid": 7, "started": started, "ticks": ticks, "ns": counters.pop("ns", None)}
    return {"at": seconds, "processes": [row], "cpu": None, "disk": None, "network": None} | counters


def test_rates_are_what_came_between_two_samples() -> None:
    before = at(10, 50, cpu=[100, 1000], disk=[0, 500], network=[10, 10])
    after = at(12, 50 + system.TICKS, cpu=[150, 1200], disk=[4000, 500], network=[110, 210])
    told = system.changes(before, after)
    assert told == {"seconds": 2, "cpu_percent": 25.0, "disk": [2000, 0], "network": [50, 100]}
    assert after["processes"][0]["cpu_percent"] == 50.0


def test_a_new_process_with_an_old_number_and_a_counter_that_was_reset() -> None:
    after = at(1, 30, started=2, disk=[5, 5])
    told = system.changes(at(0, 5000, disk=[9, 4]), after)
    assert after["processes"][0]["cpu_percent"] == 30 * 100 / system.TICKS
    assert (told["disk"], told["cpu_percent"]) == ([0, 1], None)


@pytest.mark.parametrize(("before", "percent"), [(4_000_000, 3.0), (None, 50.0)])
def test_a_fine_clock_is_used_where_both_samples_have_it(before: int | None, percent: float) -> None:
    after = at(0.2, 10, ns=10_000_000)
    system.changes(at(0, 0, ns=before), after)
    assert after["processes"][0]["cpu_percent"] == percent


def test_the_fine_clock_is_that_of_one_thread(proc: Path) -> None:
    put(proc, **{"41__schedstat": "7000 1 2\n"})
    rows = {row["pid"]: row for row in system.sample(str(proc))["processes"]}
    assert (rows[41]["threads"], rows[41]["ns"], rows[42]["ns"]) == (1, 7000, None)
    assert system.cpu_ns({"pid": 41, "threads": 2}, str(proc)) is None


def test_the_runtimes_processes_are_this_one_and_those_above() -> None:
    above = [{"pid": os.getpid(), "parent": 3}, {"pid": 3, "parent": 1}, {"pid": 1, "parent": 0}]
    assert system.runtimes([*above, {"pid": 2, "parent": 1}, {"pid": 4, "parent": os.getpid()}]) == {os.getpid(), 3, 1}
    assert system.runtimes([{"pid": os.getpid(), "parent": os.getpid()}]) == {os.getpid()}


@pytest.mark.parametrize(
    ("order", "pids"), [("cpu", [1, 3, 2]), ("memory", [2, 1, 3]), ("threads", [3, 1, 2]), ("pid", [1, 2, 3])]
)
def test_orders(order: str, pids: list[int]) -> None:
    columns = ("pid", "cpu_percent", "rss_kb", "threads")
    rows = [dict(zip(columns, row, strict=True)) for row in ((1, 9.0, 50, 1), (2, 0.0, 90, 1), (3, 5.0, 10, 7))]
    assert [row["pid"] for row in sorted(rows, key=system.ORDERS[order])] == pids


@pytest.mark.parametrize(("length", "ends"), [(200, "xx"), (201, "x…")])
def test_a_long_command_says_that_it_is_cut(length: int, ends: str) -> None:
    text = system.cut("x" * length)
    assert (len(text), text[-2:]) == (200, ends)


def test_a_clock_that_stands_still() -> None:
    assert system.changes(at(1, 1, cpu=[1, 1]), at(1, 1, cpu=[1, 1]))["cpu_percent"] is None


def test_processors(proc: Path) -> None:
    put(proc, cpuinfo="processor\t: 0\nmodel name\t: Xeon\nflags\t\t: avx sse avx\nprocessor: 1\nmodel name: other\n")
    assert system.processor(str(proc)) == {"cpu_model": "Xeon", "cpus": system.cpus(), "cpu_flags": ["avx", "sse"]}
    put(proc, cpuinfo="processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n")
    assert system.processor(str(proc))["cpu_model"] == "part 0xd40"
    put(proc, cpuinfo="")
    assert system.processor(str(proc))["cpu_model"] is None


def test_limits_of_both_versions_of_cgroups(proc: Path, tmp_path: Path) -> None:
    put(proc, self__cgroup="0::/mine\n")
    groups = tmp_path / "sys/fs/cgroup"
    put(groups / "mine", **{"memory.max": "134217728\n"})
    put(groups, **{"memory.max": "max\n", "cpu__cpu.cfs_quota_us": "-1\n"})
    found = system.cgroup_limits(str(proc), str(tmp_path / "sys"))
    assert found == {"memory.max": "134217728", "cpu.max": "-1", "pids.max": None}


def test_the_mount_that_covers_a_place(proc: Path) -> None:
    put(proc, self__mounts="a / ext4 ro 0 0\nb / overlay rw 0 0\nc /t tmpfs rw 0 0\nd /tmp tmpfs rw 0 0\n")
    kinds = {row["path"]: row["type"] for row in system.mounts(str(proc))}
    assert (kinds["/"], kinds["/tmp"]) == ("overlay", "tmpfs")


def test_capabilities_have_names() -> None:
    assert system.capabilities(0) == []
    assert system.capabilities(1 << 21 | 1) == ["chown", "sys_admin"]
    assert system.capabilities(1 << 63) == ["capability 63"]
    assert system.CAPABILITIES.split()[40] == "checkpoint_restore"


@pytest.fixture
def remote() -> Any:
    made = InProcess()
    yield made
    made.close()


def call(remote: InProcess, name: str, **arguments: Any) -> Any:
    value = remote.session.call(CODE, name, Usage(), **arguments)
    return json.loads(json.dumps(value))


def test_the_real_environment(remote: InProcess) -> None:
    remote.environ |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
    remote.run("true")
    told = call(remote, "report")
    assert (told["memory_size_mb"], told["vcpus"], told["cells"]) == (1769, 1.0, 1)
    assert 0 < told["vcpus_measured"] <= told["cpus"] * 1.1
    assert told["execution_environment"] == "AWS_Lambda_python3.13"
    assert told["kernel"] == f"Linux {os.uname().release}"
    assert told["environment_age_s"] < told["uptime_s"]
    assert {"name": "lo", "ipv4": "127.0.0.1"} in told["network"]
    addresses = [row["ipv4"] or "not shown" for row in told["network"]]
    assert all(text.startswith(("not shown", "127.", "169.254.")) for text in addresses)
    assert told["limits"]["nofile"][0] > 0


def test_no_credential_is_told_wherever_it_stands(remote: InProcess) -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    remote.environ |= {
        "TZ": secret,
        "AWS_LAMBDA_FUNCTION_NAME": f"x-{secret}",
        "AWS_REGION": CREDENTIALS["AWS_SESSION_TOKEN"],
    }
    remote.run(f"bash -c 'sleep 50; : {secret} {'x' * 300}' &")
    told = json.dumps([call(remote, "report"), call(remote, "top", seconds=0.01, rows=1000)])
    assert not any(value in told for value in CREDENTIALS.values())
    assert "x-[AWS_SECRET_ACCESS_KEY redacted]" in told
    assert ": [AWS_SECRET_ACCESS_KEY redacted] xxx" in told


def test_a_user_s_own_key_in_a_command_is_not_told(remote: InProcess) -> None:
    own = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
    remote.run(f"bash -c 'sleep 50; : aws_secret_access_key {own}' &")
    told = json.dumps(call(remote, "top", seconds=0.01, rows=1000))
    assert own not in told
    assert "aws_secret_access_key [secret key redacted]" in told


def test_processes_at_work_come_first(remote: InProcess) -> None:
    remote.run("while :; do :; done & echo $!")
    told = call(remote, "top", seconds=0.2, rows=3)
    assert len(told["processes"]) == min(3, told["count"])
    percents = [row["cpu_percent"] for row in told["processes"]]
    assert percents == sorted(percents, reverse=True)
    assert percents[0] > 0
    assert told["seconds"] >= 0.2
    assert told["cpus"] == len(os.sched_getaffinity(0))
    remote.run("kill %1")
