"""The environments of a fleet's runs, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..experiments.folding import ranges
from ..experiments.row import Row
from ..experiments.statistics import known
from .figures import UNKNOWN, number, plural

HEAD = ("index", "environment", "runs", "failed", "init ms", "duration ms", "memory MB")
INDEX_CHARACTERS = 16
USUAL = {"runs": "1", "failed": "0", "init ms": UNKNOWN}  # a column that says nothing else is left out


def table(rows: Sequence[Row], *, items: bool = False) -> list[Sequence[str]]:
    """items: the runs are of items. Where Lambda chooses the environment, their indexes say nothing of it then."""
    found = environments(rows)
    columns = zip(HEAD, *(cells(name, of) for name, of in found.items()), strict=True)
    telling = [column for column in columns if {*column[1:]} != {USUAL.get(column[0])}]
    if items and any(len({row.slot for row in of}) > 1 for of in found.values()):
        telling = [column for column in telling if column[0] != "index"]
    return [*zip(*telling, strict=True)]


def environments(rows: Iterable[Row]) -> dict[str | None, list[Row]]:
    """The runs of each, in the order in which they first come."""
    found: dict[str | None, list[Row]] = {}
    for row in rows:
        found.setdefault(row.environment_id, []).append(row)
    return found


def counted(rows: Sequence[Row]) -> str:
    """Such as `8 environments, 3 of them new`. Empty if none is known: nobody knows where a run was that has not
    answered."""
    found = [row for row in rows if row.environment_id is not None]
    if not found:
        return ""
    count = len({row.environment_id for row in found})
    new = len({row.environment_id for row in found if row.cold_start})
    some = "" if len(found) == len(rows) else "known "
    text = plural(count, f"{some}environment")
    return f"{text}, {new:,} of them new" if new else text


def cells(name: str | None, rows: Sequence[Row]) -> list[str]:
    """index: as in $FLEET_INDEX; duration: of all runs together; memory: the most that any of them used. Runs that were
    interrupted have not failed."""
    failed = sum(row.outcome in ("failed", "lost") for row in rows)
    durations = known(row.duration_ms for row in rows)
    figures = (
        next(iter(known(row.init_duration_ms for row in rows)), None),
        sum(durations) if durations else None,
        max(known(row.max_memory_used_mb for row in rows), default=None),
    )
    return [
        bounded(ranges({row.slot for row in rows})),
        name or UNKNOWN,
        f"{len(rows):,}",
        f"{failed:,}",
        *map(number, figures),
    ]


def bounded(numbers: str) -> str:
    """Whole numbers of it, as many as there is room for."""
    return numbers if len(numbers) <= INDEX_CHARACTERS else f"{numbers[:INDEX_CHARACTERS].rpartition(',')[0]},…"
