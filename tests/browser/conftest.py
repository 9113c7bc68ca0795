"""One server and one browser for all that is looked at on the screen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_kernel.cli import main
from tests.support.jupyterlab import FLAGS, SECONDS, jupyterlab

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

VIEWPORT: ViewportSize = {"width": 1240, "height": 900}


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's directory."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="package")
def url(root: Path) -> Iterator[str]:
    prefix = root / "prefix"
    assert main(["install", "--prefix", str(prefix)]) == 0
    with jupyterlab(root, {**os.environ, "JUPYTER_PATH": str(prefix / "share" / "jupyter")}) as url:
        yield url


@pytest.fixture(scope="package")
def chromium() -> str:
    """Its path."""
    if sys.platform != "linux":
        pytest.skip("needs Linux: the local emulator does")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs Chromium on the path")
    return found


@pytest.fixture(scope="package")
def page(root: Path, chromium: str) -> Iterator[Page]:
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=SECONDS)
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            root / "browser", executable_path=chromium, args=FLAGS, viewport=VIEWPORT
        )
        context.set_default_timeout(SECONDS)
        yield context.pages[0]
        context.close()


@pytest.fixture(scope="package")
def jupyterlab_page(page: Page, url: str) -> Page:
    """With JupyterLab's launcher at first. To load it takes seconds of work, so all open their notebooks there."""
    page.goto(f"{url}/lab?reset")
    page.locator(".jp-LauncherCard").first.wait_for()
    return page
