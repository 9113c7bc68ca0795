"""The Runtime API, which the runtime inside an environment calls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Each environment has its own secret path, since any
local user can reach a loopback port.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Callable

from .errors import ApiError
from .gate import Gate
from .quotas import RESPONSE_BYTES
from .runtime_process import RuntimeProcess
from .web import Admission, Exchanges, GatedServer, Request, refuse_foreign, reply_error, serve

# Where a runtime that has a network of its own listens for its own requests, as it were: on Lambda the port is 9001.
INSIDE = "127.0.0.1:9001"
# awslambdaric sends up to 1 MiB of an exception's trace in a header.
_HEADER_BYTES = 2 * 1024 * 1024
# A runtime has one; a cell that looks around may have some.
_CONNECTIONS = 16
_STRANGERS = 32
_INVOCATION = re.compile(r"/runtime/invocation/([^/]+)/(response|error)$")
_VERSION = "/2018-06-01"
_JSON = {"Content-Type": "application/json"}
_NOT_FOUND = b'{"errorType":"NotFound"}'


class RuntimeApi:
    """Listens on this machine, and in each environment's own network. It knows each environment's secret."""

    def __init__(self, listening: socket.socket, body_s: float) -> None:
        self._body_s = body_s
        self._runtimes: dict[str, RuntimeProcess] = {}
        host, port = listening.getsockname()
        self._address = f"{host}:{port}"
        self._gate = Gate(_STRANGERS)
        self._servers: set[GatedServer] = set()
        self._serve(listening, self._address, self._gate)

    def address(self, secret: str, inside: bool) -> str:
        """Return the value of AWS_LAMBDA_RUNTIME_API. awslambdaric accepts a path after the port."""
        return f"{INSIDE if inside else self._address}/{secret}"

    def listen_inside(self, listening: socket.socket) -> Callable[[], None]:
        """Serve on a socket of another network. Returns a function that ends that."""
        server = self._serve(listening, INSIDE, Gate(_STRANGERS))

        def stop() -> None:
            server.stop()
            self._servers.discard(server)

        return stop

    def new_secret(self) -> str:
        return secrets.token_urlsafe(32)

    def admit(self, secret: str, runtime_process: RuntimeProcess) -> None:
        self._runtimes[secret] = runtime_process

    def dismiss(self, secret: str) -> None:
        self._runtimes.pop(secret, None)
        self._gate.forget(secret)

    async def close(self) -> None:
        for server in self._servers:
            server.stop()
            await server.close_all_connections()

    def _serve(self, listening: socket.socket, host: str, gate: Gate) -> GatedServer:
        def admit(request: Request) -> Admission | None:
            return None if refuse_foreign(request, lambda named: named == host) else self._look(request)

        server = serve(listening, Exchanges(admit, gate), header_bytes=_HEADER_BYTES, body_s=self._body_s)
        self._servers.add(server)
        return server

    def _look(self, request: Request) -> Admission | None:
        _, secret, path = [*request.path.split("/", 2), "", ""][:3]
        runtime_process = self._runtimes.get(secret)
        if runtime_process is None:
            reply_error(request, ApiError(403, "MissingAuthenticationTokenException", "Missing Authentication Token"))
        elif not request.trust(secret, _CONNECTIONS):
            request.reply(429, _JSON, b'{"errorType":"TooManyConnections"}')
        else:
            then = _route(runtime_process, request, f"/{path}")
            if then is not None:
                return Admission(then, runtime_process.memory, runtime_process.too_much, RESPONSE_BYTES)
            request.reply(404, _JSON, _NOT_FOUND)
        return None


def _route(runtime_process: RuntimeProcess, request: Request, path: str) -> Callable[[Request], None] | None:
    if not path.startswith(_VERSION):
        return None
    call = f"{request.method} {path[len(_VERSION) :]}"
    if call == "GET /runtime/invocation/next":
        return runtime_process.next_requested
    if call == "POST /runtime/init/error":
        return runtime_process.init_error_posted
    found = _INVOCATION.search(path) if request.method == "POST" else None
    if found is None:
        return None
    request_id, kind = found.groups()
    runtime_process.expects(request, request_id)
    post = runtime_process.response_posted if kind == "response" else runtime_process.error_posted
    return lambda whole: post(whole, request_id)
