"""The thin layer over tornado's HTTP server: whole requests in, one reply out, nothing unbounded kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

_REASONS = {status.value: status.phrase for status in HTTPStatus}

# A larger body is read to its end, since a client reads no answer before it has sent all, but it is not kept.
KEPT_BYTES = 8 * 1024 * 1024
# Beyond this, tornado closes the connection.
READ_BYTES = 1024**3
# awslambdaric sends up to 1 MiB of an exception's trace in a header.
HEADER_BYTES = 2 * 1024 * 1024


class Request:
    """One request, its body read."""

    def __init__(self, connection: HTTPConnection, line: RequestStartLine, headers: HTTPHeaders) -> None:
        self._connection = connection
        self.method: str = line.method
        self.target: str = line.path
        self.path, _, self.query = line.path.partition("?")
        self.headers = headers
        self.body = b""
        self.size = 0
        self.closed = False

    def reply(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send the answer, once; a client that has gone away misses it."""
        if self.closed:
            return
        self.closed = True
        sent = HTTPHeaders({"Content-Length": str(len(body))} if status != 204 else {})
        for name, value in headers.items():
            sent[name] = value
        line = ResponseStartLine("", status, _REASONS.get(status, "Unknown"))
        self._connection.write_headers(line, sent, body)
        self._connection.finish()


class _Exchange(HTTPMessageDelegate):
    """Collects one request."""

    def __init__(self, connection: HTTPConnection, handle: Callable[[Request], None]) -> None:
        self._connection = connection
        self._handle = handle
        self._chunks: list[bytes] = []
        self._request: Request | None = None

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        assert isinstance(start_line, RequestStartLine)
        self._request = Request(self._connection, start_line, headers)

    def data_received(self, chunk: bytes) -> None:
        assert self._request is not None
        self._request.size += len(chunk)
        if self._request.size <= KEPT_BYTES:
            self._chunks.append(chunk)

    def finish(self) -> None:
        assert self._request is not None
        self._request.body = b"".join(self._chunks)
        self._handle(self._request)

    def on_connection_close(self) -> None:
        if self._request is not None:
            self._request.closed = True


class Exchanges(HTTPServerConnectionDelegate):
    """Hands each complete request to one function."""

    def __init__(self, handle: Callable[[Request], None]) -> None:
        self._handle = handle

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)
        # Answers are small: waiting for more to send would cost up to 40 ms.
        request_conn.stream.set_nodelay(True)
        return _Exchange(request_conn, self._handle)
