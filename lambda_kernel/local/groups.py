"""The control groups of an engine, and of each runtime: one of version 2, and where they are, others of version 1.

Version 2 has one tree for all controllers. On machines with both versions, a controller is in one of them (cgroups(7)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .cgroups import CONTROLLERS, ENTER_AND_EXEC, Cgroup, older_cgroup, own_cgroup, working_parent
from .cpu_share import PERIOD_US
from .delegation import pass_on_from


@dataclass(frozen=True)
class Groups:
    """Those of one runtime, or those of an engine, with the ones of its runtimes below. older: by controller."""

    unified: Cgroup | None = None
    older: Mapping[str, Cgroup] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Cgroup]:
        yield from self.older.values()
        if self.unified is not None:
            yield self.unified

    def make_below(self, name: str) -> Groups:
        older = {controller: Cgroup(group.path / name) for controller, group in self.older.items()}
        made = Groups(self.unified and Cgroup(self.unified.path / name), older)
        for group in made:
            group.make()
        return made

    def entered(self, command: list[str], *, bare: bool = False) -> list[str]:
        """Return the command that runs this one in all of them; bare: in an environment without the shell's own PWD."""
        procs = [str(group.procs) for group in self]
        enter = f"unset PWD; {ENTER_AND_EXEC}" if bare else ENTER_AND_EXEC
        return ["/bin/sh", "-c", enter, "sh", *procs, "--", *command] if procs else command

    def limit(self, memory: int, processes: int) -> None:
        """Let Linux enforce the limits, if the controllers are delegated."""
        if self.unified is not None:
            self.unified.limit(memory, processes)
        if "memory" in self.older:
            self.older["memory"].write("memory.swappiness", "0")
            self.older["memory"].write("memory.limit_in_bytes", str(memory))

    def throttle(self, quota_us: int) -> None:
        """Limit the CPU time of each period from now on."""
        if "cpu" in self.older:
            self.older["cpu"].write("cpu.cfs_period_us", str(PERIOD_US))
            self.older["cpu"].write("cpu.cfs_quota_us", str(quota_us))
        elif self.unified is not None:
            self.unified.write("cpu.max", f"{quota_us} {PERIOD_US}")

    def throttles(self) -> bool:
        """Return whether groups below these can limit their CPU time."""
        return "cpu" in self.older or (self.unified is not None and self.unified.passes_on("cpu"))

    def holds_memory(self) -> bool:
        return "memory" in self.older or (self.unified is not None and self.unified.passes_on("memory"))

    def out_of_memory(self) -> bool:
        """Return whether Linux killed a process here because of its memory."""
        return any(group.out_of_memory() for group in self)

    def remove(self) -> None:
        """Remove them; one that is still busy goes with the engine."""
        for group in self:
            group.remove(patience_s=0)

    def remove_with_children(self) -> None:
        for group in self:
            group.remove_with_children()


def working_unified(name: str, throttled: bool) -> Cgroup | None:
    """Make the engine's group of version 2, for groups that can be frozen; throttled: and have CPU time limited."""
    ours = own_cgroup()
    if ours is not None and throttled:
        ours = pass_on_from(ours, CONTROLLERS)
    return working_parent(ours, name, Cgroup.freezes)


def working_older(controller: str, name: str) -> Cgroup | None:
    """Make the engine's group of version 1 that has a controller."""
    return working_parent(older_cgroup(controller), name, Cgroup.admits)
