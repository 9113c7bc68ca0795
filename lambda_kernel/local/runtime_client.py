"""awslambdaric's C module in Python, for images that bring another Python than this machine's.

It is put beside our copy of awslambdaric, last on the module path: an image's own comes first. It speaks the Runtime
API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) and imports nothing of the engine.

It does without http.client, which loads the modules email and ssl: a tenth of a cold start. The engine's answers have a
Content-Length, and no other form.
"""

from __future__ import annotations

import os
import socket

_PATH = "/2018-06-01/runtime/invocation"
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_AGENT = "User-Agent"
Response = tuple[int, dict[str, str], bytes]  # status, headers, body
_connection: _Connection | None = None
_headers: dict[str, str] = {}


class _Connection:
    """It stays open, as the C module's does."""

    def __init__(self, address: str) -> None:
        self._address = address
        host, _, port = address.partition(":")
        self._socket = socket.socket()
        self._socket.connect((host, int(port or 80)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        about = {"Host": self._address, **headers, "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in about.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)

    def receive(self) -> Response:
        _, status, *_ = self._line().split(None, 2)
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.title()] = value.strip()
        size = int(headers["Content-Length"])
        body = self._answers.read(size)
        if len(body) < size:
            raise ConnectionResetError("the Runtime API's answer was cut off")
        return int(status), headers, body

    def _line(self) -> str:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the Runtime API has closed the connection")
        return line.decode("latin-1").rstrip("\r\n")

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def initialize_client(user_agent: str) -> None:
    _headers[_AGENT] = user_agent


def next() -> tuple[bytes, dict[str, str | int]]:  # noqa: A001 - awslambdaric's name
    """Wait for an event. Return its body, and the headers that came with it."""
    _, headers, body = _send("GET", f"{_PATH}/next", b"", {})
    return body, {**headers, _DEADLINE: int(headers[_DEADLINE])}


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None) -> None:
    _post(f"{_PATH}/{invoke_id}/response", result, {"Content-Type": content_type})


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    _post(f"{_PATH}/{invoke_id}/error", error.encode(), {"Content-Type": "application/json"})


def _post(path: str, body: bytes, headers: dict[str, str]) -> None:
    status, _, answer = _send("POST", path, body, headers)
    if status != 202:
        raise RuntimeError(f"the Runtime API refused {path} (HTTP status {status}): {answer[:200]!r}")


def _send(method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
    global _connection  # noqa: PLW0603
    address, _, secret = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
    if _connection is None:
        _connection = _Connection(address)
    try:
        _connection.send(method, f"/{secret}{path}" if secret else path, body, {**_headers, **headers})
        answer = _connection.receive()
    except BaseException:
        _drop()
        raise
    if answer[1].get("Connection", "").lower() == "close":
        _drop()
    return answer


def _drop() -> None:
    global _connection  # noqa: PLW0603
    if _connection is not None:
        _connection.close()
    _connection = None
