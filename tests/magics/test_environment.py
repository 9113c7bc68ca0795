"""%environment"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics.environment import KEY, ROWS, UNKNOWN, duration, rows, table
from lambda_kernel.session.cell import Shown
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import CREDENTIALS

NOTHING: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("os", "libc", "kernel", "kernel_build", "architecture", "cpu_model", "cpus", "memory_size_mb", "vcpus"),
            *("vcpus_measured", "cpu_share"),
            *("machine_memory_mb", "machine_memory_available_mb", "memory_used_mb", "execution_environment"),
            *("initialization_type", "function", "function_version", "region", "environment_age_s", "uptime_s"),
            *("clock_utc", "time_zone", "clock_source", "locale", "capabilities", "no_new_privileges", "seccomp"),
            "environment_id",
        )
    ),
    "cpu_flags": [],
    "cgroup_limits": {"memory.max": None},
    "mounts": [],
    "network": [],
    "limits": {},
    "python": "3.13.1",
    "cells": 0,
    "invocations_by_this_kernel": 1,
    "user": "1051",
    "uid": 1051,
    "gid": 1,
    "groups": [],
}


def shown(runner: CellRunner) -> Shown:
    [found] = [cell_event for cell_event in runner.run("%environment").cell_events if isinstance(cell_event, Shown)]
    return found


def test_every_row_is_there_and_the_same_is_in_the_metadata(runner: CellRunner) -> None:
    runner.run("true")
    found = shown(runner)
    lines = found.data["text/plain"].splitlines()
    assert [line.split("  ")[0] for line in lines] == list(ROWS)
    assert found.data["text/html"].count("<tr>") == len(ROWS)
    told = json.loads(json.dumps(found.metadata))[KEY]
    assert rows(told) == rows(found.metadata[KEY])
    assert f"Python {told['python']}" in found.data["text/plain"]
    assert told["environment_id"] in found.data["text/plain"]
    assert told["invocations_by_this_kernel"] == len(runner.sent) == 3
    assert not any(value in json.dumps(found.metadata) for value in CREDENTIALS.values())


def test_it_starts_a_shell(runner: CellRunner) -> None:
    shown(runner)
    assert runner.sent == ["hello", "call"]


def test_what_is_not_known_says_so() -> None:
    found = rows(NOTHING)
    assert list(found) == list(ROWS)
    assert found["OS"] == found["mounts"] == found["CPU share"] == found["privileges"] == UNKNOWN
    assert found["user"] == "1051, uid 1051, gid 1"


def test_rows_in_words() -> None:
    found = rows(
        NOTHING
        | {
            "memory_size_mb": 1769,
            "vcpus": 1.0,
            "capabilities": [],
            "no_new_privileges": True,
            "cgroup_limits": {"memory.max": "max", "cpu.max": "50000 100000", "pids.max": None},
            "limits": {"nofile": [1024, 1024], "stack": [8_388_608, None], "sigpending": [1, 1]},
            "network": [
                {"name": "vinternal_1", "ipv4": "169.254.76.1"},
                {"name": "a", "ipv4": None},
                {"name": "b", "ipv4": "not shown"},
            ],
            "mounts": [{"path": "/tmp", "type": "ext4", "writable": True, "size_mb": 525, "free_mb": 524}],
            "environment_age_s": 7300.0,
        }
    )
    assert found["CPU share"].startswith("1 vCPU")
    assert found["privileges"] == "no capabilities, new privileges cannot be gained"
    assert found["cgroup limits"] == "memory.max none, cpu.max 50000 100000"
    assert found["limits"] == "nofile 1,024, stack 8,388,608 / unlimited"
    assert found["network"] == "vinternal_1 169.254.76.1, a without an address, b (address not shown)"
    assert found["mounts"] == "/tmp ext4, writable, 524 of 525 MB free"
    assert "2.0 h old" in found["environment"]


def test_the_share_of_the_cpu_is_measured_and_what_aws_gives_stands_beside_it() -> None:
    facts = NOTHING | {"memory_size_mb": 3009, "vcpus": 1.7, "vcpus_measured": 7.9, "cpus": 8, "cpu_share": "host"}
    found = rows(facts)
    assert found["CPU"] == "8 visible (3 on AWS)"
    assert found["CPU share"] == (
        "durations do not depend on memory here; 1.7 vCPU on AWS, in proportion to memory: 1,769 MB are one; "
        "measured: 7.9"
    )
    found = rows(facts | {"cpus": 3, "vcpus_measured": 1.71, "cpu_share": "lambda"})
    assert found["CPU"] == "3 visible"
    assert found["CPU share"] == "1.7 vCPU, in proportion to memory: 1,769 MB are one; measured: 1.71"


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.04, 119.0, 120, 7199, 7200)] == [
        *("0.0 s", "119.0 s", "2.0 min", "120.0 min", "2.0 h")
    ]


def test_a_table_escapes() -> None:
    assert "<td" in table({"a": "<b>"})["text/html"]
    assert "<b>" not in table({"a": "<b>"})["text/html"]


def test_other_words(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage: %environment"):
        runner.run("%environment --all")
    assert runner.sent == []
