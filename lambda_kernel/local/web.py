"""A thin layer over tornado's HTTP server: whole requests in, one reply out, with limits for everything."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

from .errors import ApiError
from .gate import Gate

_JSON = {"Content-Type": "application/json"}
_REASONS = {status.value: status.phrase for status in HTTPStatus}

# A larger body is read to its end, since a client reads no answer before it has sent all, but it is not kept.
KEPT_BYTES = 8 * 1024 * 1024
# Beyond this, tornado closes the connection.
READ_BYTES = 1024**3


class Request:
    """One request with its body."""

    def __init__(self, connection: HTTP1Connection, line: RequestStartLine, headers: HTTPHeaders, gate: Gate) -> None:
        self._connection = connection
        self._gate = gate
        self.method: str = line.method
        self.target: str = line.path
        self.path, _, self.query = line.path.partition("?")
        self.headers = headers
        self.body = b""
        self.size = 0
        self.closed = False
        # Called when the client goes away before its answer.
        self.on_leave: Callable[[], None] = lambda: None
        self._read = self._replied = False

    @property
    def announced(self) -> int:
        """The length of the body according to the headers. 0: they do not tell."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0

    @property
    def client(self) -> IOStream:
        return self._connection.stream

    def trust(self, who: str, most: int) -> bool:
        """Note that the client has shown its key. Returns whether it may stay connected."""
        return self._gate.trust(self.client, who, most)

    def reply(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send the answer once. If the client is gone, it is dropped."""
        if self.closed:
            return
        self.closed = self._replied = True
        sent = HTTPHeaders({"Content-Length": str(len(body))} if status != 204 else {})
        for name, value in headers.items():
            sent[name] = value
        line = ResponseStartLine("", status, _REASONS.get(status, "Unknown"))
        self._connection.write_headers(line, sent, body)
        # An early answer is finished with the body: who sends all before it reads would else find a broken
        # connection. Who asks first (`Expect`) sends none.
        if self._read or "Expect" in self.headers:
            self._connection.finish()

    def ended(self, body: bytes) -> None:
        """The body is complete."""
        self._read, self.body = True, body
        if self._replied:
            self._connection.finish()
        else:
            self._connection.set_close_callback(self.left)

    def left(self) -> None:
        if not self.closed:
            self.closed = True
            self.on_leave()


class Memory:
    """The memory for all bodies that are being received."""

    def __init__(self, most: int) -> None:
        self._free = most

    def take(self, size: int) -> bool:
        if size > self._free:
            return False
        self._free -= size
        return True

    def give(self, size: int) -> None:
        self._free += size


@dataclass(frozen=True)
class Admission:
    """What the headers have earned: `most` bytes of the body are kept, of what is left of `memory`, and `then` takes
    the request. Where nothing is left, `refuse` answers it."""

    then: Callable[[Request], None]
    memory: Memory
    refuse: Callable[[Request], None]
    most: int = KEPT_BYTES


# Says what may be done with a request by its headers alone, or answers it.
Admit = Callable[[Request], Admission | None]


class _Exchange(HTTPMessageDelegate):
    """Collects one request."""

    def __init__(self, connection: HTTP1Connection, admit: Admit, gate: Gate) -> None:
        self._connection = connection
        self._admit = admit
        self._gate = gate
        self._chunks: list[bytes] = []
        self._held = 0
        self._request: Request | None = None
        self._admission: Admission | None = None

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        assert isinstance(start_line, RequestStartLine)
        self._request = Request(self._connection, start_line, headers, self._gate)
        self._admission = self._admit(self._request)
        if not self._request.closed:
            self._hold(self._request, self._request.announced)

    def data_received(self, chunk: bytes) -> None:
        assert self._request is not None
        self._request.size += len(chunk)
        if self._hold(self._request, self._request.size):
            self._chunks.append(chunk)

    def finish(self) -> None:
        assert self._request is not None
        body, replied = b"".join(self._chunks), self._request.closed
        self._chunks.clear()
        self._request.ended(body)
        if self._admission is not None and not replied:
            self._admission.then(self._request)
        self._let_go()

    def on_connection_close(self) -> None:
        self._let_go()
        if self._request is not None:
            self._request.left()

    def _hold(self, request: Request, size: int) -> bool:
        """Reserve memory for a part of the body. Returns whether to keep it."""
        admission = self._admission
        if admission is None or request.closed:
            return False
        if size > admission.most:
            self._let_go()
            return False
        more = size - self._held
        if more > 0 and not admission.memory.take(more):
            self._let_go()
            admission.refuse(request)
            return False
        self._held += max(more, 0)
        return True

    def _let_go(self) -> None:
        self._chunks.clear()
        if self._admission is not None:
            self._admission.memory.give(self._held)
        self._held = 0


class Exchanges(HTTPServerConnectionDelegate):
    """Hands each request to one function, when its headers are there, and to what that returns, when all is."""

    def __init__(self, admit: Admit, gate: Gate) -> None:
        self._admit = admit
        self.gate = gate

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)
        # Answers are small: waiting for more to send would cost up to 40 ms.
        request_conn.stream.set_nodelay(True)
        return _Exchange(request_conn, self._admit, self.gate)


class GatedServer(HTTPServer):
    """An HTTP server behind a gate."""

    gate: Gate

    def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        self.gate.enter(stream)
        super().handle_stream(stream, address)


def serve(
    listening: socket.socket,
    exchanges: Exchanges,
    *,
    header_bytes: int,
    body_s: float,
    idle_s: float | None = None,
) -> GatedServer:
    """Serve on a socket that is already listening."""
    server = GatedServer(
        exchanges,
        max_body_size=READ_BYTES,
        max_header_size=header_bytes,
        body_timeout=body_s,
        idle_connection_timeout=idle_s,
    )
    server.gate = exchanges.gate
    server.add_socket(listening)
    return server


def refuse_foreign(request: Request, is_own: Callable[[str | None], bool]) -> bool:
    """First refuse what a web page could send. is_own: whether a Host is ours."""
    foreign = "Origin" in request.headers or not is_own(request.headers.get("Host"))
    if foreign:
        reply_error(request, ApiError(403, "AccessDeniedException", "Requests from web pages are refused."))
    return foreign


def reply_error(request: Request, error: ApiError) -> None:
    """Answer as Lambda does: the code in a header, the text in the body."""
    headers = {**_JSON, "x-amzn-ErrorType": error.code, "x-amzn-RequestId": str(uuid.uuid4())}
    if error.status == 429:
        headers["Retry-After"] = "1"
    request.reply(error.status, headers, json.dumps(error.body()).encode())
