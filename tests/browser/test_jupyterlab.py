"""The kernel in JupyterLab, in a real browser, used as a person would."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import VIEWPORT
from tests.output.test_rich_display import png
from tests.support.jupyterlab import Lab, notebook, output

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response
    from playwright.sync_api._generated import LocatorAssertions

pytestmark = pytest.mark.timeout(180)


def expect(locator: Locator) -> LocatorAssertions:
    """Playwright, which is not there on every machine."""
    from playwright.sync_api import expect

    return expect(locator)


@pytest.fixture(scope="module")
def lab(jupyterlab_page: Page, root: Path) -> Lab:
    """A notebook. Some tests open another one, and the next ones go on in that."""
    notebook(root / "cells.ipynb", "")
    return Lab(jupyterlab_page).open("cells.ipynb")


def test_a_new_notebook_runs_the_articles_first_command_and_is_saved(lab: Lab, root: Path) -> None:
    import nbformat

    lab.launch("AWS Lambda shell", "kernelspecs/lambda/logo")
    expect(lab.page.locator(".jp-NotebookPanel-toolbar")).to_contain_text("AWS Lambda shell")
    cell = lab.run("free")
    for words in ("Mem:", "cold start", "of 128 MB"):
        assert words in output(cell)
    with lab.page.expect_response(saves) as answer:  # the file is an empty notebook until then
        lab.page.keyboard.press("Control+s")
        lab.confirm()  # its name stays Untitled
    path = root / answer.value.url.partition("?")[0].rpartition("/")[2]
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert saved.metadata.kernelspec.name == "lambda"
    [report] = [shown for shown in saved.cells[0].outputs if shown.output_type == "display_data"]
    assert report.metadata["lambda"]["memory_size_mb"] == 128
    lab.open(path.name)
    expect(lab.cells.first.locator(".jp-OutputArea")).to_contain_text("Mem:")


def saves(answer: Response) -> bool:
    return answer.request.method == "PUT" and "/api/contents/" in answer.url


def test_output_comes_live_and_the_button_interrupts(lab: Lab) -> None:
    cell = lab.start("echo begun; sleep 300; echo never")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("begun")
    lab.button("interrupt").click()
    lab.wait(cell)
    assert "Interrupted" in output(cell)
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


CHART = """<!doctype html><meta charset=utf-8><div id=chart></div><script>/*{}*/
const made = eval("new Function('a', 'return a * 2')")(21), blob = new Blob(["<svg xmlns='http://www.w3.org/2000/svg'/>"])
const image = new Image(), url = URL.createObjectURL(new Blob([blob], {{type: "image/svg+xml"}}))
image.onload = () => chart.append(`drawn ${{made}} ✓`)
image.src = url
</script>"""


def test_a_page_with_scripts_works_in_its_frame(lab: Lab, root: Path) -> None:
    """As charts are saved: a large script in the page, and images that it makes."""
    (root / "chart.html").write_text(CHART.format('"&' * 200_000), encoding="utf-8")
    cell = lab.run(f"%put {root}/chart.html /tmp/\ndisplay --height 200 /tmp/chart.html")
    frame = cell.frame_locator("iframe").frame_locator("iframe")
    expect(frame.locator("#chart")).to_have_text("drawn 42 ✓")
    box = cell.locator("iframe").bounding_box()
    assert box is not None
    assert 180 < box["height"] <= 200


def test_a_frame_of_top_changes(lab: Lab) -> None:
    cell = lab.start("%top -d 0.2")
    table = cell.locator(".jp-OutputArea table, .jp-OutputArea pre").first
    table.wait_for()
    before = cell.locator(".jp-OutputArea").inner_html()
    changed = "([cell, before]) => cell.querySelector('.jp-OutputArea').innerHTML !== before"
    lab.page.wait_for_function(changed, arg=[cell.element_handle(), before])
    assert cell.locator(".jp-OutputArea-child").count() <= 2
    lab.button("interrupt").click()
    lab.wait(cell)


def test_tab_completes(lab: Lab) -> None:
    from playwright.sync_api import TimeoutError as Missed

    lab.run("my_own_function() { echo it works; }")
    lab.type("my_own_f")
    offered = lab.page.locator(".jp-Completer-item", has_text="my_own_function")
    while not offered.is_visible():  # on a busy machine the kernel may give up asking the shell
        lab.page.keyboard.press("Tab")
        with contextlib.suppress(Missed):
            offered.wait_for(timeout=5000)
    lab.page.keyboard.press("Enter")
    last = lab.cells.last
    expect(last.locator(".cm-content")).to_have_text("my_own_function")
    assert "it works" in output(lab.run(""))


def test_shift_tab_explains(lab: Lab) -> None:
    lab.run("my_own_function() { echo it works; }")
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
    expect(cell.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_text(["oops"])
    assert re.match(r"This is a new shell\..*\s+next\s+oops\s+[\d.]+ ms · ", output(cell))
    notice, report = (cell.locator(".jp-RenderedHTML").nth(n).locator("div div div").first for n in (0, 1))
    look = "e => { const s = getComputedStyle(e); return [s.fontSize, s.lineHeight, s.backgroundColor] }"
    assert notice.evaluate(look) == report.evaluate(look)
    bar = "e => getComputedStyle(e.parentElement).boxShadow"
    assert (report.evaluate(bar), notice.evaluate(bar) == "none") == ("none", False)


def test_the_kernel_picker_offers_it(lab: Lab) -> None:
    lab.page.locator("[data-jp-item-name=kernelName] jp-button").click()
    choice = lab.page.locator(".jp-Dialog select")
    expect(choice.locator("option", has_text="AWS Lambda shell").first).to_be_attached()
    lab.page.keyboard.press("Escape")
    choice.wait_for(state="detached")


def test_run_all_stops_at_an_error(lab: Lab, root: Path) -> None:
    notebook(root / "stops.ipynb", "x=5; echo one", "echo two; false", "echo three")
    lab.open("stops.ipynb")
    lab.button("restart-and-run").click()
    lab.confirm()
    lab.wait(lab.cells.nth(1))
    expect(lab.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    assert "exit code 1" in output(lab.cells.nth(1))
    assert lab.cells.nth(2).locator(".jp-OutputArea-output").count() == 0


def test_a_restart_gives_a_clean_shell(lab: Lab) -> None:
    lab.run("x=5")
    lab.button("restart").click()
    lab.confirm()
    lab.ready()
    assert "x is gone" in output(lab.run('echo "x is ${x:-gone}"'))


def test_the_status_and_the_colours(lab: Lab) -> None:
    """Whether it runs, and bash's words in other colours than the rest."""
    cell = lab.start("for i in 1 2; do sleep 300; done")
    lab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]").wait_for()
    lab.button("interrupt").click()
    lab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    color = "span => getComputedStyle(span).color"
    word = cell.locator(".cm-line span", has_text=re.compile("^for$"))
    assert word.evaluate(color) != cell.locator(".cm-line").evaluate(color)


def test_one_click_stops_what_run_all_has_queued(lab: Lab, root: Path) -> None:
    notebook(root / "queue.ipynb", "state=kept", *["sleep 0.1"] * 30, "echo $state")
    lab.open("queue.ipynb").run_all()
    lab.wait(lab.cells.nth(2))
    lab.button("interrupt").click()
    lab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    last = lab.cells.nth(31)
    expect(last.locator(".jp-InputPrompt")).to_have_text("[ ]:")
    assert lab.page.locator(".jp-OutputArea", has_text="Interrupted").count() <= 1
    last.locator(".cm-content").click()
    lab.page.keyboard.press("Shift+Enter")  # the next test types into an empty cell
    assert output(lab.wait(last)).startswith("kept\n")


# Of each output: where its first text is, its color, and the backgrounds behind it, the nearest first.
TEXTS = """() => [...document.querySelectorAll('.jp-OutputArea-output')].map(output => {
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT), range = document.createRange()
    while (walker.nextNode() && !walker.currentNode.textContent.trim()) ;
    range.selectNodeContents(walker.currentNode)
    const backs = []
    const text = walker.currentNode, look = of => getComputedStyle(of)
    for (let e = text.parentElement; e; e = e.parentElement) backs.push(look(e).backgroundColor)
    const box = (text.parentElement.closest('summary') || range).getBoundingClientRect()  // its triangle comes first
    return [text.textContent, box.left, look(text.parentElement).color, backs]
})"""
NO_LIMIT = "%limit none"  # of what the next test shows
KINDS = "%limit 2k 32\nseq 100; echo oops >&2; sleep 0.01 & wait; kill -9 $$"
SAID = ("1\n2\n", "left out", "oops", "Done", "was killed", "exit code 137", "ms ·")
REPORT = ".jp-OutputArea-output:last-child span"
LINES = """spans => spans.map(span => [...span.getClientRects()].map(rect => [rect.left, rect.top]))"""


@pytest.mark.parametrize("name", ["Dark", "Light"])
def test_both_themes(lab: Lab, root: Path, name: str) -> None:
    """All kinds of output, as wide as a window, and in a narrow one."""
    notebook(root / "themes.ipynb", "")
    lab.theme(name)
    lab.open("themes.ipynb").run(KINDS)
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", str(name == "Light").lower())
    lab.page.locator(".jp-OutputArea-output span", has_text="of 128 MB").first.wait_for()
    texts = lab.page.evaluate(TEXTS)
    said = "".join(text for text, *_ in texts)
    assert [words for words in SAID if words not in said] == []
    for text, left, color, backs in texts:
        assert contrast(color, *backs) >= 4.5, text
        assert left == pytest.approx(texts[0][1], abs=0.5), text
    assert_hanging(lab.page)
    lab.run(NO_LIMIT)


FITS = """width => {
    const { right } = document.querySelector('.jp-Notebook').getBoundingClientRect()
    return width - 100 < right && right <= width
}"""


def assert_hanging(page: Page) -> None:
    """In a narrow window the report is broken between its parts, and what follows is indented."""
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FITS, arg=width)  # JupyterLab lays its panels out a little later
        parts = page.locator(REPORT).evaluate_all(LINES)
        assert len(parts) >= 4
        assert all(len(lines) == 1 for lines in parts)  # no part is broken
        first, later = parts[0][0], [lines[0] for lines in parts if lines[0][1] > parts[0][0][1]]
        assert bool(later) == (width == 700)
        assert all(left > first[0] or left == pytest.approx(first[0] + 24, abs=4) for left, _ in later)
    page.set_viewport_size(VIEWPORT)


def test_what_is_left_out_tells_on_a_click_how_to_get_it(lab: Lab) -> None:
    cell = lab.run("%limit 100 8\nseq 100")
    gap = cell.locator("details")
    expect(gap.locator("summary")).to_contain_text("left out: show more with %limit")
    how = gap.locator("div")
    expect(how).not_to_be_visible()
    gap.locator("summary").click()
    expect(how).to_be_visible()
    assert "8 of 100 lines shown (all: %limit none, %%output)" in output(cell)
    lab.run(NO_LIMIT)


def contrast(color: str, *backs: str) -> float:
    """Of a CSS colour on backgrounds, the nearest first, as WCAG 2.1 has it."""
    behind = [1.0, 1.0, 1.0]
    for back in reversed(backs):
        behind = blended(back, behind)
    lighter, darker = sorted((luminance(blended(color, behind)), luminance(behind)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def blended(color: str, behind: list[float]) -> list[float]:
    """The colour's red, green and blue, from 0 to 1, as they look on what is behind."""
    *parts, alpha = [*map(float, re.findall(r"[\d.]+", color)), 1.0][:4]
    return [alpha * part / 255 + (1 - alpha) * under for part, under in zip(parts, behind, strict=True)]


def luminance(parts: list[float]) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("color", "backs", "ratio"),
    [
        ("rgb(0, 0, 0)", ["rgb(255, 255, 255)"], 21.0),
        ("rgb(118, 118, 118)", ["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"], 4.54),
        ("rgba(0, 0, 0, 0.54)", ["rgb(255, 255, 255)"], 4.59),
        ("rgb(255, 255, 255)", ["rgba(255, 0, 0, 0.5)", "rgb(0, 0, 0)"], 10.99),
    ],
)
def test_contrast_is_computed_as_wcag_has_it(color: str, backs: list[str], ratio: float) -> None:
    assert contrast(color, *backs) == pytest.approx(ratio, abs=0.01)
