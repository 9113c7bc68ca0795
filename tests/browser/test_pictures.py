"""The pictures of README and docs, made of real notebooks: `pytest tests/browser --pictures docs` makes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_kernel.output.plots.plot import WIDTH
from tests.browser.test_jupyterlab import contrast
from tests.support.jupyterlab import Lab, notebook, output

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)

# What nobody needs to see who does not hold the mouse.
HIDDEN = """
.jp-cell-toolbar, .jp-Toolbar-debug, [data-jp-item-name=debugger-icon] { visibility: hidden !important }
.jp-WindowedPanel-outer { scrollbar-width: none }
"""


@pytest.fixture
def pictures(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    return Path(pytestconfig.getoption("pictures") or tmp_path)


@pytest.fixture(scope="module")
def lab(jupyterlab_page: Page) -> Lab:
    jupyterlab_page.keyboard.press("Control+b")  # no side bar
    jupyterlab_page.add_style_tag(content=HIDDEN)
    return Lab(jupyterlab_page)


def run_all(lab: Lab, name: str) -> None:
    lab.open(name).run_all()
    lab.wait(lab.cells.last)


def take(lab: Lab, path: Path) -> None:
    """The notebook's panel with its tab, down to the last cell."""
    page = lab.page
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").wait_for(state="detached")
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.mouse.move(2, 2)
    panel, tabs = page.locator(".jp-NotebookPanel"), page.locator("#jp-main-dock-panel .lm-TabBar").first
    box, top, last = panel.bounding_box(), tabs.bounding_box(), lab.cells.last.bounding_box()
    assert box is not None
    assert top is not None
    assert last is not None
    height = min(box["y"] + box["height"], last["y"] + last["height"] + 12) - top["y"]
    page.screenshot(path=path, clip={"x": box["x"], "y": top["y"], "width": box["width"], "height": height})


def test_a_notebook(lab: Lab, root: Path, pictures: Path) -> None:
    lab.theme("Light")
    notebook(
        root / "lambda.ipynb",
        "free",
        "cat /etc/os-release | head -4",
        "cd /tmp; x=5",
        "pwd; echo $x    # the shell lives on between cells",
        'for i in 1 2 3; do echo "tick $i"; sleep 1; done    # output comes while it runs',
        "env | grep -E 'MEMORY|SECRET'    # credentials stay out of the notebook",
    )
    run_all(lab, "lambda.ipynb")
    take(lab, pictures / "jupyterlab.png")
    assert "/tmp\n5" in output(lab.cells.nth(3))
    assert "SECRET_ACCESS_KEY=[AWS_SECRET_ACCESS_KEY redacted]" in output(lab.cells.nth(5))


def test_the_live_view(lab: Lab, root: Path, pictures: Path) -> None:
    lab.theme("Dark")
    work = "while :; do :; done & sleep 1000 &"
    notebook(root / "live.ipynb", work, "%top -d 0.2 -n 5")
    run_all(lab, "live.ipynb")
    take(lab, pictures / "top.png")
    assert "sleep 1000" in output(lab.cells.nth(1))


LOOK = """svg => {
    const color = (of, name) => getComputedStyle(svg.querySelector(of))[name]
    const page = getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor
    return [color('.role-axis-label text', 'fill'), color('.mark-line path', 'stroke'), page]
}"""


def test_a_plot(lab: Lab, root: Path, pictures: Path) -> None:
    """JupyterLab draws it, in the colours of its theme, also when that changes. Others have the picture."""
    pytest.importorskip("vl_convert")
    lab.theme("Light")
    notebook(root / "plot.ipynb", "%%repeat 12\nhead -c 4000000 /dev/zero | sha256sum")
    run_all(lab, "plot.ipynb")
    drawn = lab.page.locator(".jp-RenderedVegaCommon5 svg.marks")
    drawn.evaluate("svg => svg.scrollIntoView({block: 'center'})")
    drawn.screenshot(path=pictures / "plot.png")
    for theme in ("Light", "Dark"):
        lab.theme(theme)
        lab.page.locator(f"body[data-jp-theme-light={str(theme == 'Light').lower()}]").wait_for(state="attached")
        words, curve, page = drawn.evaluate(LOOK)
        assert contrast(words, page) >= 7
        assert contrast(curve, page) >= 3
    lab.page.keyboard.press("Control+s")
    lab.page.locator(".jp-mod-dirty").wait_for(state="detached")
    assert_has_picture(lab.page, root / "plot.ipynb")


def assert_has_picture(page: Page, path: Path) -> None:
    """In the page that nbconvert makes of it."""
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter(template_name="lab").from_filename(str(path))
    path.with_suffix(".html").write_text(html, "utf-8")
    with page.context.expect_page() as opened:
        page.evaluate("open('about:blank')")
    other = opened.value
    other.goto(path.with_suffix(".html").as_uri(), wait_until="domcontentloaded")
    image = other.locator(".jp-RenderedImage img")
    assert image.evaluate("image => [image.naturalWidth, image.width]") == [2 * WIDTH, WIDTH]
    other.close()
