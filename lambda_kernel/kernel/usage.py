"""Answers jupyter-resource-usage: what the environment used by the last report. No invocation is made for it."""

from __future__ import annotations

import os
from typing import Any

from ..report import Totals
from ..workspace.workspace import Workspace

MB = 1_024 * 1_024  # bytes, as in Lambda's reports
NOTHING = {"hostname": "", "pid": os.getpid()}  # without a host it shows that nothing is known


def usage(workspace: Workspace, idle: bool) -> dict[str, Any]:
    """The fields that its panel reads (its 1.1); memory in bytes. idle: no cell runs, so the environment is frozen.

    Lambda reports no CPU time: while a cell runs its use is not known, and is left out.
    """
    session = workspace.current
    if session is None:
        return NOTHING
    function, region = session.transport.function, session.transport.region
    cost = workspace.costs.find(function, region)
    figures = cost.latest.totals if cost and cost.latest else None
    if figures is None or not figures.memory_size_mb or figures.max_memory_used_mb is None:
        return NOTHING
    cpu = {"kernel_cpu": 0.0} if idle else {}
    return {"hostname": f"{function}, {region}", "pid": os.getpid(), **cpu, **_memory(figures)}


def _memory(figures: Totals) -> dict[str, Any]:
    total, used = (figures.memory_size_mb or 0) * MB, (figures.max_memory_used_mb or 0) * MB
    free = max(total - used, 0)
    memory = {"available": free, "free": free, "used": used, "active": used, "inactive": 0, "wired": 0}
    return {"kernel_memory": used, "host_virtual_memory": {"total": total, "percent": 100 * used / total, **memory}}
