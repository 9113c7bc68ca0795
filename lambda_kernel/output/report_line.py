"""The report line below a cell: what its invocations took, and what was unusual."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ..aws.error_text import LOCAL
from ..aws.usage import Usage
from ..report import Totals
from ..workspace.workspace import ReportMode, Settings
from .style import SMALL, at_edge

# In the line's order, with what each says, for the reference. What is unusual is not chosen: it is always told.
PARTS: Mapping[str, str] = MappingProxyType(
    {
        "duration": "Duration; the wall time if Lambda gave no figures",
        "billed": "Billed Duration",
        "memory": "Max Memory Used and Memory Size",
        "cold-start": "Init Duration of each cold start",
        "invocations": "their number, from three on",
        "directory": "the shell's working directory, when it has changed",
        "wall": "the time from the cell's start to its end",
        "cost": "an estimate in US dollars from list prices; none on the local emulator",
        "environment": "its id",
        "request": "the ids of the first and the last request",
        "place": "where the cell ran",
    }
)
FULL = frozenset(PARTS)
LINE = FULL - {"wall", "cost", "environment", "request"}
MODES: Mapping[ReportMode, Collection[str]] = MappingProxyType({"off": frozenset(), "line": LINE, "full": FULL})
FEW_INVOCATIONS = 2  # the first cell of a shell has two
LISTED = 6  # cold starts
DIRECTORY_CHARACTERS = 60
WHOLE_CHARACTERS = 56  # a shorter part stays in one line
BETWEEN = " · "
# In a narrow window it is broken between its parts, and what follows is indented.
STYLE = f"{SMALL}; padding-left: 2em; text-indent: -2em"
WHOLE = '<span style="white-space: nowrap">{}</span>'


@dataclass(frozen=True)
class CellFacts:
    """exit_code: None if it is not known, or told elsewhere. where: the cell ran. cut: how much of its output is shown,
    if not all of it; directory: the shell's, if it has changed; cost_usd: an estimate."""

    usage: Usage
    wall_ms: float
    exit_code: int | None
    where: str
    cut: str = ""
    directory: str = ""
    cost_usd: float | None = None


def chosen(settings: Settings) -> Collection[str]:
    """The names of the parts that the user wants."""
    changes = settings.report_parts
    return {name for name in PARTS if changes.get(name, name in MODES[settings.report])}


def report_data(parts: Sequence[str]) -> dict[str, str]:
    """The report as display data: a line of text, and the same in small HTML that is broken between its parts."""
    page = " ".join([*(part_html(f"{part}{BETWEEN.rstrip()}") for part in parts[:-1]), *map(part_html, parts[-1:])])
    return {"text/plain": BETWEEN.join(parts), "text/html": at_edge(page, STYLE)}


def part_html(part: str) -> str:
    text = html.escape(part)
    return WHOLE.format(text) if len(part) <= WHOLE_CHARACTERS else text


def report_line(facts: CellFacts, shown: Collection[str] = LINE) -> str:
    """Such as `6.91 ms · billed 7 ms · 82 of 128 MB · local`, and anything unusual."""
    return BETWEEN.join(report_parts(facts, shown))


def report_parts(facts: CellFacts, shown: Collection[str] = LINE) -> list[str]:
    """shown: the names of the parts that the user wants."""
    first = [text for name, text in measured(facts) if name in shown]
    rest = [text for name, text in around(facts) if name in shown]
    return [*first, *unusual(facts), *rest]


def measured(facts: CellFacts) -> Iterator[tuple[str, str]]:
    """By Lambda, as far as it gives figures."""
    totals = facts.usage.totals
    if totals is None:
        yield "duration", f"{milliseconds(facts.wall_ms)} wall time"
        return
    yield "duration", milliseconds(totals.duration_ms)
    if totals.billed_duration_ms is not None:
        yield "billed", f"billed {milliseconds(totals.billed_duration_ms)}"
    if totals.max_memory_used_mb is not None:
        size = "" if totals.memory_size_mb is None else f" of {totals.memory_size_mb}"
        yield "memory", f"{totals.max_memory_used_mb}{size} MB"
    if totals.init_duration_ms is not None:
        yield "cold-start", cold_starts(facts.usage.inits_ms, totals)


def cold_starts(inits_ms: Sequence[float], totals: Totals) -> str:
    """One, or all of them with their sum."""
    whole = milliseconds(totals.init_duration_ms or 0)
    if len(inits_ms) < 2:
        return f"cold start {whole}"
    more = ", …" if len(inits_ms) > LISTED else ""
    each = ", ".join(f"{init_ms:,.0f}" for init_ms in inits_ms[:LISTED])
    return f"{len(inits_ms):,} cold starts: {each}{more} ms, {whole} in all"


def unusual(facts: CellFacts) -> Iterator[str]:
    usage = facts.usage
    if facts.exit_code:
        yield f"exit code {facts.exit_code}"
    if facts.cut:
        yield facts.cut
    if usage.retries:
        yield "1 retry" if usage.retries == 1 else f"{usage.retries:,} retries"
    if usage.measured:
        yield "measured by the function"
    if usage.replaced:
        yield "new environment"
    if usage.restored:
        yield "state restored"


def around(facts: CellFacts) -> Iterator[tuple[str, str]]:
    """What stands around those figures."""
    usage = facts.usage
    if usage.invocations > FEW_INVOCATIONS:
        yield "invocations", f"{usage.invocations:,} invocations"
    if facts.directory:
        yield "directory", f"in {shortened(facts.directory)}"
    if usage.totals:
        yield "wall", f"{milliseconds(facts.wall_ms)} wall time"
    if facts.cost_usd is not None:
        yield "cost", f"${facts.cost_usd:.7f}"
    yield "environment", f"environment {usage.environment_id}"
    yield "request", f"request {' … '.join(usage.first_ids[:1] + usage.last_ids[-1:])}"
    yield "place", facts.where


def shortened(directory: str) -> str:
    """The end of a path says most."""
    return directory if len(directory) <= DIRECTORY_CHARACTERS else f"…{directory[1 - DIRECTORY_CHARACTERS :]}"


def place(function: str, region: str) -> str:
    return region if region == LOCAL else f"{function}, {region}"


def milliseconds(value: float) -> str:
    """Two decimals, as in Lambda's REPORT line. Longer times are in seconds or minutes."""
    if value >= 60_000:
        return f"{value / 60_000:.1f} min"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.2f}".rstrip("0").rstrip(".") + " ms"
