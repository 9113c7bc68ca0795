"""The engine as its callers see it: a thread that serves one function on 127.0.0.1.

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
from .limits import INIT_S
from .settings import Endpoint, Settings, check_settings

if TYPE_CHECKING:
    from .host import Host

_CLOSE_S = 15.0


class LocalEngine:
    """A Lambda endpoint for one function; `start` it, `close` it, or use it in a `with`."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        host: Host | None = None,
        init_s: float = INIT_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._host = host
        self._init_s = init_s
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def start(self) -> Endpoint:
        """Start unless it runs already, and return where it listens; raise EngineError where it cannot run."""
        with self._lock:
            if self._running is None:
                check_settings(self._settings)
                self._running = _Running(self._settings, self._clock, self._host, self._init_s)
                atexit.register(self.close)
            return self._running.endpoint

    def close(self) -> None:
        """Kill every environment and wait until all is gone."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            atexit.unregister(self.close)
            running.stop()

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user has to know about this engine, a sentence each; empty before it starts."""
        return self._running.notices if self._running else ()

    @property
    def isolation(self) -> str:
        """How environments are kept from the machine: `bwrap` or `none`; empty before the start."""
        return self._running.isolation if self._running else ""

    @property
    def freezer(self) -> str:
        """How environments are frozen: `cgroup` or `signals`; empty before the start."""
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

    def __init__(self, settings: Settings, clock: Callable[[], float], host: Host | None, init_s: float) -> None:
        # A fork of this process has a copy of this object and no such thread.
        self._process = os.getpid()
        self._stop: Callable[[], object] = lambda: None
        started: Future[None] = Future()
        arguments = (settings, clock, host, init_s, started)
        self._thread = threading.Thread(target=self._run, args=arguments, name="lambda-local-engine", daemon=True)
        self._thread.start()
        started.result()

    def stop(self) -> None:
        if os.getpid() == self._process:
            self._stop()
            self._thread.join(_CLOSE_S)

    def _run(
        self, settings: Settings, clock: Callable[[], float], host: Host | None, init_s: float, started: Future[None]
    ) -> None:
        import asyncio

        try:
            asyncio.run(self._serve(settings, clock, host, init_s, started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(
        self, settings: Settings, clock: Callable[[], float], host: Host | None, init_s: float, started: Future[None]
    ) -> None:
        import asyncio

        from .host import Host, check_host

        host = host or Host()
        files = check_host(host)
        try:
            from .service import Service
        except ImportError as error:
            raise EngineError(f"the local engine needs {error.name}: run `pip install {error.name}`") from None
        service = Service(settings, host, files, clock, init_s)
        self.endpoint = service.endpoint
        self.isolation = service.means.launcher.name
        self.freezer = "signals" if service.means.cgroup is None else "cgroup"
        self.notices = tuple(service.means.notices)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        started.set_result(None)
        await service.serve(stopped)
