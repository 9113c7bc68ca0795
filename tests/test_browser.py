"""The kernel in JupyterLab, in a real browser, used as a person would."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from lambda_kernel.cli import main
from tests.lab import FLAGS, jupyterlab, theme
from tests.test_rich import png

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local engine does"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path"),
    pytest.mark.timeout(180),
]
SECONDS = 30_000  # of patience, in Playwright's milliseconds


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    prefix = root / "prefix"
    assert main(["install", "--prefix", str(prefix)]) == 0
    with jupyterlab(root, {**os.environ, "JUPYTER_PATH": str(prefix / "share" / "jupyter")}) as url:
        yield url


@pytest.fixture(scope="module")
def page(url: str, root: Path) -> Iterator[Page]:
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            root / "browser", executable_path=CHROMIUM, args=FLAGS, viewport={"width": 1240, "height": 900}
        )
        page = context.pages[0]
        page.set_default_timeout(SECONDS)
        yield page
        context.close()


class Lab:
    """One notebook on the screen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def type(self, code: str) -> None:
        """Into the last cell, which is empty."""
        self.page.locator(".jp-Notebook .jp-Cell").last.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)

    def start(self, code: str) -> Locator:
        """The cell, which runs."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        number = cells.count() - 1
        self.type(code)
        self.page.keyboard.press("Shift+Enter")
        return cells.nth(number)

    def run(self, code: str) -> Locator:
        """The cell, which has run."""
        cell = self.start(code)
        self.wait(cell)
        return cell

    def wait(self, cell: Locator) -> None:
        sync_api.expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=SECONDS)


@pytest.fixture(scope="module")
def lab(page: Page, url: str) -> Lab:
    """A notebook made by the launcher's card."""
    page.goto(f"{url}/lab?reset")
    card = page.locator(".jp-LauncherCard[data-category=Notebook]", has_text="AWS Lambda shell").first
    sync_api.expect(card.locator("img")).to_have_attribute("src", re.compile("kernelspecs/lambda/logo"))
    card.click()
    page.wait_for_selector(".jp-Notebook .jp-Cell .cm-content")
    sync_api.expect(page.locator(".jp-NotebookPanel-toolbar")).to_contain_text("AWS Lambda shell")
    return Lab(page)


def output(cell: Locator) -> str:
    return str(cell.locator(".jp-OutputArea").inner_text())


def test_the_articles_first_command(lab: Lab) -> None:
    cell = lab.run("free")
    assert "Mem:" in output(cell)
    assert "cold start" in output(cell)
    assert "of 128 MB" in output(cell)


def test_output_comes_live_and_the_button_interrupts(lab: Lab) -> None:
    cell = lab.start("echo begun; sleep 300; echo never")
    sync_api.expect(cell.locator(".jp-OutputArea")).to_contain_text("begun")
    lab.page.locator("[data-jp-item-name=interrupt] jp-button").click()
    lab.wait(cell)
    assert "KeyboardInterrupt" in output(cell)
    assert "never" not in output(cell)


def test_the_user_is_asked(lab: Lab) -> None:
    cell = lab.start("read -sp 'Password: ' x; echo; echo ${#x}")
    box = cell.locator("input.jp-Stdin-input")
    box.wait_for()
    assert box.get_attribute("type") == "password"
    box.fill("secret")
    box.press("Enter")
    lab.wait(cell)
    assert "6" in [line.strip() for line in output(cell).splitlines()]
    assert "secret" not in output(cell)


def test_an_image(lab: Lab, root: Path) -> None:
    (root / "grey.png").write_bytes(png(16))
    cell = lab.run(f"%put {root}/grey.png /tmp/\ndisplay /tmp/grey.png")
    image = cell.locator(".jp-OutputArea img")
    sync_api.expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 16


def test_a_frame_of_top_changes(lab: Lab) -> None:
    cell = lab.start("%top -n 0.2")
    table = cell.locator(".jp-OutputArea table, .jp-OutputArea pre").first
    table.wait_for()
    before = cell.locator(".jp-OutputArea").inner_html()
    changed = "([cell, before]) => cell.querySelector('.jp-OutputArea').innerHTML !== before"
    lab.page.wait_for_function(changed, arg=[cell.element_handle(), before])
    assert cell.locator(".jp-OutputArea-child").count() <= 2
    lab.page.locator("[data-jp-item-name=interrupt] jp-button").click()
    lab.wait(cell)


def test_tab_completes(lab: Lab) -> None:
    lab.run("my_own_function() { echo it works; }")
    lab.type("my_own_f")
    lab.page.keyboard.press("Tab")
    lab.page.locator(".jp-Completer-item", has_text="my_own_function").wait_for()
    lab.page.keyboard.press("Enter")
    last = lab.page.locator(".jp-Notebook .jp-Cell").last
    sync_api.expect(last.locator(".cm-content")).to_have_text("my_own_function")
    assert "it works" in output(lab.run(""))


def test_a_failing_command(lab: Lab) -> None:
    assert "exit code 1" in output(lab.run("false"))


def test_it_is_saved_with_its_metadata_and_shown_again(lab: Lab, root: Path, url: str) -> None:
    with lab.page.expect_response(saves):  # the file is an empty notebook until then
        lab.page.keyboard.press("Control+s")
        lab.page.locator(".jp-Dialog .jp-mod-accept").click()  # its name stays Untitled
    [path] = root.glob("Untitled*.ipynb")
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert saved.metadata.kernelspec.name == "lambda"
    [report] = [shown for shown in saved.cells[0].outputs if shown.output_type == "display_data"]
    assert report.metadata["lambda"]["memory_size_mb"] == 128
    lab.page.goto(f"{url}/lab/tree/{path.name}?reset")
    first = lab.page.locator(".jp-Notebook .jp-Cell").first
    sync_api.expect(first.locator(".jp-OutputArea")).to_contain_text("Mem:")


def saves(answer: Response) -> bool:
    return answer.request.method == "PUT" and "/api/contents/" in answer.url


@pytest.mark.parametrize("name", ["Dark", "Light"])
def test_both_themes(lab: Lab, url: str, name: str) -> None:
    theme(url, name)
    lab.page.reload()
    line = lab.page.locator(".jp-OutputArea-output span", has_text="of 128 MB").first
    line.wait_for()
    sync_api.expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", str(name == "Light").lower())
    backs = "getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor"
    color, back = line.evaluate(f"line => [getComputedStyle(line).color, {backs}]")
    assert contrast(color, back) > 3


def contrast(one: str, other: str) -> float:
    """Of two CSS colours, as WCAG 2.1 has it."""

    def light(color: str) -> float:
        parts = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
