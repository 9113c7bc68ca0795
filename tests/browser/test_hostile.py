"""What a hostile program shows, in real front ends: it reaches nothing of the page around it, nor any host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.support.hostile_page import Host, browsing, host
from tests.support.jupyterlab import Lab, notebook

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

pytestmark = pytest.mark.timeout(300)

# As any program in a cell can: it knows the shell's name, since that stands in its environment.
PROGRAM = r"""
import json, os, sys, uuid
for number, data in enumerate(json.load(open(sys.argv[1]))):
    text, name = json.dumps({"data": data, "id": None}), uuid.uuid4().hex[:8]
    parts = [text[at : at + 4000] for at in range(0, len(text), 4000)]
    for at, part in enumerate(parts):
        mark = "." if at == len(parts) - 1 else "+"
        os.write(1, f"\x1b]5379;{os.environ['LAMBDA_KERNEL_SHELL']};{name};{at}{mark}{part}\x07".encode())
print("\x1b]8;;javascript:top.hacked=1\x1b\\a link\x1b]8;;\x1b\\")
print("javascript:top.hacked=1 <img src=x onerror=top.hacked=1> $\\href{javascript:top.hacked=1}{x}$")
"""
RUNS = "top.hacked = 1; document.title = 'hacked'"
FORMULA = rf"$\href{{javascript:{RUNS}}}{{formula}}$"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30" onload="{RUNS}"><script>{RUNS}</script></svg>'
IMAGE = {"mark": {"type": "image", "width": 9, "height": 9}, "encoding": {"url": {"field": "at"}}}
OTHERS: list[dict[str, Any]] = [
    {"image/svg+xml": SVG},
    {"text/markdown": f"<script>{RUNS}</script> <img src=x onerror='{RUNS}'> [link](javascript:{RUNS}) {FORMULA}"},
    {"text/csv": f"a,b\n<img src=x onerror='{RUNS}'>,{FORMULA}\n"},
    {"application/javascript": RUNS, "text/plain": f"<script>{RUNS}</script>"},
    {"text/latex": FORMULA},
    {"application/json": {"a": f"<img src=x onerror='{RUNS}'>", "b": f"javascript:{RUNS}"}},
    {"application/geo+json": {"type": "Feature", "properties": {"a": f"<img src=x onerror='{RUNS}'>"}}},
    {"application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2}},
    {"application/vnd.vegalite.v5+json": {"data": {"url": "HOST/vega"}, "mark": "bar"}},
    {"application/vnd.vegalite.v5+json": {"data": {"values": [{"at": "HOST/vega"}]}, **IMAGE}},
    {"application/json": {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "data": {"url": "HOST/vega"}}},
    {"text/vnd.mermaid": f"<script>{RUNS}</script>"},
]
NAMED = f"exec -a '<img src=x onerror=\"{RUNS}\"> {FORMULA}' sleep 100 &"  # bash and %top show it
REFUSED = {
    **dict.fromkeys(("parent", "top", "app", "write", "name", "up", "hash", "beside", "cookie"), "SecurityError"),
    **dict.fromkeys(("storage", "database", "worker"), "SecurityError"),
    **dict.fromkeys(("frame", "opened"), "null"),
    **dict.fromkeys(("api", "terminal", "fetched", "relative"), "TypeError"),
}


@pytest.fixture(scope="module")
def hostile() -> Iterator[Host]:
    with host() as found:
        yield found


@pytest.fixture(scope="module", params=["lab/tree", "notebooks"])
def place(request: pytest.FixtureRequest) -> str:
    """Where JupyterLab's notebooks are, or those of Notebook 7."""
    return str(request.param)


@pytest.fixture(scope="module")
def path(place: str, root: Path) -> Path:
    return root / f"hostile-{place.replace('/', '-')}.ipynb"


@pytest.fixture(scope="module")
def lab(place: str, path: Path, jupyterlab_page: Page, url: str, hostile: Host) -> Iterator[Lab]:
    """The notebook, whose cells have run it all. JupyterLab's is in the page of all tests, as the user's own are."""
    notebook(path, "")
    root = path.parent
    others = json.loads(json.dumps(OTHERS).replace("HOST", hostile.url))
    (root / "shown.json").write_text(json.dumps([{"text/html": hostile.page(url)}, *others]))
    (root / "program.py").write_text(PROGRAM)
    if place == "lab/tree":
        made = Lab(jupyterlab_page).open(path.name)
    else:
        made = Lab(jupyterlab_page.context.new_page())
        made.page.goto(f"{url}/{place}/{path.name}")
        made.ready()
    made.page.evaluate("history.replaceState(null, '', '?token=SECRET')")
    made.run(f"%put {root}/program.py {root}/shown.json /tmp/\n{NAMED}\npython3 /tmp/program.py /tmp/shown.json")
    made.run("%top -n 1\n%environment")
    made.run("kill %1; wait; true")
    yield made
    if made.page != jupyterlab_page:
        made.page.close()


def said(page: Page) -> tuple[Frame, dict[str, Any]]:
    """The innermost frame, as it is shown at first, and what its page has come to."""
    page.locator("iframe[sandbox]").evaluate("frame => frame.replaceWith(frame.cloneNode())")
    outer = page.locator("iframe[sandbox]").element_handle().content_frame()
    assert outer is not None
    inner = outer.wait_for_selector("iframe", state="attached")
    assert inner is not None
    frame = inner.content_frame()
    assert frame is not None
    frame.wait_for_function("document.getElementById('said')?.textContent.startsWith('{')")
    found: dict[str, Any] = json.loads(frame.locator("#said").inner_text())
    return frame, found


@contextmanager
def beside(page: Page) -> Iterator[Page]:
    """Another page: the other tests go on in that one."""
    made = page.context.new_page()
    yield made
    made.close()


def untouched(page: Page, *others: Page) -> None:
    assert page.evaluate("[top.hacked, document.title === 'hacked', location.hash]") == [None, False, ""]
    assert page.locator("a[href^='javascript' i]").count() == 0
    inside = page.locator(".jp-OutputArea, .jp-OutputArea *")
    assert (
        inside.locator(
            "script, svg[onload], [onerror], mjx-container, object, embed, [data-commandlinker-command]"
        ).count()
        == 0
    )
    assert set(page.context.pages) == {page.context.pages[0], page, *others}  # the tests' own


def test_a_page_is_alone_in_its_frame(lab: Lab, hostile: Host, url: str) -> None:
    assert lab.page.url.endswith("?token=SECRET")
    frame, found = said(lab.page)
    assert frame.locator("h1").inner_text() == "Seen in the frame"
    assert {name: found["said"][name] for name in REFUSED} == REFUSED
    assert "SECRET" not in json.dumps(found)
    seen = found["seen"]
    assert (seen["base"], seen["location"], seen["origin"]) == ("about:srcdoc", "about:srcdoc", "null")
    assert (seen["referrer"], seen["name"], seen["title"]) == ("", "", "hostile")
    assert set(seen["ancestors"]) <= {"null", url}  # the origin alone, where the browser tells it
    assert url not in json.dumps(seen | {"ancestors": []})
    frame.locator("#script").click()  # runs in the frame, if anywhere
    untouched(lab.page)
    assert hostile.heard == []
    assert lab.page.evaluate("url => fetch(`${url}/api/terminals`).then(answer => answer.json())", url) == []


def test_all_else_is_shown_as_what_it_is(lab: Lab) -> None:
    cell = lab.cells.first.locator(".jp-OutputArea")
    image = cell.locator("img[src^='data:image/svg+xml;base64,']")
    assert image.evaluate("image => image.naturalWidth") == 30
    assert cell.locator("th").all_inner_texts() == ["a", "b"]
    text = cell.inner_text()
    for part in (f"<script>{RUNS}</script> <img src=x onerror='{RUNS}'>", FORMULA, "a link", "application/javascript"):
        assert part in text
    assert "<img src=x onerror=" in lab.cells.nth(1).inner_text()  # %top
    untouched(lab.page)


def test_where_it_goes_is_nowhere(lab: Lab, hostile: Host) -> None:
    frame, _ = said(lab.page)
    frame.locator("#down").click()
    frame.wait_for_function("scrollY > 1000")  # a link within the page is followed
    frame.evaluate("go => { location.href = go }", f"{hostile.url}/gone")
    frame.wait_for_url("chrome-error://**")  # the policy of the frame around it forbids it
    untouched(lab.page)
    assert hostile.heard == []


def test_the_height_is_changed_by_hand(lab: Lab) -> None:
    box = lab.page.locator("div:has(> iframe[sandbox])")
    box.evaluate("box => box.scrollIntoView({block: 'center'})")
    before = box.bounding_box()
    assert before is not None
    assert before["height"] == 400
    mouse, corner = lab.page.mouse, (before["x"] + before["width"] - 4, before["y"] + before["height"] - 4)
    mouse.move(*corner)
    mouse.down()
    mouse.move(corner[0], corner[1] + 50, steps=5)
    mouse.up()
    lab.page.wait_for_function("box => box.offsetHeight >= 440", arg=box.element_handle())


@pytest.fixture(scope="module")
def saved(lab: Lab, path: Path) -> Path:
    """The notebook as it was saved, with one word changed since: so it is not trusted."""
    with lab.page.expect_response(lambda answer: answer.request.method == "PUT" and "/contents/" in answer.url):
        lab.button("save").click()
    read = nbformat.read(path, as_version=4)
    read.cells[-1].source = "# changed"
    nbformat.write(read, path.with_stem(f"{path.stem}-copy"))
    return path.with_stem(f"{path.stem}-copy")


def test_a_notebook_that_is_not_trusted_shows_the_text(
    lab: Lab, place: str, saved: Path, hostile: Host, url: str
) -> None:
    with beside(lab.page) as page:
        page.goto(f"{url}/{place}/{saved.name}?reset")
        cell = Lab(page).ready().cells.first.locator(".jp-OutputArea")
        cell.get_by_text("Seen in the frame").wait_for()
        assert "leaves out the frame" in cell.inner_text()
        assert page.locator("iframe[sandbox]").count() == 0
        assert cell.locator("img[src^='data:image/svg+xml;base64,']").evaluate("image => image.naturalWidth") == 30
        untouched(page, lab.page)
    assert hostile.heard == []


def test_the_html_of_nbconvert(lab: Lab, saved: Path, hostile: Host, url: str, root: Path) -> None:
    """It cleans nothing unless it is asked to."""
    from nbconvert import HTMLExporter

    source, _ = HTMLExporter().from_filename(str(saved))
    (root / "converted.html").write_text(source)
    with beside(lab.page) as page:
        page.goto(f"file://{root}/converted.html", wait_until="domcontentloaded")
        _, found = said(page)
        assert {name: found["said"][name] for name in REFUSED} == REFUSED
        assert str(root) not in json.dumps(found)
        untouched(page, lab.page)
    assert hostile.heard == []


def test_the_same_page_reaches_everything_where_nothing_isolates_it(chromium: str, tmp_path: Path) -> None:
    """So that the others prove something. It gets a browser of its own, which does not always survive it."""
    with host() as other, browsing(chromium, f"{other.url}/", tmp_path):
        other.wait_for(lambda heard: bool({"/top", "/parent"} & heard))
        assert {"/img", "/js", "/css", "/frame"} <= set(other.heard)
