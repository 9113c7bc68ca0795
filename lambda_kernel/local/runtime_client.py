"""awslambdaric's C module in Python, for images that bring another Python than this machine's.

It is put beside our copy of awslambdaric, last on the module path: an image's own comes first. It speaks the Runtime
API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) and imports nothing of the engine.
"""

from __future__ import annotations

import http.client
import os

_PATH = "/2018-06-01/runtime/invocation"
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_connection: http.client.HTTPConnection | None = None
_headers: dict[str, str] = {}


def initialize_client(user_agent: str) -> None:
    _headers["User-Agent"] = user_agent


def next() -> tuple[bytes, dict[str, str | int]]:  # noqa: A001 - awslambdaric's name
    """Wait for an event. Return its body, and the headers that came with it."""
    response, body = _send("GET", f"{_PATH}/next", None, {})
    headers: dict[str, str | int] = {name.title(): value for name, value in response.getheaders()}
    headers[_DEADLINE] = int(headers[_DEADLINE])
    return body, headers


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None) -> None:
    _post(f"{_PATH}/{invoke_id}/response", result, {"Content-Type": content_type})


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    _post(f"{_PATH}/{invoke_id}/error", error.encode(), {"Content-Type": "application/json"})


def _post(path: str, body: bytes, headers: dict[str, str]) -> None:
    response, answer = _send("POST", path, body, headers)
    if response.status != 202:
        raise RuntimeError(f"the Runtime API refused {path} (HTTP status {response.status}): {answer[:200]!r}")


def _send(
    method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send by one connection, which stays open, as the C module does."""
    global _connection  # noqa: PLW0603
    host, _, secret = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
    if _connection is None:
        _connection = http.client.HTTPConnection(host)
    try:
        _connection.request(method, f"/{secret}{path}" if secret else path, body, {**_headers, **headers})
        response = _connection.getresponse()
        return response, response.read()
    except BaseException:
        _connection.close()
        raise
