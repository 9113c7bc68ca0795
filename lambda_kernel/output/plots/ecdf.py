"""How times are distributed: for each time, the share of the runs that took at most so long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...experiments.row import Row
from ...experiments.statistics import values_of
from ...untrusted import visible
from . import characters
from .plot import COLOURS, DASHES, LEGEND, NUMBER, Plot, Spec, amount, coloured, share_axis, specification, time_axis
from .units import Unit, logarithmic, spoken, unit

NAME = 40  # characters
FEWEST = 5  # runs: of fewer the table says it all
POINTS = 200  # of a figure, however many runs there were
DOTS = 60  # runs that are shown one by one
HEIGHT = 300
FIGURES = {
    "init_duration_ms": "Init Duration",
    "restore_duration_ms": "Restore Duration",
    "duration_ms": "Duration",
    "wall_ms": "wall time",
}
CURVE = {"type": "line", "interpolate": "step-after", "strokeWidth": 2}


def plot(name: str, rows: Sequence[Row], columns: int = characters.COLUMNS) -> Plot | None:
    """Of the runs that came to their end. name: of the experiment; columns: as characters.room tells. None: there are
    too few to draw."""
    of = {label: values_of(rows, name) for name, label in FIGURES.items()}
    of = {label: ordered for label, ordered in of.items() if len(ordered) >= FEWEST}
    return curves(name, of, columns) if of else None


def of_targets(name: str, times: Mapping[str, Sequence[float]], columns: int = characters.COLUMNS) -> Plot | None:
    """times: in ms and in order, by target. None: there are too few to draw, or too many to tell apart."""
    of = {visible(target, NAME): ordered for target, ordered in times.items()}
    drawable = 1 < len(of) <= len(COLOURS) and all(len(ordered) >= FEWEST for ordered in of.values())
    return curves(name, of, columns, "target") if drawable else None


def curves(name: str, of: Mapping[str, Sequence[float]], columns: int, what: str = "figure") -> Plot:
    """of: times in ms and in order, by what they are of."""
    every = sorted(value for ordered in of.values() for value in ordered)
    return Plot(spec(name, of, every, what), text(of, every, columns))


def spec(name: str, of: Mapping[str, Sequence[float]], every: Sequence[float], what: str) -> Spec:
    scaled, log = unit(every[-1]), logarithmic(every)
    dots = all(len(ordered) <= DOTS for ordered in of.values())
    tooltip = [
        {"field": "figure", "title": what},
        amount("time", f"time ({scaled.name})", format=NUMBER),
        amount("share", "share of runs", format=".1%"),
    ]
    dash = {"field": "figure", "type": "nominal", "scale": {"domain": [*of], "range": [*DASHES]}, **LEGEND}
    runs = {
        "transform": [{"filter": "datum.share > 0"}],
        "mark": {"type": "circle", "size": 30, "opacity": 1 if dots else 0},
        "encoding": {"tooltip": tooltip},
    }
    return specification(
        f"How long the runs took: {name}",
        "Share of the runs that took at most this long",
        HEIGHT,
        {
            "data": {"values": points(of, scaled)},
            "encoding": {
                "x": time_axis("time", "time", scaled, log=log),
                "y": share_axis("share of runs", [0, 0.25, 0.5, 0.75, 0.9, 1]),
                "color": coloured("figure", [*of]),
            },
            "layer": [{"mark": CURVE, "encoding": {"strokeDash": dash}}, runs],
        },
    )


def points(of: Mapping[str, Sequence[float]], scaled: Unit) -> list[Spec]:
    """Where the curves step. They begin below the smallest value."""
    made = []
    for label, ordered in of.items():
        steps = [(ordered[0], 0.0), *((ordered[rank - 1], rank / len(ordered)) for rank in ranks(len(ordered)))]
        made += [{"figure": label, "time": scaled.of(value), "share": round(share, 4)} for value, share in steps]
    return made


def ranks(count: int) -> list[int]:
    """From 1 to count, at most POINTS of them, evenly."""
    number = min(count, POINTS)
    return [-(-index * count // number) for index in range(1, number + 1)]


def text(of: Mapping[str, Sequence[float]], every: Sequence[float], columns: int) -> str:
    ruler = characters.Ruler(every[0], every[-1], logarithmic(every), columns)
    rows = [characters.row(label, characters.histogram(ordered, ruler)) for label, ordered in of.items()]
    high = f"{'logarithmic, ' if ruler.log else ''}{spoken(every[-1])}"
    return "\n".join([*rows, *characters.axis(spoken(every[0]), high, columns)])
