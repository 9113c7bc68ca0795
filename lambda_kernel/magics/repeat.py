"""%%repeat: a cell many times, in this session or each in a new environment. %last: its rows again."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import dataclass, replace

from ..errors import ShellPerCommand, UsageError
from ..experiments.engine import Slot
from ..experiments.experiment import Experiment
from ..experiments.plan import Plan, repetitions
from ..experiments.survival import IdlePlan, idle
from ..output.figures import duration
from ..session.cell import Cell, Notice, Result
from ..session.context import Context
from ..session.session import Session
from .arguments import LONGEST_SPAN, UNITS, Argument, time_span, whole_number
from .base import Call, Command, Magic
from .entering import entered
from .experiments import CSV, YES, Trial, carry_out, outcome, show_plot, shown_table, table_file

MOST = 10_000


def take(call: Call, cell: Cell, command: Command) -> Result | None:
    """The result of the first run that failed, else of the last one. Whatever ends it, its rows are shown."""
    options, workspace = call.options, call.workspace
    code = cell.code if cell.code.strip() or not options.idle else ":"
    if not code.strip() and not options.cold:
        raise UsageError(
            "%%repeat needs a command: write it on the lines below (only with --cold or --idle there may be none)"
        )
    plan = plan_of(options)
    with table_file(options.csv) as file:
        transport = workspace.enter(call.emit, call.control).transport
        if isinstance(plan, IdlePlan):
            begin_idle(call, plan)
        here = Slot(Here(call, command), workspace.target.function, transport.region, cell.variables)
        experiment = Experiment(plan)
        carry_out(call, replace(cell, code=code), Trial(experiment, [here], call.usage), file)
    return outcome(experiment)


def plan_of(options: Namespace) -> Plan:
    if options.idle:
        return idle(f"%%repeat {options.n} --idle {','.join(map(written, options.idle))}", options.n, options.idle)
    name = f"%%repeat {options.n}{' --cold' if options.cold else ''}"
    return repetitions(name, options.n, options.d, options.cold)


def begin_idle(call: Call, plan: IdlePlan) -> None:
    """Say how long it takes. Raises UsageError if nothing can be learnt."""
    if not isinstance(entered(call, call.workspace.target, call.usage), Session):
        raise UsageError("--idle: the 2018 article's function does not tell which environment answers")
    whole = duration(plan.pause_seconds)
    call.emit(Notice(f"{len(plan.runs):,} runs, with pauses of {whole} in all. An interrupt keeps the table", "runs"))


@dataclass(frozen=True)
class Here:
    """The current target's session as an engine's place. It may turn out to be the 2018 article's function."""

    call: Call
    command: Command

    def run(self, cell: Cell, context: Context) -> Result:
        return self.command(cell, context.emit, context.usage)

    def reset(self, context: Context, cold: bool = False) -> None:
        try:
            self.call.workspace.session().reset(context, cold)
        except ShellPerCommand:
            self.call.workspace.use_article().reset(context, cold)

    def leave(self) -> None:
        self.call.workspace.session().leave()


def last(call: Call) -> str:
    experiment = call.workspace.experiment
    if experiment is None or not experiment.rows:
        return "No runs yet: %%repeat, %%fleet and %%compare make some.\n"
    with table_file(call.options.csv) as file:
        if file:
            file.add(experiment.rows)
    call.emit(shown_table(experiment, in_file=file is not None))
    show_plot(experiment, call)
    return f"{rows_in(len(experiment.rows))} written to {file.name}\n" if file else ""


def rows_in(count: int) -> str:
    return "1 row was" if count == 1 else f"{count:,} rows were"


def pause(word: str) -> float:
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", word) or float(word) > LONGEST_SPAN:
        raise ValueError("seconds, up to 86,400")
    return float(word)


def pauses(word: str) -> tuple[float, ...]:
    try:
        return tuple(map(time_span, word.split(",")))
    except ValueError:
        raise ValueError("pauses such as `90s,5m,2h`, each up to `24h`") from None


def written(pause: float) -> str:
    """As `pauses` reads it."""
    unit = next(unit for unit in ("h", "m", "s") if not pause % UNITS[unit])
    return f"{pause / UNITS[unit]:g}{unit}"


def check(options: Namespace) -> str:
    if options.idle and (options.cold or options.d):
        return "--idle has pauses of its own, and looks for the same environment: leave -d and --cold out"
    runs = options.n * len(options.idle) + 1 if options.idle else options.n
    return "" if options.n and runs <= MOST else f"it takes 1 to {MOST:,} runs; not {runs if options.n else 0}"


MAGIC = Magic(
    "repeat",
    "run the cell many times, and show the distribution of its times",
    arguments=(
        Argument("n", f"how many runs, 1 to {MOST:,}", "N", read=whole_number),
        Argument("-d", "the pause between two runs; the default is 0", "SECONDS", read=pause, default=0.0),
        Argument("--cold", "each run in a new execution environment; the lines below may be empty then"),
        Argument(
            "--idle",
            "N runs after each of these pauses (`s`, `m`, `h`), to see whether the environment is still the same",
            "PAUSE,…",
            read=pauses,
        ),
        CSV,
        YES,
    ),
    take=take,
    check=check,
    more=(
        "Equal outputs are shown once. A run that fails does not stop the others; the cell fails at the end, unless "
        "`%exit-status ignore` is set. An interrupt ends it and keeps the rows. `%timeout` bounds all runs together."
    ),
    examples=(
        ("%%repeat --cold 20", "see how long cold starts take"),
        ("%%repeat 3 --idle 1m,10m,30m,1h", "see when an idle environment ends"),
        ("%%repeat 100 --csv ~/runs.csv\ngzip -c /bin/bash | wc -c", "measure a command, with all rows in a file"),
    ),
)
LAST = Magic(
    "last",
    "show the last experiment's table again",
    last,
    (CSV,),
    examples=(("%last --csv ~/runs.csv", "write them to a file afterwards"),),
)
