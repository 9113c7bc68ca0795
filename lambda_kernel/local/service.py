"""What runs in the engine's thread: the HTTP server with its two APIs, and the environments behind it."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import string
from collections.abc import Callable

from tornado.httpserver import HTTPServer

from .environment import Environment, Premises
from .errors import ApiError, EngineError
from .host import Host, find_means
from .invoke_api import InvokeApi, reply_error
from .limits import REGION
from .pool import Pool
from .run_directory import RunDirectory
from .runtime_api import RuntimeApi
from .runtime_files import RuntimeFiles
from .settings import Endpoint, Settings
from .sigv4 import Verifier
from .web import HEADER_BYTES, READ_BYTES, Exchanges, Request

_ADDRESS = "127.0.0.1"


class Service:
    """Made, used and closed in one event loop."""

    def __init__(
        self, settings: Settings, host: Host, files: RuntimeFiles, clock: Callable[[], float], init_s: float
    ) -> None:
        self._settings = settings
        listening = _bind(settings.port)
        port = listening.getsockname()[1]
        self._directory = RunDirectory()
        try:
            self.means = find_means(settings, host, files, self._directory)
        except BaseException:
            listening.close()
            self._directory.close()
            raise
        self._premises = Premises(settings, self.means.launcher, self._directory, self.means.cgroup, init_s)
        self.endpoint = _make_endpoint(settings, port)
        self._hosts = {f"{_ADDRESS}:{port}", f"localhost:{port}"}
        self._runtime_api = RuntimeApi(f"{_ADDRESS}:{port}")
        self._pool = Pool(self._make_environment, settings.concurrency, settings.idle_s, clock)
        verifier = Verifier(self.endpoint.access_key_id, self.endpoint.secret_access_key)
        self._invoke_api = InvokeApi(settings, self._pool, verifier)
        self._server = HTTPServer(Exchanges(self._handle), max_body_size=READ_BYTES, max_header_size=HEADER_BYTES)
        self._server.add_socket(listening)

    async def serve(self, until: asyncio.Event) -> None:
        """Expire idle environments until the end, then leave nothing behind."""
        try:
            while not until.is_set():
                self._pool.expire()
                await _wait(until, min(10.0, max(0.05, self._settings.idle_s / 10)))
        finally:
            await self._close()

    async def _close(self) -> None:
        self._server.stop()
        await self._invoke_api.close()
        await self._pool.close()
        await self._server.close_all_connections()
        if self.means.cgroup is not None:
            self.means.cgroup.remove_with_children()
        self._directory.close()

    def _make_environment(self, tenant_id: str | None) -> Environment:
        secret = self._runtime_api.new_secret()
        environment = Environment(self._premises, secrets.token_hex(6), self._runtime_api.address(secret), tenant_id)
        self._runtime_api.admit(secret, environment.guest)
        environment.on_close = lambda: self._runtime_api.dismiss(secret)
        return environment

    def _handle(self, request: Request) -> None:
        """Refuse what a web page may send before looking at anything else, then find the API that is meant."""
        if "Origin" in request.headers or request.headers.get("Host") not in self._hosts:
            reply_error(request, ApiError(403, "AccessDeniedException", "Requests from web pages are refused."))
        elif not self._runtime_api.handle(request):
            self._invoke_api.handle(request)


def _bind(port: int) -> socket.socket:
    try:
        listening = socket.create_server((_ADDRESS, port), backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EngineError(f"port {port} is in use: choose another one, or 0 for any free port") from None
        raise EngineError(f"port {port} cannot be opened ({error.strerror}): choose another one, or 0") from None
    listening.setblocking(False)
    return listening


def _make_endpoint(settings: Settings, port: int) -> Endpoint:
    """Make up credentials of the usual form; nothing outside of this engine accepts them."""
    letters = string.ascii_uppercase + string.digits
    key_id = "AKIALOCAL" + "".join(secrets.choice(letters) for _ in range(11))
    url = f"http://{_ADDRESS}:{port}"
    return Endpoint(url, key_id, secrets.token_urlsafe(30), REGION, settings.function)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except asyncio.TimeoutError:
        return
