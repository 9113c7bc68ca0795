"""JupyterLab as a process on loopback, and its notebooks as a person uses them in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# For a closed network. Chromium calls home all the same, which is no fault of a test: it has a proxy of its own, port 9
# (discard), where no one listens.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--proxy-server=127.0.0.1:9"),
]
# Not the current widget: there is none in a page that has not the focus.
SESSION = "[...window.jupyterapp.shell.widgets('main')].map(widget => widget.sessionContext).find(Boolean)"
ANSWERED = f"""async () => {{
    const context = {SESSION};
    await context.ready;
    await context.session.kernel.info;
}}"""
OPEN = """async path => {
    const { commands, shell } = window.jupyterapp;
    for (const widget of [...shell.widgets('main')]) widget.dispose();
    await commands.execute('docmanager:open', { path });
}"""
LAUNCHER = """async () => {
    const { commands, shell } = window.jupyterapp;
    for (const widget of [...shell.widgets('main')]) widget.dispose();
    await commands.execute('launcher:create');
}"""
RUN_ALL = "() => void window.jupyterapp.commands.execute('notebook:run-all-cells')"
CHANGE_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
SECONDS = 30_000  # of patience, in Playwright's milliseconds


class Lab:
    """A page of JupyterLab's, or of Notebook 7's, with one notebook on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cells = page.locator(".jp-Notebook .jp-Cell")

    def ready(self) -> Lab:
        """The kernel has answered: a restart before that leaves JupyterLab 4.6 without it."""
        self.cells.first.locator(".cm-content").wait_for()
        self.page.wait_for_function(SESSION)
        self.page.evaluate(ANSWERED)
        return self

    def open(self, name: str) -> Lab:
        """As from the list of files, in place of what was open: to load JupyterLab again takes seconds of work."""
        self.page.evaluate(OPEN, name)
        return self.ready()

    def launch(self, name: str, logo: str) -> Lab:
        """A new notebook, by the card of a kernel with that name and that logo in its address."""
        self.page.evaluate(LAUNCHER)
        card = self.page.locator(".jp-LauncherCard[data-category=Notebook]", has_text=name).first
        card.locator(f"img[src*='{logo}']").wait_for()
        card.click()
        return self.ready()

    def run_all(self) -> None:
        """As from the menu, which waits for no cell."""
        self.page.evaluate(RUN_ALL)

    def theme(self, name: str) -> None:
        """As from the menu."""
        self.page.evaluate(CHANGE_THEME, f"JupyterLab {name}")

    def button(self, name: str) -> Locator:
        """Of the notebook's toolbar."""
        return self.page.locator(f"[data-jp-item-name={name}] jp-button")

    def confirm(self) -> None:
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def type(self, code: str) -> None:
        """Into the last cell, which is empty."""
        self.cells.last.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)

    def start(self, code: str) -> Locator:
        """The cell, which runs."""
        number = self.cells.count() - 1
        self.type(code)
        self.page.keyboard.press("Shift+Enter")
        return self.cells.nth(number)

    def run(self, code: str) -> Locator:
        """The cell, which has run."""
        return self.wait(self.start(code))

    def wait(self, cell: Locator) -> Locator:
        has_number = "cell => /\\[\\d+\\]:/.test(cell.querySelector('.jp-InputPrompt').textContent)"
        self.page.wait_for_function(has_number, arg=cell.element_handle())
        return cell


def output(cell: Locator) -> str:
    return str(cell.locator(".jp-OutputArea").inner_text())


@contextmanager
def jupyterlab(root: Path, environ: dict[str, str]) -> Iterator[str]:
    """Its URL. It asks for no token, and listens on loopback only."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": root,
        "ServerApp.disable_check_xsrf": True,
        "IdentityProvider.token": "",
        "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=root, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(process, f"http://127.0.0.1:{port}/api", root / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            os.sched_yield()
    raise AssertionError(f"JupyterLab does not start: {log.read_text()[-2000:]}")


def notebook(path: Path, *sources: str) -> None:
    """A new one, which has not run yet."""
    import nbformat  # it takes long: not while tests are collected

    spec = {"name": "lambda", "display_name": "AWS Lambda shell", "language": "bash"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
