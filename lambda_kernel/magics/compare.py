"""%%compare: a cell on several targets, in turn."""

from __future__ import annotations

import functools
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..aws.target import Target
from ..aws.target_words import expand
from ..aws.usage import Usage
from ..errors import UsageError
from ..experiments.comparison import comparison
from ..experiments.engine import Slot
from ..experiments.experiment import Experiment
from ..local.cpu_share import INDEPENDENT
from ..session.cell import Cell, Result
from ..workspace.workspace import AnySession
from .arguments import Argument, whole_number
from .base import Call, Command, Magic
from .entering import entered
from .experiments import CSV, YES, Trial, carry_out, outcome, table_file
from .repeat import MOST
from .use import OF_FLEET

RUNS, WARMUP = 10, 1


@dataclass(frozen=True)
class Met:
    """A target that is there. name: as the user wrote it; init_ms: of its environment, if it was started now."""

    name: str
    session: AnySession
    init_ms: float | None


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """The result of the first run that failed, else of the last one. Whatever ends it, its rows are shown."""
    options, workspace = call.options, call.workspace
    if not cell.code.strip():
        raise UsageError("%%compare needs a command: write it on the lines below")
    if shells := [word for word in options.targets if OF_FLEET.fullmatch(word)]:
        raise UsageError(f"{shells[0]} is a shell of %%fleet, and %%compare takes functions: leave it out")
    targets = expand(options.targets, workspace.target, workspace.emulator, functools.partial(functions, call))
    name = f"%%compare {' '.join(options.targets)}"
    if wrong := too_many(len(targets), options.runs + options.warmup):
        raise UsageError(f"{name}: {wrong}")
    with table_file(options.csv) as file:
        met = meet(call, targets)
        plan = comparison(
            name,
            [one.name for one in met],
            options.runs,
            options.warmup,
            init_ms=[one.init_ms for one in met],
            notes=notes(targets),
        )
        experiment = Experiment(plan)
        # What the runs use is no usage of a cell on the current target, and has no report line.
        carry_out(call, cell, Trial(experiment, [slot(one) for one in met], Usage()), file)
    return outcome(experiment)


def functions(call: Call, target: Target) -> list[str]:
    """The names of all where a target is. Raises errors.KernelError."""
    ask = functools.partial(call.workspace.connector.functions, target)
    return call.within_limit(ask, "functions were looked for: nothing was run")


def too_many(targets: int, runs: int) -> str:
    if targets < 2:
        return "it takes two targets or more; name one twice in order to see the noise"
    return f"that is {targets * runs:,} runs; it takes {MOST:,}" if targets * runs > MOST else ""


def slot(one: Met) -> Slot:
    return Slot(one.session, one.name, one.session.transport.region)


def meet(call: Call, targets: Iterable[tuple[str, Target]]) -> list[Met]:
    """Find out that each is there, before anything runs on any. Raises errors.KernelError."""
    targets, started = list(targets), {}
    for target in dict.fromkeys(target for _, target in targets):
        usage = Usage()
        session = entered(call, target, usage)
        started[target] = session, usage.totals.init_duration_ms if usage.totals else None
    for session, _ in started.values():
        call.workspace.costs.count_cell(session.transport.function, session.transport.region)
    return [Met(name, *started[target]) for name, target in targets]


def notes(targets: Sequence[tuple[str, Target]]) -> list[str]:
    shared = [name for name, target in targets if target.local and target.emulator.cpu != "lambda"]
    if not shared:
        return []
    names = ", ".join(dict.fromkeys(shared))
    remedy = "after `%use local --cpu lambda` local targets have Lambda's share"
    return [f"{names}: {INDEPENDENT}, since each has all of this machine's CPUs; {remedy}"]


def check(options: Namespace) -> str:
    return "" if options.runs else "--runs is 1 or more"


MAGIC = Magic(
    "compare",
    "run the cell on several functions in turn, and compare times, cost and output",
    arguments=(
        Argument(
            "targets",
            "each as for `%use`: `shell-512`, `shell:alias`, `shell@eu-north-1`, `local:512`, `local:IMAGE`; or a "
            "pattern such as `shell-*`",
            "TARGET…",
            nargs="+",
            kinds=("target",),
        ),
        Argument("--runs", f"how many on each target; the default is {RUNS}", "N", read=whole_number, default=RUNS),
        Argument(
            "--warmup",
            f"how many runs on each before, which do not count; the default is {WARMUP}",
            "K",
            read=whole_number,
            default=WARMUP,
        ),
        CSV,
        YES,
    ),
    take=take,
    check=check,
    more=(
        "Each target runs the cell in its own session. All targets are looked for first: if one is missing, nothing "
        "runs. The runs alternate between the targets. The ratio is to the first target. A difference that may be "
        "chance is called noise. Where stdout differs, the difference is shown. `%timeout` bounds all runs together."
    ),
    examples=(
        ("%%compare shell-128 shell-1769\ngzip -c /bin/bash | wc -c", "see what more memory brings, and costs"),
        ("%%compare local shell\nuname -a", "see what the emulator does otherwise"),
    ),
)
