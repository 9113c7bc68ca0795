"""Invoke and the calls around it, as boto3 sees them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambda_kernel.local.errors import ApiError, invalid_content, invalid_parameter, throttled
from tests.support.engine_client import INVOKE, Rig, commands_with, connect, signed
from tests.support.waiting import wait_until

REQUEST_LIMIT = 6_291_456
RESPONSE_LIMIT = 6_291_556
ARN = "arn:aws:lambda:local:000000000000:function:shell"


def error_of(call: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def unless_throttled(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError:
        return None


@pytest.mark.parametrize("name", ["shell", "shell:$LATEST", ARN, f"{ARN}:$LATEST", "000000000000:function:shell"])
def test_a_function_has_several_names(lab: Rig, name: str) -> None:
    reply = lab.invoke({"a": [1, "é", None]}, FunctionName=name)
    assert reply.value == {"a": [1, "é", None]}
    assert reply.raw["StatusCode"] == 200
    assert reply.raw["ExecutedVersion"] == "$LATEST"
    assert not reply.failed


@pytest.mark.parametrize("name", ["other", "shell:7", f"{ARN}:prod"])
def test_an_unknown_function_is_not_found(lab: Rig, name: str) -> None:
    status, code, message = error_of(lambda: lab.invoke({}, FunctionName=name))
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.startswith("Function not found: arn:aws:lambda:local:000000000000:function:")


def test_who_describes_an_unknown_function_is_told_its_arn(lab: Rig) -> None:
    arn = ARN.replace("shell", "other")
    for call in (lab.client.get_function, lab.client.get_function_configuration):
        assert error_of(partial(call, FunctionName="other"))[2] == f"Function not found: {arn}"
        latest = error_of(partial(call, FunctionName="other", Qualifier="$LATEST"))[2]
        assert latest == f"Function not found: {arn}:$LATEST"


def test_errors_are_of_the_models_shape(lab: Rig) -> None:
    """botocore's service model says which status an error has, and what its members are called."""
    shapes = lab.client.meta.service_model.error_shapes
    made = [
        ApiError(404, "ResourceNotFoundException", "x"),
        ApiError(500, "ServiceException", "x"),
        throttled("ConcurrentInvocationLimitExceeded"),
        invalid_parameter("x"),
        invalid_content("x"),
    ]
    described = {shape.name: shape for shape in shapes}
    for error in made:
        shape = described[error.code]
        assert error.status == shape.metadata["error"]["httpStatusCode"]
        assert set(error.body()) <= set(shape.members)
        in_body = {name for name, member in shape.members.items() if "location" not in member.serialization}
        assert set(error.body()) == in_body


def test_a_qualifier_may_be_given_apart(lab: Rig) -> None:
    assert lab.invoke({}, Qualifier="$LATEST").value == {}
    assert error_of(lambda: lab.invoke({}, Qualifier="7"))[1] == "ResourceNotFoundException"


def test_two_qualifiers_have_to_agree(lab: Rig) -> None:
    assert lab.invoke({}, FunctionName="shell:$LATEST", Qualifier="$LATEST").value == {}
    assert error_of(lambda: lab.invoke({}, FunctionName="shell:$LATEST", Qualifier="live")) == (
        400,
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


def test_an_arn_of_another_region(lab: Rig) -> None:
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:shell"
    assert error_of(lambda: lab.invoke({}, FunctionName=arn)) == (
        404,
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('local')",
    )


def test_the_function_is_described(lab: Rig) -> None:
    described = lab.client.get_function_configuration(FunctionName="shell")
    assert described["FunctionArn"] == ARN
    assert (described["MemorySize"], described["Timeout"], described["State"]) == (128, 20, "Active")
    assert "TenancyConfig" not in described
    assert lab.client.get_function(FunctionName=ARN)["Configuration"]["CodeSha256"] == described["CodeSha256"]
    assert [found["FunctionName"] for found in lab.client.list_functions()["Functions"]] == ["shell"]


def test_other_calls_are_refused_by_name(lab: Rig) -> None:
    status, code, message = error_of(lambda: lab.client.delete_function(FunctionName="shell"))
    assert (status, code) == (404, "UnknownOperationException")
    assert "GetFunctionConfiguration" in message


def test_nothing_sent_is_an_empty_event(lab: Rig) -> None:
    assert lab.invoke(b"").value == {}


@pytest.mark.parametrize("payload", [b"{", b"nonsense", b"\xff", b"[NaN]", b"[" * 100_000, b"{} {}"])
def test_an_event_has_to_be_json(lab: Rig, payload: bytes) -> None:
    status, code, message = error_of(lambda: lab.invoke(payload))
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")


def test_the_largest_event_passes(lab: Rig) -> None:
    payload = json.dumps({"a": "x" * (REQUEST_LIMIT - 9)}).encode()
    assert len(payload) == REQUEST_LIMIT
    assert lab.invoke(payload).payload == payload


@pytest.mark.parametrize("size", [REQUEST_LIMIT + 1, 40_000_000])
def test_a_larger_event_is_refused(lab: Rig, size: int) -> None:
    status, code, message = error_of(lambda: lab.invoke(b'"' + b"x" * (size - 2) + b'"'))
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message == f"Request must be smaller than {REQUEST_LIMIT} bytes for the InvokeFunction operation"


def test_both_sides_of_the_response_limit(rig: Callable[..., Rig]) -> None:
    own = rig()
    assert len(own.py(f"result = 'x' * {RESPONSE_LIMIT - 2}").payload) == RESPONSE_LIMIT
    reply = own.py(f"result = 'x' * {RESPONSE_LIMIT - 1}")
    assert reply.raw["StatusCode"] == 200
    assert reply.raw["FunctionError"] == "Unhandled"
    assert reply.value == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).",
    }
    assert own.py("result = 1").value == 1


def test_the_context_is_what_lambda_gives(lab: Rig) -> None:
    client_context = {"custom": {"line": "one\r\ntwo"}, "client": {"installation_id": "é"}}
    reply = lab.py(
        "import time\n"
        "result = [context.aws_request_id, context.invoked_function_arn, context.function_name,\n"
        "  context.memory_limit_in_mb, context.get_remaining_time_in_millis(), context.tenant_id,\n"
        "  context.client_context.custom, os.environ['_X_AMZN_TRACE_ID']]",
        ClientContext=base64.b64encode(json.dumps(client_context).encode()).decode(),
    )
    request_id, arn, name, memory, remaining, tenant, custom, trace = reply.value
    assert request_id == reply.request_id
    assert (arn, name, memory, tenant, custom) == (ARN, "shell", "128", None, {"line": "one\r\ntwo"})
    assert 19_000 < remaining <= 20_000
    assert trace.startswith("Root=1-")


def test_a_bad_client_context_is_refused(lab: Rig) -> None:
    assert error_of(lambda: lab.invoke({}, ClientContext="%%%"))[:2] == (400, "InvalidRequestContentException")


def test_a_client_context_has_a_size(lab: Rig) -> None:
    def encoded(size: int) -> str:
        return base64.b64encode(json.dumps({"custom": {"x": "x" * (size - 22)}}).encode()).decode()

    assert len(encoded(2685)) == 3580
    assert not lab.invoke({}, ClientContext=encoded(2685)).failed
    status, code, message = error_of(lambda: lab.invoke({}, ClientContext=encoded(2688)))
    assert (status, code, message) == (
        400,
        "InvalidRequestContentException",
        "Client context must be at most 3583 bytes of Base64.",
    )


def test_a_trace_id_is_passed_on(lab: Rig) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = trace

    lab.client.meta.events.register_first("before-sign.lambda.Invoke", add)
    try:
        assert lab.py("result = os.environ['_X_AMZN_TRACE_ID']").value == trace
    finally:
        lab.client.meta.events.unregister("before-sign.lambda.Invoke", add)


def test_a_dry_run_runs_nothing(rig: Callable[..., Rig]) -> None:
    own = rig()
    raw = own.client.invoke(FunctionName="shell", InvocationType="DryRun", Payload=b"{}")
    assert raw["StatusCode"] == 204
    assert "Init Duration" in own.invoke({}).report


def test_events_run_in_the_background_and_wait_for_room(rig: Callable[..., Rig]) -> None:
    own = rig(concurrency=1)
    for _ in range(3):
        raw = own.client.invoke(
            FunctionName="shell",
            InvocationType="Event",
            Payload=json.dumps({"py": "state['n'] = state.get('n', 0) + 1; time.sleep(0.05)"}),
        )
        assert (raw["StatusCode"], raw["Payload"].read()) == (202, b"")
    wait_until(lambda: unless_throttled(lambda: own.py("result = state.get('n')").value == 3))


def test_a_large_asynchronous_event_is_refused(rig: Callable[..., Rig]) -> None:
    own = rig()
    largest = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    assert own.client.invoke(FunctionName="shell", InvocationType="Event", Payload=largest)["StatusCode"] == 202
    assert error_of(lambda: own.invoke(b" " + largest, InvocationType="Event")) == (
        413,
        "RequestEntityTooLargeException",
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    )


def test_ten_at_once_get_ten_environments_and_the_eleventh_none(rig: Callable[..., Rig]) -> None:
    own = rig(concurrency=10)
    refused: list[Any] = []

    def ask(_: int) -> Any:
        try:
            return own.py("time.sleep(1); result = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']").value
        except ClientError as error:
            refused.append(error.response)
            return None

    with ThreadPoolExecutor(11) as pool:
        streams = set(pool.map(ask, range(11))) - {None}
    assert len(streams) == 10
    (response,) = refused
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert (response["Error"]["Code"], response["Error"]["Message"]) == ("TooManyRequestsException", "Rate Exceeded.")
    assert response["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


def test_one_after_the_other_share_an_environment(lab: Rig) -> None:
    streams = {lab.py("result = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']").value for _ in range(20)}
    assert len(streams) == 1


def test_tenants_never_share(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True)
    remember = "state.setdefault('seen', []).append(context.tenant_id); result = state['seen']"
    assert own.py(remember, TenantId="blue").value == ["blue"]
    assert own.py(remember, TenantId="a b@c/d=e+f-g:h._1").value == ["a b@c/d=e+f-g:h._1"]
    assert own.py(remember, TenantId="blue").value == ["blue", "blue"]
    described = own.client.get_function_configuration(FunctionName="shell")
    assert described["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}


def test_a_tenant_id_has_to_be_given_and_of_its_form(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True)
    status, code, message = error_of(lambda: own.invoke({}))
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == (
        "The invoked function is enabled with tenancy configuration. "
        "Add a valid tenant ID in your request and try again."
    )
    status, code, message = error_of(lambda: own.invoke({}, TenantId="no!"))
    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value 'no!' at 'tenantId' failed to satisfy constraint: ")


def test_a_tenant_id_is_refused_without_tenancy(lab: Rig) -> None:
    assert error_of(lambda: lab.invoke({}, TenantId="blue"))[:2] == (400, "InvalidParameterValueException")


def test_many_tenants_push_out_the_longest_idle(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True, concurrency=1)
    reports = [own.invoke({}, TenantId=tenant).report for tenant in ("a", "b", "c", "b", "a")]
    assert ["Init Duration" in report for report in reports] == [True, True, True, False, True]


def test_a_client_that_leaves_does_not_stop_its_invocation(rig: Callable[..., Rig]) -> None:
    own = rig(concurrency=1)
    seconds = f"0.5{os.getpid()}"
    body = json.dumps({"py": f"subprocess.run(['sleep', '{seconds}']); state['done'] = True"}).encode()
    with connect(own.endpoint) as connection:
        connection.sendall(signed(own.endpoint, "POST", INVOKE, body))
        wait_until(lambda: commands_with(seconds))
    wait_until(lambda: unless_throttled(lambda: own.py("result = state.get('done')").value))


def test_half_open_and_slow_connections_hold_nobody_up(lab: Rig) -> None:
    idle = [connect(lab.endpoint) for _ in range(20)]
    try:
        for number, connection in enumerate(idle):
            connection.sendall(b"POST /2015-03-31/functions/shell/invocations HTTP/1.1\r\nContent-Le"[: number * 4])
        assert lab.invoke({"still": "here"}).value == {"still": "here"}
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize("data", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_nonsense_gets_an_answer_or_an_end(lab: Rig, data: bytes) -> None:
    with connect(lab.endpoint) as connection:
        connection.sendall(data)
        assert connection.recv(4096)[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 403")
    assert lab.invoke({}).value == {}
