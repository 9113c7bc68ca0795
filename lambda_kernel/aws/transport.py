"""One invocation: an event in, a reply and its report out. This is the kernel's only way to Lambda."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from .. import __version__, errors
from ..report import Report, parse
from ..untrusted import Unfit, load, visible
from . import boto_session
from .api_errors import TOO_LARGE
from .client_errors import NOWHERE, TIMED_OUT, function_failed, mapped_errors, watch
from .error_text import REQUEST_BYTES, ErrorContext

Event = dict[str, Any]

ANSWER_BYTES = 8_000_000  # Lambda's limit is 6,291,556 (Lambda quotas)
ID_CHARACTERS = 100
# botocore has one timeout per client, not per call. It is the longest slice (5 s) plus the time for a repeated init.
READ_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0
CONNECTIONS = 10  # as botocore has it
# Firewalls and NAT gateways drop an idle connection, some after a minute.
IDLE_SECONDS = 60.0
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}


@dataclass(frozen=True)
class Reply:
    """The result of one invocation. seconds: the whole round trip."""

    payload: Any
    request_id: str
    seconds: float
    report: Report | None = None
    log: bytes = b""


class Transport(Protocol):
    """The way to one function. The region of the local emulator is "local"."""

    function: str
    region: str

    def invoke(self, event: Event) -> Reply:
        """Run the function once. Raises errors.KernelError; only Refused means that nothing has run."""

    def renew(self) -> bool:
        """Leave the current environments for good; False if Lambda offers no way to do so."""

    def close(self) -> None: ...


class LambdaClient(Protocol):
    """The part of boto3's Lambda client that is used here."""

    @property
    def meta(self) -> Any: ...

    def invoke(self, **parameters: Any) -> dict[str, Any]: ...

    def close(self) -> None: ...


@dataclass
class BotoTransport:
    """boto3's Invoke without retries. botocore retries after a read timeout, which would run a command again.

    make: makes another client, which reads the AWS settings again; profile: the one that the target names.
    """

    function: str
    region: str
    client: LambdaClient
    tenant: str
    make: Callable[[], LambdaClient] | None = None
    profile: str | None = None
    clock: Callable[[], float] = time.monotonic
    generation: int = 0
    tenancy: bool | None = None
    last_used: float = field(default=0.0)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        watch(self.client)

    def invoke(self, event: Event, tenant_id: str | None = None) -> Reply:
        """tenant_id: another one than the transport's own."""
        payload, client = json.dumps(event).encode(), self.client
        tenant_id = tenant_id or f"{self.tenant}-{self.generation}"
        try:
            return self._as_a_tenant_or_not(payload, tenant_id)
        except errors.BadSettings:
            if self.make is None:
                raise
        # Nothing has run. A new client is needed: a client keeps the keys of a profile or a process for its whole life.
        self._replace(client, self.make())
        return self._as_a_tenant_or_not(payload, tenant_id)

    def _replace(self, before: LambdaClient, client: LambdaClient) -> None:
        """Unless it has been replaced meanwhile: an abandoned call goes on, and may get its credentials late."""
        watch(client)
        with self.lock:
            late = self.client is not before
            self.client = self.client if late else client
        (client if late else before).close()

    def _as_a_tenant_or_not(self, payload: bytes, tenant_id: str) -> Reply:
        """Try with a tenant id and without.

        Lambda refuses the wrong one before anything runs. A function may be replaced by one of the other kind.
        """
        tenant = self.tenancy is not False
        try:
            return self._invoke(payload, tenant_id if tenant else None)
        except errors.WrongTenancy:
            pass
        return self._invoke(payload, None if tenant else tenant_id)

    def _invoke(self, payload: bytes, tenant_id: str | None) -> Reply:
        tenant = tenant_id is not None
        extra = {"TenantId": tenant_id} if tenant else {}
        context = ErrorContext(self.function, self.region, self.profile, tenant, len(payload))
        if len(payload) > REQUEST_BYTES:
            raise errors.Refused(context.sentence(TOO_LARGE))
        begin = self.clock()
        with self.lock:
            idle, self.last_used = begin - self.last_used > IDLE_SECONDS, begin
        if idle:
            self.client.close()
        with mapped_errors(context, watched=True):
            answer = self.client.invoke(FunctionName=self.function, LogType="Tail", Payload=payload, **extra)
            body = read_body(answer, context)
        end = self.last_used = self.clock()
        self.tenancy = tenant
        return read_answer(answer, body, end - begin, context)

    def renew(self) -> bool:
        self.generation += 1
        return self.tenancy is not False

    def close(self) -> None:
        self.client.close()


class SlotTransport:
    """The way to one slot of a fleet, which is a tenant of its own. All slots share one client."""

    def __init__(self, shared: BotoTransport, slot: int) -> None:
        self.function, self.region = shared.function, shared.region
        self._shared, self._slot, self._generation = shared, slot, 0

    def invoke(self, event: Event) -> Reply:
        return self._shared.invoke(event, f"{self._shared.tenant}-fleet-{self._slot}-{self._generation}")

    def renew(self) -> bool:
        self._generation += 1
        return self._shared.tenancy is not False

    def close(self) -> None:
        """Close the idle connections of all slots. The next invocation opens new ones."""
        self._shared.close()


def read_body(answer: dict[str, Any], context: ErrorContext) -> bytes:
    """Raises Unanswered if the connection broke among the headers, which http.client takes for their end, or if the
    body is too long."""
    body = b""
    while part := bytes(answer["Payload"].read(ANSWER_BYTES + 1)):
        body += part
        if len(body) > ANSWER_BYTES:
            raise errors.Unanswered(f"the answer of {context} is longer than Lambda allows: check the endpoint")
    if not body and answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-length") != "0":
        raise errors.Unanswered(f"the answer of {context} is incomplete: check the network")
    return body


def read_answer(answer: dict[str, Any], body: bytes, seconds: float, context: ErrorContext = NOWHERE) -> Reply:
    """A reply from boto3's answer. Raises FunctionFailed if the function ended without an answer."""
    log = read_log(str(answer.get("LogResult") or ""))
    request_id = visible(str(answer.get("ResponseMetadata", {}).get("RequestId", "")), ID_CHARACTERS)
    report = parse(log)
    try:
        payload = load(body)
    except Unfit:
        payload = body.decode("utf-8", "replace")
    # AWS's Runtime Interface Emulator reports a timeout as bare text (its handlers.go).
    if answer.get("FunctionError") or (isinstance(payload, str) and TIMED_OUT.fullmatch(payload)):
        raise function_failed(payload, request_id, report, context, log)
    return Reply(payload, request_id, seconds, report, log)


def read_log(text: str) -> bytes:
    """Empty if it is not base64: the function's answer matters more."""
    try:
        return base64.b64decode(text)
    except ValueError:  # binascii's own, or a character that is not ASCII
        return b""


def make_client(
    region: str | None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    credentials: tuple[str, str] | None = None,
    *,
    read_timeout: float = READ_TIMEOUT,
    function: str = "",
    connections: int = CONNECTIONS,
) -> LambdaClient:
    """A boto3 client for Invoke. region None: as the usual AWS settings say; function: for error messages.

    connections: how many are kept, for as many threads.
    """
    from .invoke_only import know_invoke_only

    # A local emulator needs no proxy, and a proxy could not reach it.
    config = client_config(read_timeout, connections, proxied=not (credentials and on_loopback(endpoint_url)))
    context = ErrorContext(function, region or "", profile)
    key, secret = credentials or (None, None)
    with mapped_errors(context):
        session = boto_session.make_core(context, profile, keys=bool(credentials))
        know_invoke_only(session, alone=bool(credentials) or boto_session.alone(endpoint_url, profile))
        client: Any = session.create_client(
            "lambda",
            region or boto_session.environment_region(),
            endpoint_url=endpoint_url,
            config=config,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
    keep_alive(client)
    return client  # type: ignore[no-any-return]


def client_config(read_timeout: float, connections: int, *, proxied: bool) -> Any:
    """botocore's Config, without retries."""
    import botocore
    from botocore.config import Config

    return Config(
        retries={"total_max_attempts": 1},
        read_timeout=read_timeout,
        connect_timeout=CONNECT_TIMEOUT,
        tcp_keepalive=True,
        max_pool_connections=connections,
        user_agent=f"lambda-kernel/{__version__} Botocore/{botocore.__version__}",  # else it is made for each request
        proxies=None if proxied else {},
    )


def on_loopback(url: str | None) -> bool:
    return url is not None and urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def keep_alive(client: Any) -> None:
    """Send keepalive probes early. botocore only turns them on, and Linux sends the first one after two hours.

    There is no setting for it (boto/botocore#2916), so the options are put where botocore keeps its own.
    """
    http = client._endpoint.http_session
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in KEEPALIVE.items() if hasattr(socket, name)
    ]
    http._socket_options = options
    http._manager.connection_pool_kw["socket_options"] = options
