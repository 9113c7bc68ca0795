"""A program's own chart: drawn without loading anything, or shown as JSON with the reason."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import shlex
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.output import charts
from lambda_kernel.output.charts import Charts, forms, loads, titled
from lambda_kernel.output.pages import Chart, Pages, Raw
from lambda_kernel.output.plots import draw, still
from lambda_kernel.session.cell import Notice, Shown, ThreadControl
from tests.support.kernel_client import notebook

needs_library = pytest.mark.skipif(importlib.util.find_spec("vl_convert") is None, reason="needs vl-convert")

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
BARS: dict[str, Any] = {
    "$schema": SCHEMA,
    "title": "How many",
    "width": 200,
    "data": {"values": [{"url": "a", "n": 1}, {"url": "b", "n": 3}]},
    "mark": "bar",
    "encoding": {"x": {"field": "url"}, "y": {"field": "n", "type": "quantitative"}},
}
PICTURE = draw.SIGNATURE + struct.pack(">I4sII", 13, b"IHDR", 400, 300)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()


@needs_library
def test_a_chart_becomes_a_picture() -> None:
    picture = still.png(BARS)
    data, metadata = forms(BARS, picture)
    assert base64.b64decode(data["image/png"]) == picture
    assert data["text/plain"] == "<a chart: How many>"
    assert metadata["image/png"]["alt"] == "How many"
    assert 200 < metadata["image/png"]["width"] < 300


# As the program draws them, but in one process: to start it takes half a second.
DRAW = """
import json, sys
from lambda_kernel.output.plots import draw

def told(spec, *most):
    try:
        return "drawn" if draw.picture(spec, *most).startswith(draw.SIGNATURE) else "no picture"
    except ValueError as error:
        return draw.reason(error)

draw.bounded()
specs = json.load(sys.stdin)
print(json.dumps([*map(told, specs), told(specs[0], 1000)]))
"""
RULE = {"mark": "rule", "encoding": {"x": {"datum": 1}}}
IMAGE = {"mark": {"type": "image", "width": 9, "height": 9}, "encoding": {"url": {"field": "at"}}}
LOOKUP = {"lookup": "at", "from": {"data": {"url": "HOST/lookup"}, "key": "at", "fields": ["b"]}}
SPECS: list[tuple[dict[str, Any], str]] = [
    *(({**BARS, "$schema": SCHEMA.replace("v5", version)}, "drawn") for version in ("v4", "v5", "v6", "v9", "v5.8.0")),
    *(({**BARS, "$schema": schema}, "drawn") for schema in ("", None, 5, "HOST/vega-lite/v5.json")),
    ({**BARS, "datasets": {"a": {"url": "HOST/dataset"}}}, "drawn"),
    ({**BARS, "usermeta": {"embedOptions": {"loader": {"baseURL": "HOST"}}}}, "drawn"),
    ({**BARS, "mark": {"type": "bar", "color": "url(HOST/colour)", "href": "HOST/link"}}, "drawn"),
    ({**BARS, "config": {"font": "url(HOST/font)"}}, "drawn"),
    ({"data": {"url": "HOST/data.json"}, "mark": "bar"}, "not allowed"),
    ({"data": {"values": [{"at": 1}]}, "transform": [LOOKUP], "mark": "bar"}, "not allowed"),
    ({"data": {"values": [{"at": "HOST/image.png"}]}, **IMAGE}, "images"),
    ({"data": {"values": [{"at": "file:///etc/hostname"}]}, **IMAGE}, "images"),
    ({"data": {"values": [{"at": "HOST/image.png"}]}, "layer": [RULE, IMAGE]}, "images"),
    ({**BARS, "transform": [{"calculate": "fetch('HOST/fetch')", "as": "n"}]}, "Unrecognized function"),
    ({**BARS, "width": 3000, "height": 2000}, "pixels"),
    ({**BARS, "mark": 5}, "TypeError"),
    ({"hello": "world"}, "Invalid specification"),
]


@needs_library
def test_nothing_is_loaded_and_there_are_bounds(asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    specs = json.dumps([spec for spec, _ in SPECS]).replace("HOST", address)
    done = subprocess.run([sys.executable, "-c", DRAW], input=specs, capture_output=True, text=True, check=True)
    *each, of_many_bytes = json.loads(done.stdout)
    for told, (spec, why) in zip(each, SPECS, strict=True):
        assert why in told, spec
    assert of_many_bytes == "its picture has more than 0.001 MB"
    assert paths == []


@needs_library
def test_what_is_wrong_with_a_chart_comes_from_the_program() -> None:
    with pytest.raises(still.NotDrawn, match="images"):
        still.png({"data": {"values": [{"at": "file:///etc/hostname"}]}, **IMAGE})


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not have all limits")
def test_what_draws_has_limits() -> None:
    code = (
        "import resource as r; from lambda_kernel.output.plots import draw; draw.bounded();"
        "print(r.getrlimit(r.RLIMIT_CPU)[0], r.getrlimit(r.RLIMIT_DATA)[0])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(draw.CPU_SECONDS), str(draw.MEMORY_BYTES)]


@pytest.mark.parametrize(
    ("spec", "is_so"),
    [
        (BARS, False),
        ({"data": {"url": "x.csv"}}, True),
        ({"layer": [{"mark": "bar"}, {"data": {"url": "x.csv"}}]}, True),
        ({"spec": {"transform": [{"from": {"data": {"url": "x.csv"}}}]}}, True),
        ({"data": {"values": [{"data": {"url": "a row's own field"}}]}}, False),
        ({"datasets": {"a": [{"data": {"url": "a row's own field"}}]}, "data": {"name": "a"}}, False),
        ({"encoding": {"url": {"field": "url"}}}, False),
    ],
)
def test_what_names_data_to_load(spec: Any, is_so: bool) -> None:
    assert loads(spec) == is_so


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"title": "A\x1b[2J"}, "A\\x1b[2J"),
        ({"title": ["two", "lines"]}, "two lines"),
        ({"title": {"text": ["two", 5]}}, "two"),
        ({"title": "no", "description": "yes"}, "yes"),
        ({"title": {"text": {"expr": "1"}}}, ""),
        ({"title": 5}, ""),
        ({}, ""),
        ({"title": "x" * 1000}, "x" * charts.ALT_CHARACTERS + "…"),
    ],
)
def test_its_words(spec: Any, words: str) -> None:
    assert titled(spec) == words


class Cell:
    """What the charts of a cell come to. drawn: the specifications that were drawn, in turn."""

    def __init__(self, answer: bytes | Exception = PICTURE, **options: Any) -> None:
        self.shown: list[Shown] = []
        self.noticed: list[str] = []
        self.drawn: list[Any] = []
        self.control = ThreadControl()
        self._answer = answer
        ways = {"available": lambda: True, "draw": self.draw, **options}
        self.charts = Charts(self.shown.append, self.notice, self.control, **ways)

    def notice(self, notice: Notice) -> None:
        assert notice.code == "hint"
        self.noticed.append(notice.text)

    def draw(self, spec: Any, stopped: Callable[[], bool], seconds: float) -> bytes:
        self.drawn.append(spec)
        assert seconds == charts.SECONDS
        if stopped():
            raise still.NotDrawn("drawing it was interrupted")
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def forms(self, key: str) -> list[set[str]]:
        return [{*one.data} for one in self.shown if one.key == key]


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_place_is_kept_and_filled() -> None:
    cell = Cell()

    async def work() -> None:
        cell.charts.add(Chart("one", BARS))
        cell.charts.add(Chart("two", {**BARS, "title": "Two"}))
        assert [one.data for one in cell.shown] == [charts.WAITS] * 2
        await cell.charts.finish()

    run(work)
    assert [one.key for one in cell.shown] == ["one", "two", "one", "two"]
    assert [one["title"] for one in cell.drawn] == ["How many", "Two"]
    assert cell.shown[-1].data["text/plain"] == "<a chart: Two>"
    assert cell.shown[-1].metadata["image/png"] == {"width": 200, "height": 150, "alt": "Two"}
    assert cell.noticed == []


@pytest.mark.parametrize(
    ("options", "spec", "why"),
    [
        ({"pictures": False}, BARS, charts.NO_PICTURES),
        ({"available": lambda: False}, BARS, charts.NO_LIBRARY),
        ({}, {"data": {"url": "x.csv"}}, charts.LOADS),
        ({}, ["not", "an", "object"], charts.NO_CHART),
        ({"answer": still.NotDrawn("it has no mark")}, BARS, "it has no mark"),
    ],
)
def test_json_and_the_reason(options: Any, spec: Any, why: str) -> None:
    cell = Cell(**options)

    async def work() -> None:
        cell.charts.add(Chart("one", spec))
        await cell.charts.finish()

    run(work)
    assert cell.shown[-1].data["application/json"] == spec
    assert json.loads(cell.shown[-1].data["text/plain"]) == spec
    assert cell.noticed == [f"the chart is shown as JSON: {why}"]


def test_a_cell_draws_so_many() -> None:
    cell = Cell()

    async def work() -> None:
        for number in range(charts.MOST + 1):
            cell.charts.add(Chart(str(number), BARS))
        await cell.charts.finish()

    run(work)
    assert len(cell.drawn) == charts.MOST
    assert cell.forms(str(charts.MOST - 1))[-1] == {"image/png", "text/plain"}
    assert cell.forms(str(charts.MOST)) == [{"application/json", "text/plain"}]
    assert cell.noticed == [f"the chart is shown as JSON: {charts.TOO_MANY}"]


def test_an_interrupt_ends_those_that_are_under_way_only() -> None:
    cell = Cell()

    async def work() -> None:
        cell.charts.add(Chart("before", BARS))
        cell.control.interrupt()
        cell.charts.add(Chart("after", BARS))
        await cell.charts.finish()

    run(work)
    assert cell.forms("before")[-1] == {"application/json", "text/plain"}
    assert cell.forms("after")[-1] == {"image/png", "text/plain"}
    assert cell.noticed == ["the chart is shown as JSON: drawing it was interrupted"]


def test_a_chart_that_was_cleared_does_not_come_back() -> None:
    cell = Cell()

    async def work() -> None:
        cell.charts.add(Chart("one", BARS))
        cell.charts.clear()
        cell.charts.add(Chart("two", BARS))
        await cell.charts.finish()

    run(work)
    assert cell.forms("one") == [{"text/plain"}]
    assert cell.forms("two")[-1] == {"image/png", "text/plain"}


def test_whatever_else_a_program_sends_along_is_left_out() -> None:
    raw = Raw("key", {"text/html": "<b>", "application/vnd.vegalite.v5+json": BARS})
    assert list(Pages().parts(raw)) == [Chart("key", BARS)]


@needs_library
@pytest.mark.skipif(sys.platform != "linux", reason="the local emulator needs Linux")
def test_a_notebook_shows_it(tmp_path: Path) -> None:
    with notebook() as book:
        written = f"echo {shlex.quote(json.dumps(BARS))} > /tmp/a.vl.json"
        ran = book.run(f"{written}; display /tmp/a.vl.json; display --type application/json /tmp/a.vl.json")
        assert ran.error is None
        waits, as_json, report = ran.displays
        assert waits["data"]["text/plain"] == charts.WAITS["text/plain"]
        assert as_json["data"]["application/json"] == BARS
        assert "lambda" in report["metadata"]
        [update] = ran.contents("update_display_data")
        assert update["transient"] == waits["transient"]
        assert {*update["data"]} == {"image/png", "text/plain"}
        assert ran.messages.index(next(m for m in ran.messages if m["content"] is update)) < len(ran.messages) - 2
        bad = book.run('echo \'{"data": {"url": "/etc/passwd"}}\' > /tmp/b.vl.json; display /tmp/b.vl.json')
        assert bad.notices == [("hint", f"[the chart is shown as JSON: {charts.LOADS}]")]
