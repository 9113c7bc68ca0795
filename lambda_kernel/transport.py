"""One invocation: an event in, a reply and its report out. The one seam between the kernel and Lambda."""

from __future__ import annotations

import base64
import binascii
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import aws, errors
from .failures import TIMED_OUT, function_failed, mapped_errors, watch
from .place import REQUEST_BYTES, Place
from .refusals import TOO_LARGE
from .report import Report, parse

Event = dict[str, Any]

# botocore's timeout is a client's, not a call's: above the longest slice (5 s) by what a repeated init may take.
READ_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0
# Firewalls and NAT gateways forget a silent connection, some after a minute.
IDLE_SECONDS = 60.0
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}


@dataclass(frozen=True)
class Reply:
    """What one invocation came back with. seconds is the whole round trip."""

    payload: Any
    request_id: str
    seconds: float
    report: Report | None = None
    log: bytes = b""


class Transport(Protocol):
    """A way to one function. region is "local" for the local engine."""

    function: str
    region: str

    def invoke(self, event: Event) -> Reply:
        """Run the function once. Raises errors.KernelError; only Refused means that nothing has run."""

    def renew(self) -> bool:
        """Leave the present environments for good; False where Lambda gives no way to do so."""

    def close(self) -> None: ...


class LambdaClient(Protocol):
    """The part of boto3's Lambda client that is used."""

    @property
    def meta(self) -> Any: ...

    def invoke(self, **parameters: Any) -> dict[str, Any]: ...

    def close(self) -> None: ...


@dataclass
class BotoTransport:
    """boto3's Invoke, without its retries, which would run a command again (botocore retries after a read timeout).

    make: another client, which reads the AWS settings anew; profile: the one that the target names.
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

    def invoke(self, event: Event) -> Reply:
        payload, client = json.dumps(event).encode(), self.client
        try:
            return self._as_a_tenant_or_not(payload)
        except errors.BadSettings:
            if self.make is None:
                raise
        # Nothing has run. A client keeps a profile's keys and what a process said for as long as it lives.
        self._replace(client, self.make())
        return self._as_a_tenant_or_not(payload)

    def _replace(self, before: LambdaClient, client: LambdaClient) -> None:
        """Unless it has been replaced meanwhile: a call that was given up goes on, and may get its credentials late."""
        watch(client)
        with self.lock:
            late = self.client is not before
            self.client = self.client if late else client
        (client if late else before).close()

    def _as_a_tenant_or_not(self, payload: bytes) -> Reply:
        """Lambda refuses a tenant id for a function without isolation, and a function with it for none, before anything
        runs; a function may be replaced by one of the other kind."""
        tenant = self.tenancy is not False
        try:
            return self._invoke(payload, tenant)
        except errors.WrongTenancy:
            pass
        return self._invoke(payload, not tenant)

    def _invoke(self, payload: bytes, tenant: bool) -> Reply:
        extra = {"TenantId": f"{self.tenant}-{self.generation}"} if tenant else {}
        place = Place(self.function, self.region, self.profile, tenant, len(payload))
        if len(payload) > REQUEST_BYTES:
            raise errors.Refused(place.sentence(TOO_LARGE))
        begin = self.clock()
        if begin - self.last_used > IDLE_SECONDS:
            self.client.close()
        with mapped_errors(self.function, self.region, place, watched=True):
            answer = self.client.invoke(FunctionName=self.function, LogType="Tail", Payload=payload, **extra)
            body = read_body(answer, place)
        self.last_used = self.clock()
        self.tenancy = tenant
        return read_answer(answer, body, self.last_used - begin, place)

    def renew(self) -> bool:
        self.generation += 1
        return self.tenancy is not False

    def close(self) -> None:
        self.client.close()


def read_body(answer: dict[str, Any], place: Place) -> bytes:
    """Raises Unanswered when the connection broke among the headers: http.client takes that for their end."""
    body = bytes(answer["Payload"].read())
    if not body and answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-length") != "0":
        raise errors.Unanswered(f"the answer of {place} was cut: check the network")
    return body


def read_answer(answer: dict[str, Any], body: bytes, seconds: float, place: Place | None = None) -> Reply:
    """A reply from boto3's answer. Raises FunctionFailed when the function did not come to its own end."""
    log = read_log(str(answer.get("LogResult") or ""))
    request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
    report = parse(log)
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = body.decode("utf-8", "replace")
    # AWS's Runtime Interface Emulator tells a timeout as bare text (its handlers.go).
    if answer.get("FunctionError") or (isinstance(payload, str) and TIMED_OUT.fullmatch(payload)):
        raise function_failed(payload, request_id, report, place or Place(), log)
    return Reply(payload, request_id, seconds, report, log)


def read_log(text: str) -> bytes:
    """Nothing where it is no base64: what the function answered counts more."""
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def make_client(
    region: str | None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    credentials: tuple[str, str] | None = None,
    *,
    read_timeout: float = READ_TIMEOUT,
    function: str = "",
) -> LambdaClient:
    """A boto3 client for Invoke. region None: as the usual AWS settings say; function: the one it is wanted for."""
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        read_timeout=read_timeout,
        connect_timeout=CONNECT_TIMEOUT,
        tcp_keepalive=True,
        user_agent_extra="lambda-kernel",
        # Loopback needs no proxy, and a proxy could not reach it.
        proxies={} if credentials else None,
    )
    place = Place(function, region or "", profile)
    with mapped_errors(function, region or "", place):
        session = aws.make_session(place, profile, region, credentials)
        client: Any = session.client("lambda", endpoint_url=endpoint_url, config=config)
    keep_alive(client)
    return client  # type: ignore[no-any-return]


def keep_alive(client: Any) -> None:
    """Make keepalive fire: botocore only turns it on, and Linux then sends the first probe after two hours.

    There is no setting for it (boto/botocore#2916), so the options are put where botocore keeps its own.
    """
    http = client._endpoint.http_session
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in KEEPALIVE.items() if hasattr(socket, name)
    ]
    http._socket_options = options
    http._manager.connection_pool_kw["socket_options"] = options


class FakeTransport:
    """A function called in this process: for tests, and for those who want to drive a session without Lambda."""

    def __init__(self, handler: Callable[[Event, Any], Any], context: Callable[[], Any]) -> None:
        self.function, self.region = "fake", "local"
        self.handler, self.context = handler, context
        self.events: list[Event] = []
        self.lock = threading.Lock()

    def invoke(self, event: Event) -> Reply:
        begin = time.monotonic()
        with self.lock:  # an environment takes one invocation at a time
            self.events.append(event)
            payload = self.handler(json.loads(json.dumps(event)), self.context())
        return Reply(json.loads(json.dumps(payload)), f"request-{len(self.events)}", time.monotonic() - begin)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...
