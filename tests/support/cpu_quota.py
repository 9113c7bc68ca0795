"""A process at the CPU quota that Lambda gives a function of 128 MB."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.local.cpu_share import PERIOD_US, quota_us

QUOTA_US = quota_us(128)
ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


@contextlib.contextmanager
def quota(pid: int) -> Iterator[None]:
    """Hold a process and what it starts to that quota. Skips the test where no control group can be made."""
    group = next((root / f"lambda-kernel-{uuid.uuid4().hex[:8]}" for root in ROOTS if os.access(root, os.W_OK)), None)
    try:
        if group is None:
            raise PermissionError
        group.mkdir()
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
        else:
            (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        if group and group.exists():
            group.rmdir()
        pytest.skip("no control group can be made here to limit the CPU time")
    try:
        yield
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (group.parent / "cgroup.procs").write_text(process)
        group.rmdir()
