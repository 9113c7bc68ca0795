"""The README's pictures, made of real notebooks: `pytest tests/browser --pictures docs` makes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import Lab, notebook, output, theme

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


def run_all(page: Page, url: str, name: str) -> Lab:
    page.goto(f"{url}/lab/tree/{name}?reset")
    lab = Lab(page).ready()
    lab.button("restart-and-run").click()
    lab.confirm()
    lab.wait(lab.cells.last)
    return lab


def take(lab: Lab, path: Path) -> None:
    """The notebook's panel with its tab, down to the last cell."""
    page = lab.page
    page.keyboard.press("Control+b")  # no side bar
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").wait_for(state="detached")
    page.add_style_tag(content=HIDDEN)
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.mouse.move(2, 2)
    panel, tabs = page.locator(".jp-NotebookPanel"), page.locator("#jp-main-dock-panel .lm-TabBar").first
    box, top, last = panel.bounding_box(), tabs.bounding_box(), lab.cells.last.bounding_box()
    assert box is not None
    assert top is not None
    assert last is not None
    height = min(box["y"] + box["height"], last["y"] + last["height"] + 12) - top["y"]
    page.screenshot(path=path, clip={"x": box["x"], "y": top["y"], "width": box["width"], "height": height})


def test_a_notebook(page: Page, url: str, root: Path, pictures: Path) -> None:
    theme(url, "Light")
    notebook(
        root / "lambda.ipynb",
        "free",
        "cat /etc/os-release | head -4",
        "cd /tmp; x=5",
        "pwd; echo $x    # the shell lives on between cells",
        'for i in 1 2 3; do echo "tick $i"; sleep 1; done    # output comes while it runs',
        "env | grep -E 'MEMORY|SECRET'    # credentials stay out of the notebook",
    )
    lab = run_all(page, url, "lambda.ipynb")
    take(lab, pictures / "jupyterlab.png")
    assert "/tmp\n5" in output(lab.cells.nth(3))
    assert "SECRET_ACCESS_KEY=[AWS_SECRET_ACCESS_KEY redacted]" in output(lab.cells.nth(5))


def test_the_live_view(page: Page, url: str, root: Path, pictures: Path) -> None:
    theme(url, "Dark")
    work = "while :; do :; done & sleep 1000 &"
    notebook(root / "live.ipynb", work, "%top -n 0.2 -c 20")
    lab = run_all(page, url, "live.ipynb")
    take(lab, pictures / "top.png")
    assert "sleep 1000" in output(lab.cells.nth(1))
