"""Runs in the engine's thread: the HTTP server with its two APIs, and the environments."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable

from .address import LOOPBACK, Address, find_address
from .cpu_share import Rotation, cpus_seen
from .environment import Environment, SharedConfig
from .gate import Gate
from .host import Host, find_capabilities
from .invoke_api import InvokeApi
from .kept_keys import Keys, keep_keys, make_keys
from .pool import Pool
from .quotas import REGION, Patience
from .run_directory import RunDirectory
from .runtime_api import RuntimeApi
from .runtime_files import RuntimeFiles
from .settings import Endpoint, Settings
from .sigv4 import Verifier
from .web import Admission, Exchanges, Request, refuse_foreign, serve

# A client context is 3,583 bytes at most (Invoke in the API reference), and AWS's SDKs send little else.
_HEADER_BYTES = 64 * 1024
_STARTS_PER_CPU = 2


class Service:
    """Made, used and closed in one event loop."""

    def __init__(
        self, settings: Settings, host: Host, files: RuntimeFiles, clock: Callable[[], float], patience: Patience
    ) -> None:
        self._settings = settings
        keys = keep_keys(settings.credentials) if settings.credentials else make_keys()
        self._address = find_address(settings.bind, settings.beyond_loopback)
        listening = self._address.listen(settings.port)
        self._port: int = listening.getsockname()[1]
        self._directory = RunDirectory()
        try:
            self.capabilities = find_capabilities(settings, host, files, self._directory)
        except BaseException:
            listening.close()
            self._directory.close()
            raise
        launcher, groups = self.capabilities.launcher, self.capabilities.groups
        rotation = Rotation(cpus_seen(settings.memory_mb)) if settings.cpu == "lambda" else None
        starting = asyncio.Semaphore(_STARTS_PER_CPU * (os.cpu_count() or 1))
        self._shared = SharedConfig(settings, launcher, self._directory, groups, rotation, patience, starting)
        self.endpoint = _make_endpoint(settings, self._address, self._port, keys)
        self._runtime_api = RuntimeApi(Address(LOOPBACK).listen(0), patience.body_s)
        self.capabilities.launcher.listen_inside = self._runtime_api.listen_inside
        self._pool = Pool(self._make_environment, settings.concurrency, settings.idle_s, clock)
        verifier = Verifier(self.endpoint.access_key_id, self.endpoint.secret_access_key)
        self._invoke_api = InvokeApi(settings, self._pool, verifier)
        if self._address.beyond:
            self.capabilities.notices.append(
                f"other machines may reach this on {settings.bind}: who knows the credentials has a shell here, and "
                "nothing is encrypted"
            )
        self._server = serve(
            listening,
            Exchanges(self._admit, Gate(concurrency=settings.concurrency)),
            header_bytes=_HEADER_BYTES,
            body_s=patience.body_s,
            idle_s=patience.idle_s,
        )

    async def serve(self, until: asyncio.Event) -> None:
        """End idle environments until the service ends, then clean up everything."""
        try:
            while not until.is_set():
                self._pool.expire()
                await _wait(until, min(10.0, max(0.05, self._settings.idle_s / 10)))
        finally:
            await self._close()

    def prepare(self) -> None:
        """See Pool. What fails here fails at the first event, too, and is reported there."""
        with contextlib.suppress(OSError):
            self._pool.prepare()

    async def _close(self) -> None:
        self._server.stop()
        await self._invoke_api.close()
        # First, so that no environment has to give its storage back.
        self.capabilities.launcher.storage.close()
        await self._pool.close()
        await self._server.close_all_connections()
        await self._runtime_api.close()
        self.capabilities.groups.remove_with_children()
        self._directory.close()

    def _make_environment(self, tenant_id: str | None) -> Environment:
        secret = self._runtime_api.new_secret()
        address = self._runtime_api.address(secret, inside=self._settings.network != "host")
        environment = Environment(self._shared, secrets.token_hex(6), address, tenant_id)
        self._runtime_api.admit(secret, environment.runtime_process)
        environment.on_close = lambda: self._runtime_api.dismiss(secret)
        return environment

    def _admit(self, request: Request) -> Admission | None:
        foreign = refuse_foreign(request, lambda host: self._address.is_own(host, self._port))
        return None if foreign else self._invoke_api.admit(request)


def _make_endpoint(settings: Settings, address: Address, port: int, keys: Keys) -> Endpoint:
    return Endpoint(address.url(port), keys.access_key_id, keys.secret_access_key, REGION, settings.function)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except asyncio.TimeoutError:
        return
