"""boto3 against an endpoint that misbehaves: what is sent, what is not sent again, and which error comes out."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.error_text import REQUEST_BYTES
from lambda_kernel.aws.transport import KEEPALIVE, BotoTransport, SlotTransport, make_client
from tests.support.scripted_endpoint import Answer, Endpoint, endpoint

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
        (Answer(drop=True), errors.Unanswered, "no answer from `shell` in eu-west-1"),
        (Answer.error(500, "ServiceException", "oops"), errors.Unanswered, "oops"),
        (Answer.error(502, "InvalidRuntimeException", "oops"), errors.Refused, "cannot run the code"),
        (
            Answer.error(429, "TooManyRequestsException", "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded"),
            errors.Throttled,
            "a new account has 10",
        ),
        (
            Answer.error(404, "ResourceNotFoundException", "no"),
            errors.Refused,
            "no function named `shell` in eu-west-1",
        ),
        (Answer.error(403, "AccessDeniedException", "no"), errors.AccessDenied, "lambda:InvokeFunction"),
        (Answer.error(413, "RequestTooLargeException", "big"), errors.Refused, "15 bytes as JSON"),
        # Not of Lambda, or cut on the way: botocore stumbles over some of them.
        (Answer(500, b"<html><b>bad gateway</b></html>"), errors.Unanswered, r"eu-west-1 \(Internal Server Error\)"),
        (Answer(502, b""), errors.Unanswered, "Bad Gateway"),
        (Answer(503, b'{"message": null}'), errors.Unanswered, "HTTP status 503"),
        (Answer(503, b'["a list"]'), errors.Unanswered, "cannot be read"),
        (Answer(503, b'"a string"'), errors.Unanswered, "cannot be read"),
        (Answer(500, b'{"__type": 5}'), errors.Unanswered, "cannot be read"),
        (Answer(504, b"\xff\xfe"), errors.Unanswered, "cannot be read"),
        (Answer(407, b"<html>who are you?</html>"), errors.Unreachable, "HTTPS_PROXY"),
        (Answer(429, b""), errors.Throttled, "throttled"),
    ],
)
def test_an_error_is_mapped_and_the_request_is_sent_once(
    answer: Answer, error: type[errors.KernelError], words: str
) -> None:
    with endpoint(answer) as at:
        with pytest.raises(error, match=words) as caught:
            transport(at, tenancy=True).invoke(EVENT)
        assert type(caught.value) is error
        assert len(at.requests) == 1


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


class TestSize:
    FITS = REQUEST_BYTES - len(json.dumps({"x": ""}))

    def test_lambdas_limit_itself_is_sent(self) -> None:
        with endpoint(Answer(200, {"fine": True})) as at:
            assert transport(at, tenancy=False).invoke({"x": "y" * self.FITS}).payload == {"fine": True}

    def test_what_is_larger_is_not(self) -> None:
        with endpoint(Answer()) as at:
            with pytest.raises(errors.Refused, match="6,291,457 bytes as JSON, and Lambda takes at most 6,291,456: "):
                transport(at).invoke({"x": "y" * (self.FITS + 1)})
            assert at.requests == []

    def test_a_character_may_take_six_bytes(self) -> None:
        with endpoint(Answer()) as at, pytest.raises(errors.Refused, match="too large for `shell` in eu-west-1"):
            transport(at).invoke({"x": "\u20ac" * 1_050_000})


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

    def test_a_function_that_is_replaced_by_one_of_the_other_kind(self) -> None:
        with endpoint(Answer(), self.REFUSED, Answer()) as at:
            to = transport(at)
            for _ in range(3):
                to.invoke(EVENT)
            assert ["x-amz-tenant-id" in request for request in at.requests] == [True, True, False, False]

    def test_a_function_that_wants_neither(self) -> None:
        with endpoint(self.REFUSED) as at:
            with pytest.raises(errors.WrongTenancy):
                transport(at).invoke(EVENT)
            assert len(at.requests) == 2

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
        (lambda: make_client("eu-west-1", "nosuch"), r"\(nosuch\) could not be found: name another"),
        (lambda: make_client(None), "no AWS region is set"),
        (lambda: make_client("no where"), "no such AWS region"),
        (lambda: make_client("eu-west-1", None, "lambda.example"), "Invalid endpoint: lambda.example"),
    ],
)
def test_settings_that_cannot_be(make: Callable[[], object], words: str) -> None:
    with pytest.raises(errors.BadSettings, match=words):
        make()


def test_a_call_that_gets_its_credentials_late_leaves_the_later_client_alone() -> None:
    """It was given up, and the next cell has renewed them meanwhile."""
    expired = Answer.error(403, "ExpiredTokenException", "The security token included in the request is expired")
    with endpoint(expired, expired, Answer(200, {})) as at:
        made: list[Any] = []

        def make() -> Any:
            client = make_client("eu-west-1", None, at.url, (f"key{len(made)}", "secret"))
            made.append(client)
            if len(made) == 1:
                to.invoke(EVENT)  # the next cell's, while this one still waits
            return client

        to = transport(at, make=make, tenancy=False)
        to.invoke(EVENT)
        assert to.client is made[1]
        to.invoke(EVENT)
    signed = [request["authorization"].partition("Credential=")[2].partition("/")[0] for request in at.requests]
    assert signed == ["key", "key", "key1", "key1", "key1"]


def test_the_slots_of_a_fleet_are_tenants_that_share_one_client() -> None:
    with endpoint(Answer.report(REPORT, {})) as at:
        shared = transport(at)
        slots = [SlotTransport(shared, slot) for slot in (0, 7)]
        for slot in slots:
            slot.invoke(EVENT)
        assert slots[1].renew()
        slots[1].invoke(EVENT)
        shared.invoke(EVENT)
    tenants = [request["x-amz-tenant-id"] for request in at.requests]
    assert tenants == ["me-fleet-0-0", "me-fleet-7-0", "me-fleet-7-1", "me-0"]
    assert len(at.connections) == 1
    assert (slots[0].function, slots[0].region) == ("shell", "eu-west-1")


def test_what_one_slot_finds_out_counts_for_all() -> None:
    refused = Answer.error(400, "InvalidParameterValueException", "The invoked function is not enabled with tenancy")
    with endpoint(refused, Answer.report(REPORT, {})) as at:
        shared = transport(at)
        for slot in (0, 1, 2):
            SlotTransport(shared, slot).invoke(EVENT)
    assert ["x-amz-tenant-id" in request for request in at.requests] == [True, False, False, False]
    assert not SlotTransport(shared, 3).renew()
