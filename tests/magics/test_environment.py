"""%environment"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.aws.target import LOCAL
from lambda_kernel.errors import UsageError
from lambda_kernel.magics.environment import KEY, VOLATILE, Earlier, difference
from lambda_kernel.output.environment_table import CORE_BYTES, GROUPS, UNKNOWN, duration, groups, size, table
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


def shown(runner: CellRunner, cell: str = "%environment") -> Shown:
    [found] = [cell_event for cell_event in runner.run(cell).cell_events if isinstance(cell_event, Shown)]
    return found


def rows(facts: dict[str, Any]) -> dict[str, str]:
    """Of all groups."""
    return {name: value for of in groups(facts).values() for name, value in of.items()}


def test_every_group_is_there_and_the_same_is_in_the_metadata(runner: CellRunner) -> None:
    runner.run("true")
    found = shown(runner)
    lines = found.data["text/plain"].splitlines()
    assert [line for line in lines if not line.startswith("  ")] == list(GROUPS)
    assert found.data["text/html"].count("<tr>") == len(lines)
    told = json.loads(json.dumps(found.metadata))[KEY]
    assert groups(told) == groups(found.metadata[KEY])
    assert f"Python {told['python']}" in found.data["text/plain"]
    assert told["environment_id"] in found.data["text/plain"]
    assert told["invocations_by_this_kernel"] == len(runner.sent) == 3
    assert not any(value in json.dumps(found.metadata) for value in CREDENTIALS.values())


def test_it_starts_a_shell(runner: CellRunner) -> None:
    shown(runner)
    assert runner.sent == ["hello", "call"]


def test_what_is_not_known_says_so() -> None:
    found = groups(NOTHING)
    assert list(found) == list(GROUPS)
    assert found["System"]["OS"] == found["Disk"]["mounts"] == found["CPU"]["share"] == UNKNOWN
    assert found["System"]["privileges"] == found["Network"]["interfaces"] == found["Limits"]["limits"] == UNKNOWN
    assert found["System"]["user"] == "1051, uid 1051, gid 1"


def test_rows_in_words() -> None:
    found = rows(
        NOTHING
        | {
            "memory_size_mb": 1769,
            "machine_memory_mb": 2048,
            "machine_memory_available_mb": 512,
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
            "mounts": [
                {"path": "/tmp", "type": "ext4", "writable": True, "size_mb": 525, "free_mb": 524},
                {"path": "/opt", "type": None, "writable": False, "size_mb": 0, "free_mb": 0},
            ],
            "environment_age_s": 7300.0,
            "clock_utc": "2026-11-30T10:18:30.032Z",
            "clock_source": "kvm-clock",
            "time_zone": ":UTC",
        }
    )
    assert found["share"] == "the memory gives 1, in proportion to memory (1,769 MB are one)"
    assert found["privileges"] == "no capabilities, new privileges cannot be gained"
    assert (found["memory.max"], found["cpu.max"]) == ("none", "0.50 CPUs")
    assert "pids.max" not in found
    assert (found["open files"], found["stack"]) == ("1,024", "8 MB, can be raised to unlimited")
    assert (found["vinternal_1"], found["a"], found["b"]) == ("169.254.76.1", "without an address", "address not shown")
    assert found["/tmp"] == "ext4, writable, 524 MB of 525 MB free"
    assert found["/opt"] == "unknown type, read-only, 0 bytes of 0 bytes free"
    assert (found["function"], found["machine"]) == (UNKNOWN, "2 GB, 512 MB available")
    assert found["age"] == "2.0 h"
    assert found["clock"] == "2026-11-30 10:18:30.032 UTC, kvm-clock"
    assert found["time zone"] == "UTC"


def test_limits_of_the_control_group() -> None:
    limits = {"memory.max": "134217728", "cpu.max": "-1", "pids.max": "1024"}
    found = rows(NOTHING | {"cgroup_limits": limits})
    assert [found[name] for name in limits] == ["128 MB", "none", "1,024"]
    odd = {"memory.max": "?", "cpu.max": "50000 0"}
    assert [rows(NOTHING | {"cgroup_limits": odd})[name] for name in odd] == ["?", "50000 0"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        *((0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1 KB"), (65_536, "64 KB"), (8_388_608, "8 MB")),
        *((1023 * 1024**2, "1,023 MB"), (1024**3, "1 GB"), (25_275_924_480, "23.5 GB"), (5_000 * 1024**4, "5,000 TB")),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


LOCAL_FACTS = NOTHING | {"cpu_share": "host", "os": "Debian", "memory_size_mb": 3009, "cpus": 8}
LOCAL_FACTS |= {"vcpus": 1.7, "vcpus_measured": 7.9, "limits": {"core": (0, CORE_BYTES)}}
LOCAL_FACTS |= {"mounts": [{"path": "/tmp", "type": "tmpfs", "writable": True, "size_mb": 512, "free_mb": 512}]}


def test_where_the_emulator_differs_it_says_what_aws_would_give() -> None:
    found = rows(LOCAL_FACTS)
    assert found["OS"] == "Debian; on AWS: Amazon Linux 2023"
    assert found["CPUs"] == "8 visible; on AWS: 3"
    assert found["share"] == (
        "7.9 CPUs measured; durations do not depend on memory here; on AWS: 1.7, in proportion to memory (1,769 MB are "
        "one)"
    )
    assert found["core file"] == "0 bytes, can be raised to 10 GB; on AWS: 10 GB"
    assert found["/tmp"].endswith("; on AWS: on a disk")
    page = table(groups(LOCAL_FACTS))["text/html"]
    assert "8 visible <span style=" in page
    assert ">on&nbsp;AWS: 3</span>" in page


def test_where_it_does_not_differ_and_on_aws_it_says_nothing() -> None:
    like_lambda = {"cpu_share": "lambda", "os": "Amazon Linux 2023", "cpus": 3, "vcpus_measured": 1.71}
    found = rows(LOCAL_FACTS | like_lambda | {"mounts": [], "limits": {"core": (CORE_BYTES, CORE_BYTES)}})
    assert not [text for text in found.values() if "on AWS" in text]
    assert found["share"] == "1.71 CPUs measured; the memory gives 1.7, in proportion to memory (1,769 MB are one)"
    assert not [text for text in rows(LOCAL_FACTS | {"cpu_share": None}).values() if "on AWS" in text]


def test_what_has_changed_since_the_last_one(runner: CellRunner) -> None:
    first = shown(runner)
    told = shown(runner, "%environment --diff")
    assert told.data["text/plain"].startswith("Nothing has changed since the local emulator, ")
    assert set(told.metadata[KEY]) == set(first.metadata[KEY])
    runner.remotes[LOCAL].environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "1024"
    text = shown(runner, "%environment --diff").data["text/plain"]
    assert re.search(r"^  function +not known → 1 GB$", text, re.MULTILINE)
    assert text.splitlines()[-1].startswith("Compared with the local emulator, ")
    runner.run("%use shell --region eu-west-1")
    text = shown(runner, "%environment --diff").data["text/plain"]
    assert re.search(r"^  environment +\w+ → \w+$", text, re.MULTILINE)


def test_what_changes_by_itself_is_no_difference() -> None:
    before = NOTHING | {"mounts": [{"path": "/tmp", "type": "a", "writable": True, "size_mb": 9, "free_mb": 9}]}
    now = before | dict.fromkeys(VOLATILE - {"environment_id", "clock_utc"}, 7) | {"clock_utc": "now"}
    now |= {"mounts": [before["mounts"][0] | {"free_mb": 1}]}
    assert "Nothing has changed" in difference(Earlier("here", before), now)["text/plain"]
    gone = difference(Earlier("here", before), now | {"mounts": []})["text/plain"]
    assert "/tmp" in gone
    assert "→ none" in gone


def test_what_differs_from_a_saved_notebook(runner: CellRunner, tmp_path: Path) -> None:
    facts = shown(runner).metadata[KEY]
    path = saved(tmp_path, [{}, {KEY: facts | {"os": "an older one"}}, {"other": 1}])
    found = shown(runner, f"%environment --diff {path}").data["text/plain"]
    assert re.search(rf"^  OS +an older one.* → {facts['os'].split()[0]}", found, re.MULTILINE)
    assert found.count("→") == 1
    assert "old.ipynb, 2" in found


def saved(directory: Path, metadata: list[dict[str, Any]]) -> Path:
    path = directory / "old.ipynb"
    outputs = [{"output_type": "display_data", "metadata": one} for one in metadata]
    path.write_text(json.dumps({"cells": [{"outputs": outputs}, {"cell_type": "markdown"}]}), "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no notebook"),
        ("[]", "is no notebook"),
        ('{"cells": [1]}', "is no notebook"),
        ('{"cells": []}', "has no output of %environment"),
        ('{"cells": [{"outputs": [{"metadata": {"lambda_environment": {}}}]}]}', "is not ours, or of another version"),
    ],
)
def test_a_notebook_that_cannot_be_compared_with(runner: CellRunner, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.ipynb").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=words):
        runner.run(f"%environment --diff {tmp_path / 'bad.ipynb'}")
    assert runner.sent == []


def test_nothing_to_compare_with(runner: CellRunner, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no %environment before this one"):
        runner.run("%environment --diff")
    with pytest.raises(UsageError, match=r"cannot read .*missing\.ipynb on this machine: No such file"):
        runner.run(f"%environment --diff {tmp_path / 'missing.ipynb'}")
    assert runner.sent == []


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.04, 119.0, 120, 7199, 7200)] == [
        *("0.0 s", "119.0 s", "2.0 min", "120.0 min", "2.0 h")
    ]


def test_a_table_escapes() -> None:
    page = table({"<i>": {"<u>": "<b>; on AWS: <s>"}}, "<p>")["text/html"]
    assert not re.search("<[ibusp]>", page)
    assert page.count("&lt;") == 5


def test_other_words(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage: %environment"):
        runner.run("%environment --all")
    assert runner.sent == []
