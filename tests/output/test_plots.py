"""Plots of experiments"""

from __future__ import annotations

import html
import importlib.util
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.experiments.comparison import comparison
from lambda_kernel.experiments.curve import MARKS, Mark, Point
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.plan import fleet, repetitions
from lambda_kernel.experiments.row import Row
from lambda_kernel.experiments.survival import idle
from lambda_kernel.output import runs_plot
from lambda_kernel.output.plots import cost, ecdf, labels, plot, show, still, survival, timeline
from lambda_kernel.output.plots.plot import Plot, Spec
from lambda_kernel.output.plots.survival import Pause
from lambda_kernel.output.plots.units import logarithmic, unit
from lambda_kernel.session.cell import CellEvent, Notice, Shown, ThreadControl
from tests.browser.test_jupyterlab import contrast
from tests.support.rows import ROW

HOSTILE = "\x1b[2Jhttp://example.com/<img src=x>" + "x" * 500


def repeated(count: int, **figures: Any) -> list[Row]:
    """Runs of 10, 11, 12... ms."""
    return [replace(ROW, repetition=n + 1, duration_ms=10.0 + n, wall_ms=20.0 + n, **figures) for n in range(count)]


def at(milliseconds: int, environment: str | None, **more: Any) -> Row:
    start = f"2026-01-02T03:04:{milliseconds // 1000:02}.{milliseconds % 1000:03}Z"
    return replace(ROW, start=start, environment_id=environment, wall_ms=100.0, **more)


def point(target: str, duration_ms: float, usd: float, low_ms: float, high_ms: float, *marks: Mark) -> Point:
    return Point(0, target, 128, duration_ms, low_ms, high_ms, usd, marks)


def made(found: Plot | None) -> Plot:
    assert found is not None
    return found


def subtitle(found: Plot) -> str:
    return " ".join(found.spec["title"]["subtitle"])


def values(found: Plot | None) -> list[dict[str, Any]]:
    return list(made(found).spec["data"]["values"])


PLOTS = {
    "few runs": made(ecdf.plot("%%repeat 5", repeated(5, init_duration_ms=None))),
    "many runs": made(ecdf.plot("%%repeat 10000", repeated(10_000, restore_duration_ms=3.0))),
    "timeline": made(timeline.plot("%%fleet 2", [at(0, HOSTILE), at(90, None, outcome="lost")])),
    "large timeline": made(timeline.plot("%%fleet 900", [at(n, f"{n:032x}", outcome="failed") for n in range(900)])),
    "long timeline": made(timeline.plot("%%fleet 9 --map f", [at(n * 9, f"{n % 9}") for n in range(3_000)])),
    "survival": made(survival.plot("--idle 1m,1h", [Pause(60, 5, 5), Pause(3600, 0, 5)])),
    "targets": made(ecdf.of_targets("%%compare", {HOSTILE: [1.0] * 5, "b": [2.0, 3, 4, 5, 60]})),
    "cost": made(cost.plot("%%compare", [point(HOSTILE, 950, 12.25, 900, 960, *MARKS), point("b", 90, 1, 80, 95)])),
}
all_plots = pytest.mark.parametrize("found", PLOTS.values(), ids=PLOTS)


def test_a_curve_has_a_step_for_each_run() -> None:
    rows = [replace(row, duration_ms=duration) for row, duration in zip(repeated(5), (3, 1, 2, 2, 9.5), strict=True)]
    steps = [(one["time"], one["share"]) for one in values(ecdf.plot("", rows)) if one["figure"] == "Duration"]
    assert steps == [(1, 0), (1, 0.2), (2, 0.4), (2, 0.6), (3, 0.8), (9.5, 1)]


def test_a_curve_of_many_runs_has_a_bound_and_both_ends() -> None:
    steps = [one for one in values(PLOTS["many runs"]) if one["figure"] == "wall time"]
    assert len(steps) == 1 + ecdf.POINTS
    assert (steps[0]["share"], steps[-1]["share"], steps[-1]["time"]) == (0, 1, 10.019)  # seconds
    assert [*steps] == sorted(steps, key=lambda one: (one["time"], one["share"]))


def test_which_runs_and_figures_have_a_curve() -> None:
    assert ecdf.plot("", repeated(4)) is None
    assert ecdf.plot("", [*repeated(4), replace(ROW, outcome="lost")]) is None
    warm = [*repeated(5, init_duration_ms=None), *repeated(4, init_duration_ms=200.0, outcome="failed")]
    assert {one["figure"] for one in values(ecdf.plot("", warm))} == {"Duration", "wall time"}


def test_units_and_scales() -> None:
    assert [unit(most).name for most in (9_999, 10_000, 119_999, 120_000, 7_200_000)] == ["ms", "s", "s", "min", "h"]
    assert [logarithmic(ends) for ends in ([1.0, 9.9], [1.0, 10.0], [0.0, 10.0])] == [False, True, False]


def test_a_curve_in_characters() -> None:
    warm = repeated(5, init_duration_ms=None)
    rows = [replace(row, duration_ms=duration) for row, duration in zip(warm, (1, 1, 1, 2, 100), strict=True)]
    title, *drawn, _, axis = made(ecdf.plot("%%repeat 5", rows)).text.splitlines()
    assert title == "How long the runs took: %%repeat 5"
    assert drawn[0] == f"{'Duration':<19}█{' ' * 8}▃{' ' * 49}▃"
    assert axis == f"{' ' * 19}1 ms{'logarithmic, 100 ms':>56}"


def test_a_timeline_begins_with_the_first_run_and_names_environments() -> None:
    rows = [at(250, "two", repetition=1), at(100, "one", outcome="timed out"), at(300, "two", cold_start=False)]
    bars = values(timeline.plot("", rows))
    assert [(bar["environment"], bar["begin"], bar["end"]) for bar in bars] == [
        *(("one", 0, 100), ("two", 150, 250), ("two", 200, 300))
    ]
    assert [(bar["ended"], bar["cold"]) for bar in bars] == [
        *(("lost, interrupted or timed out", True), ("ok", True), ("ok", False))
    ]
    one, two, *_ = made(timeline.plot("", rows)).drawn.splitlines()
    assert one.startswith("one  ")
    assert ("◆" in one, "x" in one, "◆" in two, "x" in two) == (True, True, True, False)
    assert timeline.plot("", []) is None
    assert timeline.plot("", [at(0, None, outcome="interrupted"), at(0, None, outcome="interrupted")]) is None


def test_a_large_timeline_stays_on_a_screen() -> None:
    found = PLOTS["large timeline"]
    assert found.spec["height"] == timeline.HEIGHT + timeline.BORDERS
    assert found.drawn.count("\n") == timeline.LINES + 2
    assert "and 880 more environments" in found.text


def test_a_timeline_of_many_runs_spans_them_all() -> None:
    """Twenty environments, and one that failed in between: runs in a row are one bar."""
    rows = [
        at(n * 105, f"{e}", repetition=20 * n + e, item=f"i{n}", cold_start=n == 0)
        for n in range(100)
        for e in range(20)
    ]
    rows[1_003] = replace(rows[1_003], outcome="failed")
    bars, drawn = values(timeline.plot("", rows)), made(timeline.plot("", rows))
    assert len(bars) == 22
    assert (bars[0]["begin"], bars[0]["end"], bars[0]["run"]) == (0, 10.495, "0 (i0) and 99 more")
    assert [(bar["begin"], bar["run"]) for bar in bars if bar["environment"] == "3"] == [
        *((0, "3 (i0) and 49 more"), (5.25, "1003 (i50)"), (5.355, "1023 (i51) and 48 more"))
    ]
    assert sum(bar["cold"] for bar in bars) == 20
    assert "A bar is a run, or several that follow each other closely; a diamond" in subtitle(drawn)
    assert drawn.text.endswith("10.49 s")


def test_a_run_of_a_timeline_has_the_name_that_its_output_has() -> None:
    rows = [at(0, "a", slot=7), at(9, "b", slot=0, repetition=3, item="x" * (timeline.ITEM + 1))]
    assert [bar["run"] for bar in values(timeline.plot("", rows))] == ["7", f"3 ({'x' * timeline.ITEM}…)"]


def test_a_timeline_says_how_many_of_its_bars_are_drawn() -> None:
    rows = [at(10 * n, "a", cold_start=True) for n in range(2_500)]
    bars, drawn = values(timeline.plot("", rows)), made(timeline.plot("", rows))
    assert [bar["begin"] for bar in bars[:3]] == [0, 0.02, 0.05]
    assert len(bars) == timeline.MOST
    assert "(1,000 of 2,500 are drawn, evenly chosen)" in subtitle(drawn)
    assert drawn.spec["encoding"]["x"]["scale"]["domain"] == [0, 25.09]


@pytest.mark.parametrize(("environments", "runs"), [(9, 3_000), (900, 1_100)])
def test_a_timeline_leaves_no_environment_out(environments: int, runs: int) -> None:
    """They take turns, so every third run is one of three environments."""
    rows = [at(9 * n, f"{n % environments}", cold_start=True) for n in range(runs)]
    bars = values(timeline.plot("", rows))
    assert [*dict.fromkeys(bar["environment"] for bar in bars)] == [f"{number}" for number in range(environments)]
    assert len(bars) <= timeline.MOST


def test_a_timeline_of_too_many_environments_shows_some_from_first_to_last() -> None:
    bars = values(timeline.plot("", [at(9 * n, f"{n}") for n in range(3_000)]))
    assert [bar["environment"] for bar in bars] == [f"{n}" for n in range(0, 3_000, 3)]


def test_the_interval_of_a_share() -> None:
    """The figures are those of Wilson's interval in R: prop.test(4, 5, correct = FALSE)."""
    assert survival.interval(Pause(60, 4, 5)) == pytest.approx((0.3755, 0.9638), abs=1e-4)
    assert survival.interval(Pause(60, 0, 5))[0] == 0
    assert survival.interval(Pause(60, 5, 5))[1] == 1


def test_survival_is_ordered_by_pause_and_leaves_out_what_was_not_tried() -> None:
    found = survival.plot("", [Pause(600, 1, 4), Pause(60, 4, 4), Pause(3600, 0, 0)])
    assert [(one["pause"], one["count"]) for one in values(found)] == [(1, "4 of 4"), (10, "1 of 4")]
    assert [line.split()[:2] for line in made(found).drawn.splitlines()] == [["1", "min"], ["10", "min"]]
    assert survival.plot("", [Pause(60, 1, 1), Pause(3600, 0, 0)]) is None


def test_short_pauses_are_in_seconds_as_in_the_table() -> None:
    found = made(survival.plot("", [Pause(1, 1, 1), Pause(90, 0, 1)]))
    assert [line.split("  ")[0] for line in found.drawn.splitlines()] == ["1 s", "1 min 30 s"]
    brief = made(survival.plot("", [Pause(1, 1, 1), Pause(2, 0, 1)])).spec
    assert brief["encoding"]["x"]["title"].endswith("(s)")


def test_cost_names_each_target_where_there_is_room() -> None:
    points = [point("slow", 800, 2, 790, 810), point("fast", 100, 3, 90, 110, "fastest", "cheapest")]
    found = values(cost.plot("", points))
    assert [(one["target"], one["left"], one["lower"], one["mark"]) for one in found] == [
        *(("fast: fastest, cheapest", False, -labels.LINE, "fastest"), ("slow", True, labels.LINE, ""))
    ]
    assert cost.plot("", points[:1]) is None
    assert made(cost.plot("", [point("a", 0, 0, 0, 0), point("b", 0, 0, 0, 0)])).text.count("$0.00") == 2


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 2), st.booleans(), st.booleans()), min_size=2, max_size=9))
def test_labels_of_points_that_are_close_together_do_not_cover_each_other(
    found: list[tuple[float, float, bool, bool]],
) -> None:
    near = [labels.Label("shell-1769", 240 + x, 110 + y, left, above) for x, y, left, above in found]
    boxes = [labels.box(*one) for one in zip(near, labels.placed(near, 500, 235), strict=True)]
    assert all(one.shared(other) == 0 for one, other in combinations(boxes, 2))


def test_a_label_stays_in_the_plot_if_it_can() -> None:
    corners = [labels.Label("a", x, y, x == 0, y == 0) for x in (0, 500) for y in (0, 235)]
    boxes = [labels.box(*one) for one in zip(corners, labels.placed(corners, 500, 235), strict=True)]
    assert [(box.left > 0, box.right < 500, box.top > -labels.MARGIN, box.bottom < 235) for box in boxes] == [
        (True,) * 4
    ] * 4


@pytest.fixture(scope="module")
def schema() -> Any:
    import jsonschema

    altair = importlib.util.find_spec("altair")
    if altair is None or altair.origin is None:
        pytest.skip("needs altair's schema of Vega-Lite")
    path = Path(altair.origin).parent / "vegalite/v5/schema/vega-lite-schema.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text("utf-8")))


@all_plots
def test_it_fits_vega_lite(schema: Any, found: Plot) -> None:
    few = {**found.spec, "data": {"values": values(found)[:3]}}  # they may be anything
    assert [error.json_path for spec in (few, plot.on_paper(few)) for error in schema.iter_errors(spec)] == []
    assert [*schema.iter_errors({**few, "height": "high"})]


def test_vega_draws_them_without_a_warning_and_tells_all_that_they_show() -> None:
    """Vega cuts a subtitle that is too long for its line."""
    pytest.importorskip("vl_convert")
    code = (
        "import json, sys, vl_convert\n"
        "for spec, on_paper in json.load(sys.stdin):\n"
        "    vl_convert.vegalite_to_vega(spec, vl_version='5.8', show_warnings=True)\n"
        "    print(vl_convert.vegalite_to_svg(on_paper, vl_version='5.8'))"
    )
    specs = json.dumps([(found.spec, plot.on_paper(found.spec)) for found in PLOTS.values()])
    drawn = subprocess.run([sys.executable, "-c", code], input=specs, text=True, capture_output=True, check=False)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    texts = {html.unescape(text) for text in re.findall(r">([^<>]+)</(?:text|tspan)", drawn.stdout)}
    for found in PLOTS.values():
        assert {*found.spec["title"]["subtitle"]} <= texts
        assert all(len(line) <= plot.SUBTITLE for line in found.spec["title"]["subtitle"])


@all_plots
def test_it_loads_nothing_and_names_are_data(found: Plot) -> None:
    """A scale's domain holds values of the data, too."""
    assert "://" not in json.dumps(without(found.spec, ("$schema", "data", "domain")))
    assert not {"url", "href"} & {key for key, _ in items(found.spec)}
    assert HOSTILE not in json.dumps(found.spec)
    assert found.text.replace("\n", "").isprintable()


def without(value: Any, keys: Collection[str]) -> Any:
    if isinstance(value, list):
        return [without(inner, keys) for inner in value]
    if isinstance(value, dict):
        return {key: without(inner, keys) for key, inner in value.items() if key not in keys}
    return value


def items(value: Any) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield str(key), inner
        yield from items(inner)


@all_plots
def test_its_text_fits_a_terminal(found: Plot) -> None:
    assert max(map(len, found.text.splitlines())) <= 80


@pytest.mark.parametrize("page", ["rgb(255, 255, 255)", "rgb(17, 17, 17)", "rgb(30, 30, 30)", "rgb(13, 17, 23)"])
def test_colours_can_be_seen_on_light_and_dark_pages(page: str) -> None:
    """JupyterLab's two themes, VS Code's dark one, and GitHub's (WCAG 2.1, 1.4.11: 3 for what is drawn)."""
    assert min(contrast(rgb(colour), page) for colour in plot.COLOURS) >= 3


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_words_have_the_colour_of_the_page_or_of_ink() -> None:
    assert contrast(rgb(plot.INK), rgb(plot.PAPER)) >= 7
    for found in PLOTS.values():
        live, drawn = found.spec, plot.on_paper(found.spec)
        assert (live["background"], drawn["background"]) == ("transparent", plot.PAPER)
        for spec, ink in ((live, plot.AROUND), (drawn, plot.INK)):
            named = {value for key, value in items(spec["config"]) if key.lower().endswith("color")}
            assert named == {ink}


def test_what_differs_by_colour_differs_by_form_as_well() -> None:
    assert len({*map(str, plot.DASHES)}) == len(plot.COLOURS)
    assert len({*cost.SHAPES.values()}) == len(cost.COLOURS)


def drawn(picture: bytes | None = b"PNG", available: bool = True, what: Plot | None = PLOTS["cost"]) -> list[CellEvent]:
    shown: list[CellEvent] = []

    def draw(spec: Spec, stopped: Callable[[], bool]) -> bytes:
        if picture is None:
            raise still.NotDrawn("")
        return picture

    show.show(what, shown.append, ThreadControl(), available=available, draw=draw)
    return shown


def test_a_front_end_has_the_choice() -> None:
    [shown] = drawn()
    assert isinstance(shown, Shown)
    assert {*shown.data} == {"application/vnd.vegalite.v5+json", "image/png", "text/plain"}
    assert shown.data["image/png"] == "UE5H"
    look = shown.metadata["image/png"]
    assert (look["width"], look["height"]) == (plot.WIDTH, cost.HEIGHT)
    assert look["alt"].startswith("What speed costs: %%compare. A point is")


def test_what_is_shown_where_something_is_missing() -> None:
    [shown] = drawn(picture=None)
    assert isinstance(shown, Shown)
    assert ({*shown.data}, shown.metadata) == ({"application/vnd.vegalite.v5+json", "text/plain"}, {})
    [told] = drawn(available=False)
    assert isinstance(told, Notice)
    assert "pip install 'lambda-kernel[plots]'" in told.text
    assert drawn(available=False, what=None) == drawn(what=None) == []


def test_a_front_end_of_text_needs_neither_a_picture_nor_a_library() -> None:
    emitted: list[CellEvent] = []
    show.in_characters(None, emitted.append)
    show.in_characters(PLOTS["cost"], emitted.append)
    [shown] = emitted
    assert isinstance(shown, Shown)
    assert shown.data == {"text/plain": f"\n{PLOTS['cost'].text}"}


def test_a_picture() -> None:
    pytest.importorskip("vl_convert")
    found = still.png(plot.on_paper(PLOTS["few runs"].spec))
    assert struct.unpack_from(">II", found, 16) == (2 * plot.WIDTH, 2 * ecdf.HEIGHT)
    assert len(found) < 80_000


SPEC: Spec = PLOTS["cost"].spec
ENDLESS = ("sleep", "1000")


@pytest.mark.parametrize(
    ("stopped", "seconds", "command", "why"),
    [
        (False, 0.01, ENDLESS, "more than 0.01 s"),
        (True, 1000, ENDLESS, "interrupted"),
        (False, 1000, ("sh", "-c", "echo its words; exit 1"), "its words"),
        (False, 1000, ("false",), "failed"),
        (False, 1000, ("true",), "failed"),
        (False, 1000, ("/no/such/program",), "No such file"),
    ],
)
def test_drawing_has_an_end(stopped: bool, seconds: float, command: Sequence[str], why: str) -> None:
    with pytest.raises(still.NotDrawn, match=why):
        still.png(SPEC, lambda: stopped, seconds, command)


def test_each_kind_of_experiment_has_its_plot() -> None:
    repetition = Experiment(repetitions("%%repeat 5", 5), repeated(5))
    assert made(runs_plot.plot(repetition)).spec["title"]["text"] == "How long the runs took: %%repeat 5"
    side_by_side = Experiment(fleet("%%fleet 2", 2, 2, "shell"), repeated(2))
    assert made(runs_plot.plot(side_by_side)).spec["title"]["text"].startswith("When which environment was at work")
    targets = ("a", "b")
    compared = [
        replace(ROW, target=target, slot=slot, repetition=n, duration_ms=10.0 * n + slot, cost_usd=1e-6 * (slot + 1))
        for slot, target in enumerate(targets)
        for n in (1, 1, 2, 2, 3, 3, 4, 4)
    ]
    found = values(runs_plot.plot(Experiment(comparison("%%compare a b", targets, 8), compared)))
    assert [(one["target"], one["low"], one["duration"], one["high"], one["cost"]) for one in found] == [
        ("a: cheapest, balanced", 10, 20, 30, 1),
        ("b", 11, 21, 31, 2),
    ]
    rows = [at(int(1000 * second), name, repetition=n) for n, (second, name) in enumerate(IDLE, 1)]
    found = values(runs_plot.plot(Experiment(idle("%%repeat 2 --idle 1s,2s", 2, [1, 2]), rows)))
    assert [(one["pause"], one["count"]) for one in found] == [(1, "2 of 2"), (2, "0 of 1")]


@pytest.mark.parametrize(
    ("targets", "runs", "curves"),
    [
        (("local:128", "local:512"), ecdf.FEWEST, ["local:128", "local:512"]),
        (("local", "local"), ecdf.FEWEST, ["local (1)", "local (2)"]),
        (("local:128", "local:512"), ecdf.FEWEST - 1, None),
        (tuple("abcde"), ecdf.FEWEST, None),
    ],
)
def test_targets_without_prices_have_a_curve_of_their_durations(
    targets: tuple[str, ...], runs: int, curves: list[str] | None
) -> None:
    rows = [
        replace(ROW, target=target, slot=slot, repetition=n, duration_ms=10.0 * n, cost_usd=None)
        for slot, target in enumerate(targets)
        for n in range(1, runs + 1)
    ]
    found = runs_plot.plot(Experiment(comparison("%%compare", targets, runs), rows))
    assert found is None or [*dict.fromkeys(one["figure"] for one in values(found))] == curves
    assert (found is None) == (curves is None)


@pytest.mark.parametrize("columns", [60, 70, 79, 300])
def test_what_is_drawn_in_characters_fits_a_narrow_terminal(columns: int) -> None:
    rows = [at(int(1000 * second), name, repetition=n) for n, (second, name) in enumerate(IDLE, 1)]
    for plan, of in (
        (repetitions("%%repeat 9", 9), repeated(9)),
        (fleet("%%fleet 5", 5, 5, "shell"), rows),
        (idle("%%repeat 2 --idle 1s,2s", 2, [1, 2]), rows),
    ):
        lines = made(runs_plot.plot(Experiment(plan, of), columns)).drawn.splitlines()
        assert max(map(len, lines)) <= min(columns, 79)
        assert max(map(len, lines)) > min(columns, 79) - 14


# Seconds, and the environment that answered then: the last pause was longer than planned.
IDLE = [(0, "a"), (1.1, "a"), (2.2, "a"), (4.3, "b"), (20, "b")]
