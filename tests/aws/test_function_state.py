"""What AWS says of a function that is named, by an endpoint that answers what it is told to."""

from __future__ import annotations

import contextlib

import pytest

from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.errors import BadCredentials, Unreachable, UsageError
from tests.support.scripted_endpoint import Answer, endpoint


def warned(*answers: Answer) -> str:
    with endpoint(*answers) as told:
        return Connector("tenant").warning(Target("nosuch", "eu-west-1", endpoint_url=told.url))


@pytest.mark.parametrize(
    ("told", "warning"),
    [
        ({"State": "Active"}, ""),
        ({}, ""),
        ({"State": "SomethingNew"}, ""),
        ({"State": "Pending", "StateReason": "It is new."},
         "The function is Pending (It is new): Lambda is still making it, and the next cell waits for that."),
        ({"State": "Failed"}, "The function is Failed: Lambda could not make it, so deploy it again."),
        ({"State": "Failed", "StateReason": "of 123456789012\x1b[1m\nis gone"},
         "The function is Failed (of ************\\x1b[1m is gone): Lambda could not make it, so deploy it again."),
        ({"State": "Deleting"}, "The function is Deleting: deploy it again."),
    ],
)  # fmt: skip
def test_the_state_of_a_function(told: dict[str, str], warning: str) -> None:
    assert warned(Answer(body=told)) == warning


def test_a_function_that_does_not_exist() -> None:
    missing = "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nosuch"
    with pytest.raises(UsageError, match="no function named `nosuch` in eu-west-1: name another one with %use"):
        warned(Answer.error(404, "ResourceNotFoundException", missing))


@pytest.mark.parametrize(
    "answer",
    [
        Answer.error(403, "AccessDeniedException", "not authorized to perform: lambda:GetFunctionConfiguration"),
        Answer.error(404, "UnknownOperationException", "only Invoke"),
        Answer.error(403, "ExpiredTokenException", "expired"),
        Answer.error(429, "TooManyRequestsException", "Rate exceeded"),
        Answer.error(500, "ServiceException", "broken"),
        Answer(body=b"<html>"),
        Answer(body=[]),
        Answer(body={"State": ["Pending"]}),
        Answer(drop=True),
    ],
)
def test_what_aws_does_not_say_is_left_to_the_first_cell(answer: Answer) -> None:
    assert warned(answer) == ""


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer.error(403, "ExpiredTokenException", "expired"), BadCredentials),
        (Answer.error(404, "ResourceNotFoundException", "Function not found: nosuch"), UsageError),
        (Answer.error(403, "AccessDeniedException", "not authorized to perform: lambda:GetFunction"), None),
        (Answer.error(404, "UnknownOperationException", "only Invoke"), None),
        (Answer.error(500, "ServiceException", "broken"), None),
    ],
)
def test_what_no_cell_could_do_without_is_found_out_first(answer: Answer, error: type[Exception] | None) -> None:
    with endpoint(answer) as told, pytest.raises(error) if error else contextlib.nullcontext():
        assert Connector("tenant").meet(Target("nosuch", "eu-west-1", endpoint_url=told.url)) == ""


def test_nobody_listens() -> None:
    there = Target("shell", "eu-west-1", endpoint_url="http://127.0.0.1:1")
    assert Connector("tenant").warning(there) == ""
    with pytest.raises(Unreachable):
        Connector("tenant").meet(there)


def test_the_local_emulator_answers_as_aws_does() -> None:
    connector = Connector("tenant")
    try:
        at = connector.engine(LOCAL).start()
        keys = {"AWS_ACCESS_KEY_ID": at.access_key_id, "AWS_SECRET_ACCESS_KEY": at.secret_access_key}
        with pytest.MonkeyPatch.context() as environment:
            for name, value in keys.items():
                environment.setenv(name, value)
            there = Target(at.function, at.region, endpoint_url=at.endpoint_url)
            assert connector.warning(there) == ""
            with pytest.raises(UsageError, match="no function named `nosuch`"):
                connector.warning(Target("nosuch", at.region, endpoint_url=at.endpoint_url))
    finally:
        connector.close()
