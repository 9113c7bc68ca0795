"""boto3 against an endpoint that misbehaves: what is sent, what is not sent again, and which error comes out."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.transport import KEEPALIVE, BotoTransport, make_client
from tests.endpoint import Answer, Endpoint, endpoint

EVENT = {"op": "hello"}
REPORT = (
    "START RequestId: 6bc28136-0000-4365-b021-0ce6b2e64ab0 Version: $LATEST\n"
    "END RequestId: 6bc28136-0000-4365-b021-0ce6b2e64ab0\n"
    "REPORT RequestId: 6bc28136-0000-4365-b021-0ce6b2e64ab0\tDuration: 2.50 ms\tBilled Duration: 3 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)


def transport(at: Endpoint, **options: Any) -> BotoTransport:
    client = make_client("eu-west-1", None, at.url, ("key", "secret"))
    return BotoTransport("shell", "eu-west-1", client, "me", **options)


def test_a_reply_and_its_report() -> None:
    with endpoint(Answer.report(REPORT, {"a": "ü"}, **{"x-amzn-RequestId": "the-id"})) as at:
        reply = transport(at).invoke(EVENT)
    assert reply.payload == {"a": "ü"}
    assert reply.request_id == "the-id"
    assert reply.report is not None
    assert (reply.report.duration_ms, reply.report.max_memory_used_mb) == (2.5, 36)
    assert at.requests[0]["x-amz-log-type"] == "Tail"
    assert reply.seconds > 0


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(drop=True), errors.Unanswered, "no answer"),
        (Answer.error(500, "ServiceException", "oops"), errors.Unanswered, "oops"),
        (Answer.error(502, "InvalidRuntimeException", "oops"), errors.Unanswered, "oops"),
        (
            Answer.error(429, "TooManyRequestsException", "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded"),
            errors.Throttled,
            "ConcurrentInvocationLimitExceeded",
        ),
        (
            Answer.error(404, "ResourceNotFoundException", "no"),
            errors.Refused,
            "no function named `shell` in eu-west-1",
        ),
        (Answer.error(403, "AccessDeniedException", "no"), errors.Refused, "lambda:InvokeFunction"),
        (Answer.error(403, "ExpiredTokenException", "old"), errors.Refused, "have expired"),
        (Answer.error(403, "UnrecognizedClientException", "who"), errors.Refused, "does not accept the credentials"),
        (Answer.error(413, "RequestTooLargeException", "big"), errors.Refused, "RequestTooLargeException"),
    ],
)
def test_an_error_is_mapped_and_the_request_is_sent_once(
    answer: Answer, error: type[errors.KernelError], words: str
) -> None:
    with endpoint(answer) as at:
        with pytest.raises(error, match=words):
            transport(at, tenancy=True).invoke(EVENT)
        assert len(at.requests) == 1


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(errors.Unreachable, match="check the network"):
        transport(Endpoint(url)).invoke(EVENT)


@pytest.mark.parametrize(
    ("told", "log", "error_type", "words"),
    [
        (
            {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 1.00 seconds"},
            "",
            "Sandbox.Timedout",
            "timeout",
        ),
        (
            {"errorMessage": "2024-01-01T00:00:00Z x Task timed out after 1.00 seconds"},
            "",
            "Sandbox.Timedout",
            "timeout",
        ),
        (
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": "RequestId: x Error: Runtime exited with error: signal: killed",
            },
            REPORT.rstrip("\n") + "Status: error\tError Type: Runtime.OutOfMemory\n",
            "Runtime.OutOfMemory",
            "memory of 128 MB",
        ),
        (
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": "RequestId: x Error: Runtime exited with error: exit status 1",
            },
            "",
            "Runtime.ExitError",
            "exit status 1",
        ),
        ({"errorType": "KeyError", "errorMessage": "'op'"}, "", "KeyError", "KeyError: 'op'"),
        (b"Task timed out after 3.00 seconds", "", "Sandbox.Timedout", "timeout"),
    ],
)
def test_a_function_that_failed(told: Any, log: str, error_type: str, words: str) -> None:
    with (
        endpoint(Answer.report(log, told, **{"X-Amz-Function-Error": "Unhandled"})) as at,
        pytest.raises(errors.FunctionFailed, match=words) as caught,
    ):
        transport(at).invoke(EVENT)
    assert caught.value.error_type == error_type


class TestTenancy:
    REFUSED = Answer.error(
        400,
        "InvalidParameterValueException",
        "The invoked function is enabled with tenancy configuration. "
        "Add a valid tenant ID in your request and try again.",
    )

    def test_a_tenant_id_is_sent(self) -> None:
        with endpoint(Answer()) as at:
            transport(at).invoke(EVENT)
            assert at.requests[0]["x-amz-tenant-id"] == "me-0"

    def test_a_function_without_isolation_is_learnt_from_its_refusal(self) -> None:
        with endpoint(self.REFUSED, Answer()) as at:
            to = transport(at)
            to.invoke(EVENT)
            to.invoke(EVENT)
            assert ["x-amz-tenant-id" in request for request in at.requests] == [True, False, False]
            assert not to.renew()

    def test_renewing_is_another_tenant(self) -> None:
        with endpoint(Answer()) as at:
            to = transport(at)
            to.invoke(EVENT)
            assert to.renew()
            to.invoke(EVENT)
            assert at.requests[1]["x-amz-tenant-id"] == "me-1"


def test_a_connection_is_kept_but_not_after_a_minute_of_silence() -> None:
    now = [1000.0]
    with endpoint(Answer()) as at:
        to = transport(at, clock=lambda: now[0])
        for idle in (1, 60, 61):
            to.invoke(EVENT)
            now[0] += idle
        to.invoke(EVENT)
        assert len(at.requests) == 4
        assert len(at.connections) == 2


def test_keepalive_fires_before_a_firewall_forgets() -> None:
    with endpoint(Answer()) as at:
        client: Any = make_client("eu-west-1", None, at.url, ("key", "secret"))
        client.invoke(FunctionName="shell", Payload=json.dumps(EVENT).encode())["Payload"].read()
        pools = client._endpoint.http_session._manager.pools
        [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118 - urllib3's container iterates by keys() only
        connection = pool.pool.get_nowait()
        while connection is None:
            connection = pool.pool.get_nowait()
        assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
            if hasattr(socket, name):
                assert connection.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == KEEPALIVE[name]
        connection.close()
        client.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_client("eu-west-1", "nosuch"), "nosuch"),
        (lambda: make_client(None), "no AWS region"),
    ],
)
def test_settings_that_cannot_be(make: Callable[[], object], words: str) -> None:
    with pytest.raises(errors.Refused, match=words):
        make()
