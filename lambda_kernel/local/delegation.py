"""Makes use of a cgroup that systemd has delegated to us, as `systemd-run --user --scope -p Delegate=yes` does.

A cgroup of version 2 that holds processes passes no controller on ("no internal process constraint", cgroups(7)). So
its processes move into a cgroup below it, as systemd expects of whom it delegates to
(https://systemd.io/CGROUP_DELEGATION).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .cgroups import Cgroup

# Later engines of the same scope start in it.
LEAF = "lambda-kernel.main"
# Processes may fork while they are moved.
_PASSES = 20


def pass_on_from(cgroup: Path, controllers: Sequence[str]) -> Path:
    """Return the cgroup below which engines make theirs, with these controllers if it is delegated to us."""
    if cgroup.name == LEAF:
        return cgroup.parent
    ours = Cgroup(cgroup)
    if all(map(ours.passes_on, controllers)) or not _delegated(cgroup):
        return cgroup
    leaf = Cgroup(cgroup / LEAF)
    try:
        leaf.path.mkdir(exist_ok=True)
    except OSError:
        return cgroup
    for _ in range(_PASSES):
        pids = ours.pids()
        if not sum(leaf.write("cgroup.procs", str(pid)) for pid in pids):
            break
    ours.pass_on(*controllers)
    return cgroup


def _delegated(cgroup: Path) -> bool:
    """Return whether systemd says so: it sets this attribute since version 252."""
    try:
        return os.getxattr(cgroup, "user.delegate") == b"1"
    except OSError:
        return False
