"""How many environments this machine has room for at the same time."""

from __future__ import annotations

import re
import resource
from pathlib import Path

from .quotas import TENANT_ENVIRONMENTS_PER_CONCURRENCY

LEAST, MOST = 10, 100
ENVIRONMENT_MB = 64  # 20 MB with a shell that is idle; the rest is for what runs in it
# Each environment has 6 open files of the engine's process, and its invocation 2.
FILES, OTHER_FILES = 8, 400


def concurrency(available_mb: float, files: int) -> int:
    """files: how many the process may open. Idle environments of tenants stay, beside those at work."""
    environments = min(available_mb / ENVIRONMENT_MB, (files - OTHER_FILES) / FILES)
    return int(min(max(environments / TENANT_ENVIRONMENTS_PER_CONCURRENCY, LEAST), MOST))


def of_this_machine() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return concurrency(available_mb(Path("/proc/meminfo")), files)


def available_mb(meminfo: Path) -> float:
    """0 if it is not known."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
