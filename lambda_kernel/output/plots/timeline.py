"""When which environment was at work: a row for each, from the first run's start on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...experiments.row import Row
from ...untrusted import visible
from . import characters
from .plot import BLUE, NUMBER, PURPLE, VERMILLION, Plot, Spec, amount, coloured, specification, time_axis
from .units import Unit, spoken, unit

MOST = 1_000  # runs
ROOM = 18  # pixels for an environment, if there are few
HEIGHT = 480  # of all of them
BORDERS = 130  # the title, the legend and the time axis
NAMED = 40  # environments: more have no room for names
LINES = 20  # of text
ID = 8  # characters of an environment's name that are shown
SHORT = f"slice(datum.label, 0, {ID})"
ENDS = {"ok": BLUE, "failed": VERMILLION, "lost, interrupted or timed out": PURPLE}
UNKNOWN = "-"
COLD = {"fill": "white", "stroke": BLUE, "strokeWidth": 1.5, "opacity": 1}  # seen on a bar and on any page


def plot(name: str, rows: Sequence[Row], columns: int = characters.COLUMNS) -> Plot | None:
    """Of the first thousand runs. name: of the experiment; columns: as characters.room tells. Environments are in the
    order of their first runs. None: there is none to draw, or nobody knows of any where it was."""
    drawn = sorted(rows[:MOST], key=lambda row: row.start)
    if all(row.environment_id is None for row in drawn):
        return None
    begin = moment(drawn[0])
    bars = [bar(row, (moment(row) - begin).total_seconds() * 1000) for row in drawn]
    names = list(dict.fromkeys(bar["environment"] for bar in bars))
    last = max(bar["end"] for bar in bars)
    return Plot(spec(name, bars, names, unit(last)), text(bars, names, last, columns))


def moment(row: Row) -> datetime:
    return datetime.fromisoformat(row.start.replace("Z", "+00:00"))  # Python 3.10 knows no Z


def bar(row: Row, begin_ms: float) -> Spec:
    return {
        "environment": visible(row.environment_id or UNKNOWN, 40),
        "run": row.repetition,
        "begin": begin_ms,
        "end": begin_ms + row.wall_ms,
        "ended": row.outcome if row.outcome in ENDS else [*ENDS][-1],
        "cold": row.cold_start,
    }


def spec(name: str, bars: Sequence[Spec], names: Sequence[str], scaled: Unit) -> Spec:
    room = min(ROOM, HEIGHT / len(names))
    values = [one | {"begin": scaled.of(one["begin"]), "end": scaled.of(one["end"])} for one in bars]
    told = [
        *({"field": field, "title": field} for field in ("environment", "run", "ended")),
        *(amount(field, f"{field} ({scaled.name})", format=NUMBER) for field in ("begin", "end")),
        {"field": "cold", "title": "cold start"},
    ]
    cold = {
        "transform": [{"filter": "datum.cold"}],
        "mark": {"type": "point", "shape": "diamond", "size": max(room * 4, 6), **COLD},
        "encoding": {"tooltip": told},
    }
    body = {
        "data": {"values": values},
        "encoding": {"x": time_axis("begin", "time", scaled, grid=True), "y": environments(names)},
        "layer": [runs(bars, told), cold],
    }
    title = f"When which environment was at work: {name}"
    return specification(title, "A bar is a run; a diamond is a cold start", round(len(names) * room) + BORDERS, body)


def environments(names: Sequence[str]) -> Spec:
    many = len(names) > NAMED
    axis = {"labels": not many, "labelExpr": SHORT, "ticks": False, "domain": False, "grid": False}
    title = f"environment ({len(names):,})" if many else "environment"
    return {"field": "environment", "type": "nominal", "sort": None, "title": title, "axis": axis}


def runs(bars: Sequence[Spec], told: Sequence[Spec]) -> Spec:
    met = {one["ended"] for one in bars}
    found = {ended: colour for ended, colour in ENDS.items() if ended in met}
    colour = coloured("ended", [*found], [*found.values()])
    colour["legend"] = {"symbolType": "square", "symbolStrokeWidth": 0, "symbolSize": 120}
    mark = {"type": "bar", "height": {"band": 0.7}, "minBandSize": 2, "cornerRadius": 3}
    return {"mark": mark, "encoding": {"x2": {"field": "end"}, "color": colour, "tooltip": told}}


def text(bars: Sequence[Spec], names: Sequence[str], last: float, columns: int) -> str:
    ruler = characters.Ruler(0, last, columns=columns)
    lines = {name: [" "] * columns for name in names[:LINES]}
    for one in bars:
        if line := lines.get(one["environment"]):
            begin, end = ruler.column(one["begin"]), ruler.column(one["end"])
            line[begin : end + 1] = ("█" if one["ended"] == "ok" else "x") * (end + 1 - begin)
            if one["cold"]:
                line[begin] = "◆"
    more = [f"and {len(names) - LINES:,} more environments"] if len(names) > LINES else []
    rows = [characters.row(name[:ID], "".join(line)) for name, line in lines.items()]
    return "\n".join([*rows, *characters.axis("0", spoken(last), columns), *more])
