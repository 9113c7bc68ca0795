"""JupyterLab as a process on loopback, and a real browser before it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# For a closed network: Chromium calls home at its start otherwise.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


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


def put(url: str, method: str, content: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(content).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=20):
        pass


def theme(url: str, name: str) -> None:
    raw = json.dumps({"theme": f"JupyterLab {name}"})
    put(f"{url}/lab/api/settings/@jupyterlab/apputils-extension:themes", "PUT", {"raw": raw})
