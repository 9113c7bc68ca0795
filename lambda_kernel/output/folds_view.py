"""Shows the outputs of an experiment's runs: equal ones once, with the runs that they came from."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ..experiments.experiment import Experiment
from ..experiments.folding import Fold, ranges
from ..experiments.plan import ITEM, Plan
from ..function.sent.display import START
from ..session.cell import CellEvent, Notice, Output, Shown, Truncated
from ..untrusted import visible
from .amount import RunTruncated
from .display import failure
from .table import Cells, aligned, page_of

SHOWN = 20  # one by one: each makes two outputs, and JupyterLab shows 50 of a cell (maxNumberOutputs)
SHOWN_BYTES = 1_000_000  # of them together, as much as a cell shows
LINES = 200  # of a table
LINE_CHARACTERS = 100
ITEM_CHARACTERS = 60
TEXT = "text-align: left; white-space: pre-wrap"
WHERE = "`%last --csv FILE` writes stdout to a file"


def outputs(experiment: Experiment) -> Iterable[CellEvent]:
    """stderr comes after stdout, and failures last. If there are many, those of one line are in a table."""
    folds = sorted(experiment.folds, key=lambda fold: (fold.ending.outcome != "ok", fold.stream == "stderr"))
    plan = experiment.plan
    if len(folds) > SHOWN:
        lines = [fold for fold in folds if line_of(fold)]
        folds = [fold for fold in folds if not line_of(fold)]
        yield from [table(lines, plan)] if lines else []
    yield from shown(folds, plan.unit, lambda fold: heading(fold, plan, len(experiment.rows)))
    if unkept := experiment.folds.unkept:
        yield Notice(f"{named(unkept, plan.unit)}: other outputs, for which there was no room", "runs")


def shown(folds: Sequence[Fold], unit: str, heading: Callable[[Fold], str]) -> Iterator[CellEvent]:
    """The first of them. The first one of all has the bound of a cell."""
    left: list[int] = []
    room = SHOWN_BYTES
    for number, fold in enumerate(folds):
        if number >= SHOWN or (number and len(fold.data) > room):
            left += fold.runs
            continue
        room -= len(fold.data)
        yield Notice(heading(fold), "runs")
        if fold.data:
            yield Output(fold.stream, fold.data)
        yield from gap(fold)
    if left:
        yield Notice(f"{named({*left}, unit)}: other outputs, which are not shown. {WHERE}", "runs")


def named(runs: Collection[int], unit: str) -> str:
    return f"{unit}{'s' if len(runs) > 1 else ''} {ranges(runs)}"


def gap(fold: Fold) -> Iterator[Truncated]:
    """What of it was left out."""
    if left_out := fold.left_out:
        yield RunTruncated(left_out.bytes, left_out.lines, left_out.jobs)


def heading(fold: Fold, plan: Plan, total: int) -> str:
    count, ending = len(fold.runs), fold.ending
    item = item_of(fold, plan)
    which = named(fold.runs, plan.unit)
    whose = f"{which}{item and f' ({item})'}" if count == 1 else f"{which}: {count:,} of {total:,}"
    how = {"ok": "", "failed": failure(ending.exit_code or 0)}.get(ending.outcome, ending.outcome)
    what = {"stdout": "", "stderr": "stderr"}.get(fold.stream, "no output")
    return ", ".join(filter(None, (whose, how, what)))


def item_of(fold: Fold, plan: Plan) -> str:
    """The item of `--map`, if the output came from one run."""
    if plan.unit != "item" or len(fold.runs) > 1:
        return ""
    return visible(plan.runs[fold.runs[0] - 1].variables[ITEM], ITEM_CHARACTERS)


def line_of(fold: Fold) -> str:
    """What a run that ended well wrote to stdout, if that is one line, and shows nothing but text."""
    if START.encode() in fold.data:
        return ""
    text = fold.data.decode("utf-8", "replace").removesuffix("\n")
    brief = fold.stream == "stdout" and fold.ending.outcome == "ok" and not fold.left_out
    return visible(text, LINE_CHARACTERS) if brief and "\n" not in text and len(text) <= LINE_CHARACTERS else ""


def table(folds: Sequence[Fold], plan: Plan) -> Shown:
    """The line of each."""
    items = ("item",) if plan.unit == "item" else ()
    head = (f"{plan.unit}s", *items, "stdout")
    rows = [(ranges(fold.runs), *(item_of(fold, plan) for _ in items), line_of(fold)) for fold in folds[:LINES]]
    cells: Cells = [head, *rows]
    more = f"and {len(folds) - LINES:,} other outputs. {WHERE}" if len(folds) > LINES else ""
    text = "\n".join(filter(None, (*aligned(cells), more)))
    return Shown(uuid.uuid4().hex, {"text/plain": text, "text/html": page_of(cells, TEXT) + more})
