"""When which environment was at work: a row for each, from the first run's start on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...experiments.row import Row
from ...untrusted import visible
from . import characters
from .plot import BLUE, NUMBER, PURPLE, VERMILLION, Plot, Spec, amount, coloured, specification, time_axis
from .units import spoken, unit

T = TypeVar("T")
MOST = 1_000  # bars
FINEST = 1 / 500  # of the whole time, about a pixel: a shorter pause between two runs could not be seen
ROOM = 18  # pixels for an environment, if there are few
HEIGHT = 480  # of all of them
BORDERS = 130  # the title, the legend and the time axis
NAMED = 40  # environments: more have no room for names
LINES = 20  # of text
ID = 8  # characters of an environment's name that are shown
SHORT = f"slice(datum.label, 0, {ID})"
ENDS = {"ok": BLUE, "failed": VERMILLION, "lost, interrupted or timed out": PURPLE}
ITEM = 40  # characters
UNKNOWN = "-"
ONE, SEVERAL = "A bar is a run", "A bar is a run, or several that follow each other closely"
DIAMOND = "a diamond is a cold start"
COLD = {"fill": "white", "stroke": BLUE, "strokeWidth": 1.5, "opacity": 1}  # seen on a bar and on any page


def plot(name: str, rows: Sequence[Row], columns: int = characters.COLUMNS) -> Plot | None:
    """name: of the experiment; columns: as characters.room tells. Environments are in the order of their first runs.
    None: there are no runs, or nobody knows of any where it was."""
    if all(row.environment_id is None for row in rows):
        return None
    runs = sorted(rows, key=lambda row: row.start)
    begin = runs[0].began
    bars = [bar(row, (row.began - begin).total_seconds() * 1000) for row in runs]
    last_ms = max(one["end"] for one in bars)
    what = ONE
    if len(bars) > MOST:
        bars, what = joined(bars, last_ms * FINEST), SEVERAL
    shown = thinned(bars)
    left_out = f" ({len(shown):,} of {len(bars):,} are drawn, evenly chosen)" if len(shown) < len(bars) else ""
    drawn = spec(f"When which environment was at work: {name}", f"{what}{left_out}; {DIAMOND}", shown, last_ms)
    return Plot(drawn, text(bars, last_ms, columns))


def thinned(bars: Sequence[Spec]) -> Sequence[Spec]:
    """Evenly from each environment, and at least its first: where runs take turns, every third may be those of a third
    of the environments."""
    if len(bars) <= MOST:
        return bars
    of: dict[str, list[Spec]] = {}
    for one in bars:
        of.setdefault(one["environment"], []).append(one)
    chosen = evenly([*of.values()], MOST)
    return [one for own in chosen for one in evenly(own, max(len(own) * MOST // len(bars), 1))]


def evenly(values: Sequence[T], most: int) -> Sequence[T]:
    return [values[index * len(values) // most] for index in range(most)] if len(values) > most else values


def names_of(bars: Sequence[Spec]) -> list[str]:
    return list(dict.fromkeys(bar["environment"] for bar in bars))


def joined(bars: Sequence[Spec], pause_ms: float) -> list[Spec]:
    """Runs of an environment that ended alike are one bar if there was no longer pause between them."""
    found: list[list[Spec]] = []
    last: dict[str, list[Spec]] = {}  # by environment
    for one in bars:
        before = last.get(one["environment"])
        if before and not one["cold"] and follows(one, before[-1], pause_ms):
            before.append(one)
        else:
            found.append([one])
            last[one["environment"]] = found[-1]
    return [whole(runs) for runs in found]


def follows(one: Spec, before: Spec, pause_ms: float) -> bool:
    return bool(one["ended"] == before["ended"] and one["begin"] - before["end"] <= pause_ms)


def whole(runs: Sequence[Spec]) -> Spec:
    more = f" and {len(runs) - 1:,} more" if len(runs) > 1 else ""
    return {**runs[0], "end": max(run["end"] for run in runs), "run": f"{runs[0]['run']}{more}"}


def bar(row: Row, begin_ms: float) -> Spec:
    return {
        "environment": visible(row.environment_id or UNKNOWN, 40),
        "run": named(row),
        "begin": begin_ms,
        "end": begin_ms + row.wall_ms,
        "ended": row.outcome if row.outcome in ENDS else [*ENDS][-1],
        "cold": row.cold_start,
    }


def named(row: Row) -> str:
    """A run of `--map` by its number and item, another one by its slot, as above the outputs."""
    return f"{row.slot}" if row.item is None else f"{row.repetition} ({visible(row.item, ITEM)})"


def spec(title: str, subtitle: str, bars: Sequence[Spec], last_ms: float) -> Spec:
    """last_ms: when the last run ended, whether it is drawn or not."""
    names, scaled = names_of(bars), unit(last_ms)
    room = min(ROOM, HEIGHT / len(names))
    values = [one | {"begin": scaled.of(one["begin"]), "end": scaled.of(one["end"])} for one in bars]
    tooltip = [
        *({"field": field, "title": field} for field in ("environment", "run", "ended")),
        *(amount(field, f"{field} ({scaled.name})", format=NUMBER) for field in ("begin", "end")),
        {"field": "cold", "title": "cold start"},
    ]
    cold = {
        "transform": [{"filter": "datum.cold"}],
        "mark": {"type": "point", "shape": "diamond", "size": max(room * 4, 6), **COLD},
        "encoding": {"tooltip": tooltip},
    }
    x = time_axis("begin", "time", scaled, grid=True)
    x["scale"]["domain"] = [0, scaled.of(last_ms)]
    body = {
        "data": {"values": values},
        "encoding": {"x": x, "y": environments(names)},
        "layer": [runs(bars, tooltip), cold],
    }
    return specification(title, subtitle, round(len(names) * room) + BORDERS, body)


def environments(names: Sequence[str]) -> Spec:
    many = len(names) > NAMED
    axis = {"labels": not many, "labelExpr": SHORT, "ticks": False, "domain": False, "grid": False}
    title = f"environment ({len(names):,})" if many else "environment"
    return {"field": "environment", "type": "nominal", "sort": None, "title": title, "axis": axis}


def runs(bars: Sequence[Spec], tooltip: Sequence[Spec]) -> Spec:
    met = {one["ended"] for one in bars}
    found = {ended: colour for ended, colour in ENDS.items() if ended in met}
    colour = coloured("ended", [*found], [*found.values()])
    colour["legend"] = {"symbolType": "square", "symbolStrokeWidth": 0, "symbolSize": 120}
    mark = {"type": "bar", "height": {"band": 0.7}, "minBandSize": 2, "cornerRadius": 3}
    return {"mark": mark, "encoding": {"x2": {"field": "end"}, "color": colour, "tooltip": tooltip}}


def text(bars: Sequence[Spec], last_ms: float, columns: int) -> str:
    names, ruler = names_of(bars), characters.Ruler(0, last_ms, columns=columns)
    lines = {name: [" "] * columns for name in names[:LINES]}
    for one in bars:
        if line := lines.get(one["environment"]):
            begin, end = ruler.column(one["begin"]), ruler.column(one["end"])
            line[begin : end + 1] = ("█" if one["ended"] == "ok" else "x") * (end + 1 - begin)
            if one["cold"]:
                line[begin] = "◆"
    more = [f"and {len(names) - LINES:,} more environments"] if len(names) > LINES else []
    rows = [characters.row(name[:ID], "".join(line)) for name, line in lines.items()]
    return "\n".join([*rows, *characters.axis("0", spoken(last_ms), columns), *more])
