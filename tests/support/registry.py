"""A container registry in this process: images made by container_image, and everything that can go wrong."""

from __future__ import annotations

import base64
import http.server
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.container_image import Built

REPOSITORY = "team/shell"


@dataclass
class Wishes:
    """How the registry behaves. user, password: who may pull. elsewhere: the origin that blobs are at."""

    token: str = ""
    basic: bool = False
    user: str = ""
    password: str = ""
    elsewhere: str = ""
    realm: str = ""
    ranges: bool = True
    # What becomes of a request, by the number of requests for the same path before it: how many bytes of the body are
    # sent before the connection is cut.
    cut: Callable[[str, int], int | None] = lambda path, before: None
    # A status instead of an answer.
    status: Callable[[str, int], int | None] = lambda path, before: None
    # Other bytes instead of a blob's.
    lie: Callable[[str, bytes], bytes] = lambda path, body: body


@dataclass
class Registry:
    """requests: path and headers of each."""

    port: int
    wishes: Wishes = field(default_factory=Wishes)
    tags: dict[str, Built] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def push(self, tag: str, built: Built) -> str:
        """Return the reference."""
        self.tags[tag] = built
        return f"{self.host}/{REPOSITORY}:{tag}"

    def paths(self, part: str = "") -> list[str]:
        return [path for path, _ in self.requests if part in path]

    def answer(self, path: str, query: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if path == "/token":
            return self._token(parse_qs(query), headers)
        if not self._may(headers):
            return 401, {"WWW-Authenticate": self._challenge()}, b"{}"
        found = re.fullmatch(rf"/v2/{REPOSITORY}/(manifests|blobs)/(.+)", path)
        if not found:
            return 404, {}, b"{}"
        if found[1] == "blobs" and self.wishes.elsewhere:
            return 307, {"Location": f"{self.wishes.elsewhere}{path}"}, b""
        return self._content(found[2], headers)

    def _content(self, name: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        built = self.tags.get(name)
        blobs = {key: blob for one in self.tags.values() for key, blob in one.blobs.items()}
        body = blobs.get(built.top if built else name)
        if body is None:
            return 404, {}, b'{"errors": []}'
        about = {"Content-Type": built.media_type if built else "application/octet-stream"}
        begins = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        if begins and self.wishes.ranges:
            return 206, {"Content-Range": f"bytes {begins[1]}-{len(body) - 1}/{len(body)}"}, body[int(begins[1]) :]
        return 200, about, self.wishes.lie(name, body)

    def _may(self, headers: dict[str, str]) -> bool:
        given = headers.get("Authorization", "")
        if self.wishes.basic:
            return given == self._basic()
        return not self.wishes.token or given == f"Bearer {self.wishes.token}"

    def _challenge(self) -> str:
        if self.wishes.basic:
            return 'Basic realm="here"'
        realm = self.wishes.realm or f"http://{self.host}/token"
        return f'Bearer realm="{realm}",service="here",scope="repository:{REPOSITORY}:pull"'

    def _token(self, query: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        assert query == {"service": ["here"], "scope": [f"repository:{REPOSITORY}:pull"]}
        if self.wishes.user and headers.get("Authorization") != self._basic():
            return 401, {}, b"{}"
        return 200, {}, json.dumps({"token": self.wishes.token}).encode()

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.wishes.user}:{self.wishes.password}".encode()).decode()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: Registry

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        before = len(self.registry.paths(parts.path))
        headers = dict(self.headers.items())
        self.registry.requests.append((parts.path, headers))
        status, about, body = self.registry.answer(parts.path, parts.query, headers)
        if wished := self.registry.wishes.status(parts.path, before):
            status, body = wished, b"{}"
        self.send_response(status)
        for name, value in {**about, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = self.registry.wishes.cut(parts.path, before)
        self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_: Any) -> None:
        """Be silent."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error: it would be printed among what a command prints."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve_registry() -> Iterator[Registry]:
    class Handler(_Handler):
        pass

    server = _Server(("127.0.0.1", 0), Handler)
    Handler.registry = Registry(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Handler.registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
