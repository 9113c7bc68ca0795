"""The kernel in JupyterLab, in a real browser, used as a person would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.lab import Lab, notebook, output, theme
from tests.test_rich import png

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response
    from playwright.sync_api._generated import LocatorAssertions

pytestmark = pytest.mark.timeout(180)


def expect(locator: Locator) -> LocatorAssertions:
    """Playwright, which is not there on every machine."""
    from playwright.sync_api import expect

    return expect(locator)


@pytest.fixture(scope="module")
def lab(page: Page, url: str) -> Lab:
    """A notebook made by the launcher's card."""
    page.goto(f"{url}/lab?reset")
    card = page.locator(".jp-LauncherCard[data-category=Notebook]", has_text="AWS Lambda shell").first
    expect(card.locator("img")).to_have_attribute("src", re.compile("kernelspecs/lambda/logo"))
    card.click()
    expect(page.locator(".jp-NotebookPanel-toolbar")).to_contain_text("AWS Lambda shell")
    return Lab(page).ready()


def test_the_articles_first_command(lab: Lab) -> None:
    cell = lab.run("free")
    assert "Mem:" in output(cell)
    assert "cold start" in output(cell)
    assert "of 128 MB" in output(cell)


def test_output_comes_live_and_the_button_interrupts(lab: Lab) -> None:
    cell = lab.start("echo begun; sleep 300; echo never")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("begun")
    lab.button("interrupt").click()
    lab.wait(cell)
    assert "KeyboardInterrupt" in output(cell)
    assert "never" not in output(cell)


def test_clear_and_the_colours_of_tput(lab: Lab) -> None:
    cell = lab.run('echo before; clear; echo "$(tput setaf 1)red$(tput sgr0) plain"')
    assert output(cell).startswith("red plain\n")
    expect(cell.locator(".ansi-red-fg")).to_have_text("red")


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
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 16


def test_a_frame_of_top_changes(lab: Lab) -> None:
    cell = lab.start("%top -n 0.2")
    table = cell.locator(".jp-OutputArea table, .jp-OutputArea pre").first
    table.wait_for()
    before = cell.locator(".jp-OutputArea").inner_html()
    changed = "([cell, before]) => cell.querySelector('.jp-OutputArea').innerHTML !== before"
    lab.page.wait_for_function(changed, arg=[cell.element_handle(), before])
    assert cell.locator(".jp-OutputArea-child").count() <= 2
    lab.button("interrupt").click()
    lab.wait(cell)


def test_tab_completes(lab: Lab) -> None:
    lab.run("my_own_function() { echo it works; }")
    lab.type("my_own_f")
    lab.page.keyboard.press("Tab")
    lab.page.locator(".jp-Completer-item", has_text="my_own_function").wait_for()
    lab.page.keyboard.press("Enter")
    last = lab.cells.last
    expect(last.locator(".cm-content")).to_have_text("my_own_function")
    assert "it works" in output(lab.run(""))


def test_shift_tab_explains(lab: Lab) -> None:
    lab.type("my_own_function")
    lab.page.keyboard.press("Shift+Tab")
    expect(lab.page.locator(".jp-Tooltip")).to_contain_text("echo it works")
    lab.page.keyboard.press("Escape")
    assert "it works" in output(lab.run(""))


def test_a_failing_command(lab: Lab) -> None:
    assert "exit code 1" in output(lab.run("false"))


def test_a_notice_is_no_error(lab: Lab) -> None:
    lab.run("kill -9 $$")
    cell = lab.run("echo next; echo oops >&2")
    expect(cell.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_text("oops")
    assert re.match(r"This is a new shell\..*\s+next\s+oops\s+[\d.]+ ms · ", output(cell))
    notice, report = (cell.locator(".jp-RenderedHTML").nth(n).locator("div, span").first for n in (0, 1))
    look = "e => { const s = getComputedStyle(e); return [s.color, s.fontSize, s.backgroundColor, s.paddingLeft] }"
    assert notice.evaluate(look) == report.evaluate(look)


def test_it_is_saved_with_its_metadata_and_shown_again(lab: Lab, root: Path, url: str) -> None:
    with lab.page.expect_response(saves):  # the file is an empty notebook until then
        lab.page.keyboard.press("Control+s")
        lab.confirm()  # its name stays Untitled
    [path] = root.glob("Untitled*.ipynb")
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert saved.metadata.kernelspec.name == "lambda"
    [report] = [shown for shown in saved.cells[0].outputs if shown.output_type == "display_data"]
    assert report.metadata["lambda"]["memory_size_mb"] == 128
    lab.page.goto(f"{url}/lab/tree/{path.name}?reset")
    first = lab.page.locator(".jp-Notebook .jp-Cell").first
    expect(first.locator(".jp-OutputArea")).to_contain_text("Mem:")


def saves(answer: Response) -> bool:
    return answer.request.method == "PUT" and "/api/contents/" in answer.url


def test_the_kernel_picker_offers_it(lab: Lab) -> None:
    lab.page.locator("[data-jp-item-name=kernelName] jp-button").click()
    choice = lab.page.locator(".jp-Dialog select")
    expect(choice.locator("option", has_text="AWS Lambda shell").first).to_be_attached()
    lab.page.keyboard.press("Escape")
    choice.wait_for(state="detached")


def test_run_all_stops_at_an_error(lab: Lab, root: Path, url: str) -> None:
    notebook(root / "stops.ipynb", "x=5; echo one", "echo two; false", "echo three")
    lab.page.goto(f"{url}/lab/tree/stops.ipynb?reset")
    lab.ready()
    lab.button("restart-and-run").click()
    lab.confirm()
    lab.wait(lab.cells.nth(1))
    expect(lab.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    assert "exit code 1" in output(lab.cells.nth(1))
    assert lab.cells.nth(2).locator(".jp-OutputArea-output").count() == 0


def test_a_restart_gives_a_clean_shell(lab: Lab) -> None:
    """Of the notebook before, whose kernel has set x."""
    lab.button("restart").click()
    lab.confirm()
    lab.ready()
    lab.page.locator("[data-jp-item-name=insert] jp-button").click()
    cell = lab.cells.nth(1)
    cell.locator(".cm-content").click()
    lab.page.keyboard.insert_text('echo "x is ${x:-gone}"')
    lab.page.keyboard.press("Control+Enter")
    assert "x is gone" in output(lab.wait(cell))


def test_the_status_and_the_colours(lab: Lab) -> None:
    """Whether it runs, and bash's words in other colours than the rest."""
    cell = lab.cells.nth(0)
    cell.locator(".cm-content").click()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.insert_text("for i in 1 2; do sleep 300; done")
    lab.page.keyboard.press("Control+Enter")
    lab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]").wait_for()
    lab.button("interrupt").click()
    lab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    color = "span => getComputedStyle(span).color"
    word = cell.locator(".cm-line span", has_text=re.compile("^for$"))
    assert word.evaluate(color) != cell.locator(".cm-line").evaluate(color)


@pytest.mark.parametrize("name", ["Dark", "Light"])
def test_both_themes(lab: Lab, url: str, name: str) -> None:
    theme(url, name)
    lab.page.goto(f"{url}/lab/tree/Untitled.ipynb?reset")
    line = lab.page.locator(".jp-OutputArea-output span", has_text="of 128 MB").first
    line.wait_for()
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", str(name == "Light").lower())
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
