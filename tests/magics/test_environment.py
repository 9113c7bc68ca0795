"""%environment"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_kernel.cell import Shown
from lambda_kernel.errors import UsageError
from lambda_kernel.magics.environment import KEY, ROWS, UNKNOWN, duration, rows, table
from tests.far import CREDENTIALS
from tests.magics.conftest import Desk

NOTHING: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("os", "libc", "kernel", "kernel_build", "architecture", "cpu_model", "cpus", "memory_size_mb", "vcpus"),
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


def shown(desk: Desk) -> Shown:
    [found] = [happening for happening in desk.run("%environment").happenings if isinstance(happening, Shown)]
    return found


def test_every_row_is_there_and_the_same_is_in_the_metadata(desk: Desk) -> None:
    desk.run("true")
    found = shown(desk)
    lines = found.data["text/plain"].splitlines()
    assert [line.split("  ")[0] for line in lines] == list(ROWS)
    assert found.data["text/html"].count("<tr>") == len(ROWS)
    told = json.loads(json.dumps(found.metadata))[KEY]
    assert rows(told) == rows(found.metadata[KEY])
    assert f"Python {told['python']}" in found.data["text/plain"]
    assert told["environment_id"] in found.data["text/plain"]
    assert told["invocations_by_this_kernel"] == 1
    assert not any(value in json.dumps(found.metadata) for value in CREDENTIALS.values())


def test_it_starts_a_shell(desk: Desk) -> None:
    shown(desk)
    assert desk.sent == ["hello", "call"]


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


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.04, 119.0, 120, 7199, 7200)] == [
        *("0.0 s", "119.0 s", "2.0 min", "120.0 min", "2.0 h")
    ]


def test_a_table_escapes() -> None:
    assert "<td" in table({"a": "<b>"})["text/html"]
    assert "<b>" not in table({"a": "<b>"})["text/html"]


def test_other_words(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage: %environment"):
        desk.run("%environment --all")
    assert desk.sent == []
