"""The kernel in Notebook 7, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.jupyterlab import Lab, output

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)


def test_a_notebook_of_its_menu_runs_and_is_interrupted(page: Page, url: str) -> None:
    tree = page.context.new_page()
    tree.goto(f"{url}/tree")
    tree.get_by_text("New", exact=True).click()
    with page.context.expect_page() as opened:
        tree.locator(".lm-Menu-item", has_text="AWS Lambda shell").first.click()
    lab = Lab(opened.value).ready()
    assert "Mem:" in output(lab.run("free"))
    cell = lab.start("echo begun; sleep 300; echo never")
    cell.get_by_text("begun").wait_for()
    lab.button("interrupt").click()
    lab.wait(cell)
    assert "Interrupted" in output(cell)
    lab.page.close()
    tree.close()
