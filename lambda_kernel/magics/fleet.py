"""%%fleet: a cell in many environments at once. %fleet: the shells that are left of it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from ..aws.connector import MOST_SLOTS
from ..aws.error_text import LONGEST_TIMEOUT_S
from ..errors import UsageError
from ..experiments.experiment import Experiment
from ..experiments.folding import ranges
from ..experiments.plan import Plan, fleet, mapped
from ..local import room
from ..output.runs_view import SHOWN
from ..output.table import aligned
from ..session.cell import Cell, Notice, Result
from ..workspace.workspace import Workspace
from . import fleet_shells
from .approval import ENDING_SECONDS, Reckoning
from .arguments import Argument, nonempty, same, whole_number
from .base import Call, Command, Magic
from .experiments import CSV, YES, Trial, carry_out, outcome, table_file
from .fleet_items import OWN, items_of

ROOM = "{most} at a time: the local emulator has room for so many environments on this machine"
UNSTOPPED = (
    "{which} not stopped: each runs on in Lambda until it ends or times out. Until then it keeps an environment busy. "
    "Its output is lost"
)
IN_THE_WAY = "{which} not stopped when the %%fleet before this one ended, and may have kept environments busy"
UNANSWERED = "{which} not answered in time. The next %%fleet gets a new shell there, and ends what still runs"
NONE = "No fleet: %%fleet N makes one on a function with tenant isolation, and on the kernel's own local emulator.\n"
NEVER = "No fleet: {target} has no tenant isolation, so %%fleet leaves no shells there.\n"


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """The result of the first run that failed, else of the last one. Whatever ends it, its rows are shown."""
    options, workspace = call.options, call.workspace
    code, items = items_of(options.map, cell.code)
    if not code.strip():
        raise UsageError("%%fleet needs a command: write it on the lines below")
    size = options.n if items is None else min(options.n, len(items))
    at_once = min(options.jobs or size, size)
    with table_file(options.csv, None if options.map == OWN else options.map) as file:
        workspace.enter(call.emit, call.control)
        if workspace.target.local and at_once > (most := room.of_this_machine()):
            call.emit(Notice(ROOM.format(most=most), "runs"))
            at_once = most
        made, before = fleet_shells.make(workspace, size, call.context), workspace.experiment
        experiment = Experiment(plan_of(options, at_once, items, made))
        reckoning = reckoned(workspace, made, cell)
        trial = Trial(experiment, made.slots, call.usage, made.ahead, options.order == "env", reckoning)
        try:
            carry_out(call, replace(cell, code=code), trial, file)
        finally:
            made.close_connections()
            fleet_shells.drop(workspace, experiment.left)
            if experiment.left:
                call.emit(Notice(unstopped(experiment.left, made), "runs"))
            if experiment.limit and before and before.left and not made.stays:
                call.emit(Notice(IN_THE_WAY.format(which=commands(before.left)), "runs"))
    return outcome(experiment)


def reckoned(workspace: Workspace, made: fleet_shells.Fleet, cell: Cell) -> Reckoning:
    """What a run may cost. A shell's command can be stopped; one that is an invocation by itself may run for as long as
    the function, whose timeout is not known here, or until the cell's time limit."""
    first, longest = made.slots[0], ENDING_SECONDS if made.stays else LONGEST_TIMEOUT_S
    seconds = longest if cell.seconds is None else min(longest, cell.seconds)
    usd = workspace.costs.expected_usd(first.target, first.region, seconds, starts=True)
    return Reckoning(usd, stops=made.stays)


def unstopped(slots: list[int], made: fleet_shells.Fleet) -> str:
    """What becomes of the runs that are not waited for."""
    if made.stays:
        which = f"shell {slots[0]} has" if len(slots) == 1 else f"shells {ranges(slots)} have"
        return UNANSWERED.format(which=which)
    return UNSTOPPED.format(which=commands(slots))


def commands(slots: list[int]) -> str:
    return "1 command was" if len(slots) == 1 else f"{len(slots):,} commands were"


def plan_of(options: Namespace, at_once: int, items: list[str] | None, made: fleet_shells.Fleet) -> Plan:
    name = f"%%fleet {options.n}"
    if items is not None:
        return mapped(f"{name} --map {options.map}", items, at_once)
    return fleet(name, len(made.slots), at_once, "shell" if made.stays else "run")


def run(call: Call) -> str:
    """End the fleet, or list its shells."""
    workspace = call.workspace
    shells = fleet_shells.shells(workspace)
    if not shells:
        return none(workspace)
    if call.options.end:
        return end(workspace)
    lines = [("shell", "environment", "cells", "directory")]
    for slot, session in list(shells.items())[:SHOWN]:
        remote = session.remote
        known = remote is not None and remote.shell is not None
        about = (remote.environment or "-", f"{remote.seq:,}", remote.cwd or "-") if remote and known else ("-",) * 3
        lines.append((str(slot), *about))
    more = [f"and {len(shells) - SHOWN:,} more"] if len(shells) > SHOWN else []
    return "".join(f"{line}\n" for line in (*aligned(lines), *more))


def none(workspace: Workspace) -> str:
    return NEVER.format(target=workspace.target) if fleet_shells.has_tenants(workspace) is False else NONE


def end(workspace: Workspace) -> str:
    inside = workspace.target.slot is not None
    said = f"The fleet's {fleet_shells.end(workspace):,} shells have ended."
    return f"{said} Cells now run on {workspace.target}.\n" if inside else f"{said}\n"


def check(options: Namespace) -> str:
    if not 1 <= options.n <= MOST_SLOTS:
        return f"it takes 1 to {MOST_SLOTS:,} environments; not {options.n}"
    return "" if options.jobs is None or options.jobs >= 1 else "--jobs takes 1 or more"


MAGIC = Magic(
    "fleet",
    "run the cell in many environments at once, and show equal outputs once",
    arguments=(
        Argument("n", f"how many environments, 1 to {MOST_SLOTS:,}", "N", read=whole_number),
        Argument(
            "--map",
            "one run for each line of this file, with the line in `$FLEET_ITEM`; `-` takes the lines below a line `--` "
            "in the cell",
            "FILE",
            read=nonempty,
            kinds=("local path",),
        ),
        Argument("--jobs", "at most so many at once; the default is all of them", "J", read=whole_number),
        CSV,
        Argument(
            "--order",
            "of outputs and rows: by environment (the default), or as the runs end",
            choices=same("env", "time"),
            default="env",
        ),
        YES,
    ),
    take=take,
    check=check,
    more=(
        "`$FLEET_INDEX` counts from 0, and `$FLEET_SIZE` is N. On a function with tenant isolation each environment "
        "keeps a shell for the next %%fleet: `%fleet` lists them, and `%use fleet:3` sends cells to one. On other "
        "functions each run is one invocation, in whatever environment answers. What Lambda throttles waits its turn. "
        "An interrupt ends all runs and keeps the rows. `%timeout` bounds all runs together."
    ),
    examples=(
        ("%%fleet 20\ngrep -m1 'model name' /proc/cpuinfo", "see which CPUs twenty environments have"),
        ('%%fleet 10 --map urls.txt\ncurl -sI "$FLEET_ITEM" | head -1', "share work out to ten environments"),
    ),
)
LIST = Magic(
    "fleet",
    "list the shells of %%fleet, or end them",
    run,
    (Argument("--end", "end them and all that they have started"),),
    examples=(("%fleet --end", "end the shells"),),
)
