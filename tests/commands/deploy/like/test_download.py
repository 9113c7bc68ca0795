"""What lies behind a presigned URL, read over a real socket."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from lambda_kernel.commands.deploy.like.download import fetch, names_in
from lambda_kernel.commands.deploy.problems import DeployError
from tests.support.packages import zipped

BODY = zipped({"a": bytes(300_000), "b/": "", "b/c": "x"}, 0)


class Storage(http.server.BaseHTTPRequestHandler):
    """Answers as S3 does; the path says how it does not."""

    def do_GET(self) -> None:
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        whole = self.path == "/whole"
        body = BODY if whole else BODY[first : last + 1]
        self.send_response({"/forbidden": 403, "/whole": 200}.get(self.path, 206))
        self.send_header("Content-Length", str(len(body) + (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/part", "/whole"])
def test_a_part_and_no_more(storage: str, path: str) -> None:
    assert fetch(storage + path, 0, 10) == BODY[:10]
    assert fetch(storage + path, 5, 10) == BODY[5:15]
    assert fetch(storage + path, 0, len(BODY) + 1) == BODY
    assert names_in(storage + path, len(BODY), fetch) == ["a", "b/", "b/c"]


def test_what_cannot_be_read_is_one_sentence(storage: str) -> None:
    with pytest.raises(DeployError, match=r"AWS does not give the package \(HTTP status 403\): try again"):
        fetch(f"{storage}/forbidden", 0, 10)
    with pytest.raises(DeployError, match=r"the package cannot be read from 127\.0\.0\.1:\d+: check the network"):
        fetch(f"{storage}/cut", 0, len(BODY) + 1)
    assert names_in(f"{storage}/forbidden", len(BODY), fetch) is None


def test_nobody_is_there() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DeployError, match=f"cannot be read from 127.0.0.1:{port}: check the network and the proxy"):
        fetch(f"http://127.0.0.1:{port}/x", 0, 10)
