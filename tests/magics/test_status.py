"""%status"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lambda_kernel import errors
from lambda_kernel.aws.client_errors import mapped_errors
from lambda_kernel.aws.error_text import ErrorContext
from lambda_kernel.aws.target import LOCAL
from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner


def test_before_anything_ran(runner: CellRunner) -> None:
    text = runner.run("%status").out
    assert "the local emulator" in text
    assert "the first cell starts one" in text
    assert "! it is only a test" in text
    assert runner.sent == []


def test_what_is_known_after_a_cell(runner: CellRunner) -> None:
    ran = runner.run("cd /tmp")
    text = runner.run("%status").out
    assert str(ran.usage.environment_id) in text
    assert "/tmp" in text
    assert "cells so far: 1\n" in text


def test_the_original_of_the_last_error(runner: CellRunner) -> None:
    runner.run("true")
    runner.workspace.last_error = UsageError("ours")
    runner.workspace.last_error.__cause__ = OSError("the original")
    assert "the original" not in runner.run("%status").out
    verbose = runner.run("%status --verbose").out
    assert "last error      UsageError: ours\n                OSError: the original\n" in verbose


def test_what_lambda_said_is_shown_whole(runner: CellRunner) -> None:
    told = {"Error": {"Code": "AccessDeniedException", "Message": "User: arn:aws:iam::123456789012:user/dev"}}
    about = {"ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "an-id"}}
    with pytest.raises(errors.AccessDenied) as caught, mapped_errors(ErrorContext("shell", "eu-west-1")):
        raise ClientError({**told, **about}, "Invoke")  # type: ignore[typeddict-item]
    runner.run("true")
    runner.workspace.last_error = caught.value
    assert "123456789012" not in runner.run("%status").out
    shown = runner.run("%status --verbose").out
    assert "AccessDeniedException, HTTP status 403, request an-id: User: arn:aws:iam::123456789012:user/dev" in shown


def test_no_error_yet(runner: CellRunner) -> None:
    assert "last error      none\n" in runner.run("%status --verbose").out


def test_the_share_of_the_cpu(runner: CellRunner) -> None:
    assert "all of this machine's CPUs: durations do not depend on memory here\n" in runner.run("%status").out
    runner.run("%use local --memory 512 --cpu lambda")
    assert "CPU share       0.29 vCPU, as on Lambda with 512 MB\n" in runner.run("%status").out
    runner.run("%use shell --region eu-west-1")
    assert "CPU share" not in runner.run("%status").out


def test_it_speaks_of_the_target_only(runner: CellRunner) -> None:
    runner.run("true")
    runner.run("%use nosuch --region eu-west-1")
    text = runner.run("%status").out
    assert "it is only a test" not in text
    assert [line for line in text.splitlines() if "local" in line] == ["other sessions  the local emulator"]


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%status now")


def test_what_was_restored(runner: CellRunner) -> None:
    runner.run("x=1; cd /usr; f() { :; }; g() { :; }")
    runner.remotes[LOCAL].replace()
    runner.run("true")
    assert "the directory, 1 variable, 2 functions of the previous shell" in runner.run("%status").out
    verbose = runner.run("%status --verbose").out
    assert 'state restored  directory "/usr", ' in verbose
    assert "variable x, function f, function g\n" in verbose
