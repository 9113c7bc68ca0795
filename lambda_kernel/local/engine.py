"""The local emulator for its callers: a thread that serves one function on 127.0.0.1.

Importing it costs next to nothing: the HTTP server is loaded when the engine starts.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING

from .errors import EngineError
from .quotas import Patience
from .settings import Endpoint, Settings, check_settings

if TYPE_CHECKING:
    from .host import Host

_CLOSE_S = 15.0
_PATIENCE = Patience()


class LocalEngine:
    """A Lambda endpoint for one function; `start` it, `close` it, or use it in a `with`."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        host: Host | None = None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._host = host
        self._patience = patience
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def start(self) -> Endpoint:
        """Start it unless it runs, and return its endpoint. Raises EngineError if it cannot run."""
        with self._lock:
            if self._running is None:
                check_settings(self._settings)
                self._running = _Running(self._settings, self._clock, self._host, self._patience)
                atexit.register(self.close)
            return self._running.endpoint

    def prepare(self) -> None:
        """Make the first environment's sandbox ahead, in the engine's own thread, if it runs: nobody waits for it."""
        with self._lock:
            if self._running is not None:
                self._running.prepare()

    def close(self) -> None:
        """Kill all environments, and wait until they are gone."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            atexit.unregister(self.close)
            running.stop()

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences that a user should know about this engine. Empty before the start."""
        return self._running.notices if self._running else ()

    @property
    def isolation(self) -> str:
        """How environments are isolated: `bwrap` or `none`. Empty before the start."""
        return self._running.isolation if self._running else ""

    @property
    def freezer(self) -> str:
        """How environments are frozen: `cgroup` or `signals`. Empty before the start."""
        return self._running.freezer if self._running else ""

    def __enter__(self) -> LocalEngine:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Running:
    """A started engine: its thread, and what is known of it."""

    def __init__(self, settings: Settings, clock: Callable[[], float], host: Host | None, patience: Patience) -> None:
        self._settings, self._clock, self._host, self._patience = settings, clock, host, patience
        # After a fork, the new process has a copy of this object but not the thread.
        self._process = os.getpid()
        self._stop: Callable[[], object] = lambda: None
        self.prepare: Callable[[], object] = lambda: None
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="lambda-local-engine", daemon=True)
        self._thread.start()
        started.result()

    def stop(self) -> None:
        if os.getpid() == self._process:
            self._stop()
            self._thread.join(_CLOSE_S)

    def _run(self, started: Future[None]) -> None:
        import asyncio

        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[None]) -> None:
        import asyncio

        from .host import Host, check_host

        host = self._host or Host()
        files = check_host(host)
        try:
            from .service import Service
        except ImportError as error:
            raise EngineError(f"the local emulator needs {error.name}: run `pip install {error.name}`") from None
        service = Service(self._settings, host, files, self._clock, self._patience)
        self.endpoint = service.endpoint
        self.isolation = service.capabilities.launcher.name
        self.freezer = "signals" if service.capabilities.groups.unified is None else "cgroup"
        self.notices = tuple(service.capabilities.notices)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        self.prepare = lambda: loop.call_soon_threadsafe(service.prepare)
        started.set_result(None)
        await service.serve(stopped)
