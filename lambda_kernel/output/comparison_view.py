"""Shows a comparison: a row for each target, and where their outputs differ."""

from __future__ import annotations

import difflib
import random
from collections.abc import Iterator, Sequence
from itertools import islice

from ..experiments.comparison import Comparison, Figures, figures, ratios
from ..experiments.curve import MARKS, Point, curve
from ..experiments.displays import digest
from ..experiments.experiment import Experiment
from ..experiments.folding import Fold, Folds
from ..experiments.row import Row
from ..experiments.statistics import FEWEST, REPLICATES, SEED, Ratio
from ..session.cell import CellEvent, Notice, Output
from .display import failure
from .figures import UNKNOWN, number
from .folds_view import gap, shown
from .rich_display import as_text
from .runs_view import problems, unsaved
from .table import Cells, described

DIFF_LINES = 100
# difflib takes quadratic time.
COMPARED_LINES, COMPARED_BYTES = 2_000, 200_000
HEAD = ("target", "runs", "median ms", "p95 ms", "min ms", "ratio", "init ms", "memory MB", "$/million", "output")
# A column that says nothing else is left out. Where stdout is the same, the line above it says so.
USUAL = {"init ms": {UNKNOWN}, "memory MB": {UNKNOWN}, "$/million": {UNKNOWN}, "output": {"", "same"}}


def table(experiment: Experiment, plan: Comparison, *, in_file: bool) -> dict[str, str]:
    """in_file: a CSV file has all rows."""
    rows = experiment.rows
    of, points = figures(rows, plan.init_ms, plan.targets), curve(rows)
    randomness = random.Random(SEED)
    head = f"{plan.name}: {len(rows):,} of {len(plan.runs):,} runs{problems(experiment)}"
    found = zip(of, ratios(rows, randomness, len(of)), strict=True)
    cells = telling([HEAD, *(row_cells(*one) for one in found)])
    notes = [text for text in (*explained(of, rows), *best(points, of), *plan.notes, unsaved(rows, in_file)) if text]
    return described(head, cells, notes)


def telling(cells: Cells) -> Cells:
    columns = [column for column in zip(*cells, strict=True) if not {*column[1:]} <= USUAL.get(column[0], set())]
    return [*zip(*columns, strict=True)]


def row_cells(one: Figures, ratio: Ratio | None) -> list[str]:
    memory = f"{one.used_mb or UNKNOWN} of {one.memory_mb}" if one.memory_mb else UNKNOWN
    return [
        one.target,
        f"{one.runs:,}" if one.runs == one.planned else f"{one.runs:,} of {one.planned:,}",
        *map(number, (one.median_ms, one.p95_ms, one.min_ms)),
        "" if one.slot == 0 else ratio_text(ratio),
        number(one.init_ms),
        memory,
        UNKNOWN if one.million_usd is None else f"{one.million_usd:,.2f}",
        one.output,
    ]


def ratio_text(ratio: Ratio | None) -> str:
    if ratio is None:
        return UNKNOWN
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.2f}"
    return f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f}){', noise' if ratio.noise else ''}"


def explained(of: Sequence[Figures], rows: Sequence[Row]) -> Iterator[str]:
    if len(of) > 1 and min(one.runs for one in of) >= FEWEST:
        yield (
            f"ratio: of the medians to the first target's, with where it lies in 95 of 100 cases (bootstrap, "
            f"{REPLICATES:,} samples); noise: it may as well be 1"
        )
    elif len(of) > 1:
        yield f"ratio: of the medians to the first target's; it takes {FEWEST} runs on each to tell it from noise"
    if any(one.runs < one.planned for one in of):
        yield "runs that failed, were lost or were ended early do not count in the figures"
    if any(row.repetition < 1 for row in rows):
        yield "runs for warming up do not count; their rows have the repetitions 0 and less"
    if any(one.output == "varies" for one in of):
        yield "output: where it varies from run to run of one target, it tells nothing of the targets"


def best(points: Sequence[Point], of: Sequence[Figures]) -> Iterator[str]:
    """Which targets are best at what."""
    if len(points) < 2:
        return
    if min(one.runs for one in of if one.slot in {point.slot for point in points}) < FEWEST:
        yield f"cheapest, fastest, balanced: it takes {FEWEST} runs on each to tell them from noise"
        return
    named = {mark: [point.target for point in points if mark in point.marks] for mark in MARKS}
    yield "; ".join(f"{mark}: {' or '.join(names) or 'by these runs it may be any'}" for mark, names in named.items())


def outputs(experiment: Experiment) -> Iterator[CellEvent]:
    """The first target's usual output, what differs from it elsewhere, and what failed."""
    of, texts = figures(experiment.rows), kept(experiment.folds)
    first = of[0]
    if (text := texts.get(first.usual or "")) is not None:
        same = [one.target for one in of[1:] if one.usual == first.usual]
        yield Notice(f"stdout on {first.target}{also(same)}{'' if text else ': none'}", "runs")
        yield from [Output("stdout", text)] if text else []
        for fold in experiment.folds:
            if fold.stream == "stdout" and fold.ending.outcome == "ok" and fold.data == text:
                yield from gap(fold)
    for one in of[1:]:
        if first.usual and one.usual and one.usual != first.usual:
            yield Notice(f"stdout on {one.target} differs from that on {first.target}", "runs")
            yield Output("stdout", difference(texts.get(first.usual), texts.get(one.usual), first.target, one.target))
    yield from failures(experiment)


def also(targets: Sequence[str]) -> str:
    return f", and the same on {', '.join(targets)}" if targets else ""


def kept(folds: Folds) -> dict[str, bytes]:
    """What was written to stdout, by its digest. Outputs beyond the bound were not kept."""
    written = [fold.data for fold in folds if fold.stream == "stdout"]
    return {digest(data): data for data in (b"", *written)}


def difference(one: bytes | None, two: bytes | None, name: str, other: str) -> bytes:
    """As `diff -u` writes it."""
    if one is None or two is None or max(len(one), len(two)) > COMPARED_BYTES:
        return b"(too long to be compared here)\n"
    before, after = ([mended(line) for line in text.splitlines(keepends=True)] for text in (as_text(one), as_text(two)))
    if max(len(before), len(after)) > COMPARED_LINES:
        return b"(too long to be compared here)\n"
    names = (name.encode(), other.encode())
    lines = difflib.diff_bytes(difflib.unified_diff, before, after, *names, lineterm=b"\n")
    shown = list(islice(lines, DIFF_LINES + 1))
    return b"".join(shown[:DIFF_LINES]) + (b"(and more)\n" if len(shown) > DIFF_LINES else b"")


def mended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def failures(experiment: Experiment) -> Iterator[CellEvent]:
    """What was written by runs that failed, once each, and stderr of the others."""
    folds = [fold for fold in experiment.folds if fold.ending.outcome != "ok" or fold.stream == "stderr"]
    folds.sort(key=lambda fold: fold.ending.outcome != "ok")
    yield from shown(folds, experiment.plan.unit, lambda fold: heading(fold, experiment))


def heading(fold: Fold, experiment: Experiment) -> str:
    ending, where = fold.ending, f"on {', '.join(sources(fold, experiment))}"
    what = fold.stream or "no output"
    if ending.outcome == "ok":
        return f"{what} {where}"
    how = failure(ending.exit_code) if ending.exit_code else ending.outcome
    return f"{how} {where}: {what}"


def sources(fold: Fold, experiment: Experiment) -> list[str]:
    """The targets that the output came from."""
    number, runs = experiment.plan.number, {*fold.runs}
    return list(dict.fromkeys(row.target for row in experiment.rows if number(row.slot, row.repetition) in runs))
