"""%status"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lambda_kernel import errors
from lambda_kernel.errors import UsageError
from lambda_kernel.failures import mapped_errors
from lambda_kernel.target import LOCAL
from tests.magics.conftest import Desk


def test_before_anything_ran(desk: Desk) -> None:
    text = desk.run("%status").out
    assert "the local engine" in text
    assert "the first cell starts it" in text
    assert "! it is only a test" in text
    assert desk.sent == []


def test_what_is_known_after_a_cell(desk: Desk) -> None:
    ran = desk.run("cd /tmp")
    text = desk.run("%status").out
    assert str(ran.tally.environment_id) in text
    assert "/tmp" in text
    assert "cells so far: 1\n" in text


def test_the_original_of_the_last_error(desk: Desk) -> None:
    desk.run("true")
    desk.workspace.last_error = UsageError("ours")
    desk.workspace.last_error.__cause__ = OSError("the original")
    assert "the original" not in desk.run("%status").out
    assert (
        "last error      UsageError: ours\n                OSError: the original\n" in desk.run("%status --verbose").out
    )


def test_what_lambda_said_is_shown_whole(desk: Desk) -> None:
    told = {"Error": {"Code": "AccessDeniedException", "Message": "User: arn:aws:iam::123456789012:user/dev"}}
    about = {"ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "an-id"}}
    with pytest.raises(errors.AccessDenied) as caught, mapped_errors("shell", "eu-west-1"):
        raise ClientError({**told, **about}, "Invoke")  # type: ignore[typeddict-item]
    desk.run("true")
    desk.workspace.last_error = caught.value
    assert "123456789012" not in desk.run("%status").out
    shown = desk.run("%status --verbose").out
    assert "AccessDeniedException, HTTP status 403, request an-id: User: arn:aws:iam::123456789012:user/dev" in shown


def test_no_error_yet(desk: Desk) -> None:
    assert "last error      none\n" in desk.run("%status --verbose").out


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%status now")


def test_what_was_restored(desk: Desk) -> None:
    desk.run("x=1; cd /usr; f() { :; }; g() { :; }")
    desk.fars[LOCAL].replace()
    desk.run("true")
    assert "the directory, 1 variable, 2 functions of the shell before" in desk.run("%status").out
    verbose = desk.run("%status --verbose").out
    assert 'state kept      directory "/usr", ' in verbose
    assert "variable x, function f, function g\n" in verbose
