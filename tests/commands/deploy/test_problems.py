"""What AWS refuses, as sentences; and what is printed of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore import exceptions as boto

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import command
from lambda_kernel.commands.deploy.console import Console
from lambda_kernel.commands.deploy.problems import Busy, DeployError, Interrupted, Missing, asking
from lambda_kernel.errors import BadCredentials, KernelError, Refused
from tests.support.fake_aws import console, refused

DENIED = "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: cloudformation:DescribeStacks on x"


def raised(error: Exception, region: str = "eu-west-1") -> KernelError:
    with pytest.raises(KernelError) as caught, asking("lambda:GetFunction", region):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("AccessDenied", DENIED, "access denied in eu-west-1: the caller needs cloudformation:DescribeStacks"),
        ("AccessDeniedException", "no", "access denied in eu-west-1: the caller needs lambda:GetFunction (no)"),
        ("Throttling", "Rate exceeded", "AWS refused lambda:GetFunction in eu-west-1: Throttling: Rate exceeded"),
        ("ValidationError", "TerminationProtection is enabled", "TerminationProtection is enabled"),
    ],
)
def test_refusals(code: str, message: str, words: str) -> None:
    error = raised(refused(code, message))
    assert words in str(error)
    assert "An error occurred" not in str(error)
    assert type(error) is DeployError


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ValidationError", "Stack with id x does not exist", Missing),
        ("ResourceNotFoundException", "Function not found: x", Missing),
        ("ValidationError", "Stack:x is in UPDATE_IN_PROGRESS state and can not be updated.", Busy),
        ("ValidationError", "Stack [x] already exists and cannot be created again with the changeSet [y].", Busy),
        ("InvalidChangeSetStatus", "ChangeSet [x] cannot be executed in its current status of [OBSOLETE]", Busy),
        ("AlreadyExistsException", "Stack [x] already exists", Busy),
    ],
)
def test_refusals_that_the_commands_know_an_answer_to(code: str, message: str, kind: type[Exception]) -> None:
    assert type(raised(refused(code, message))) is kind


@pytest.mark.parametrize(
    ("region", "words"),
    [("mars-west-1", "boto3 does not know that region: check --region"), ("eu-west-1", "check the network")],
)
def test_an_endpoint_that_is_not_there(region: str, words: str) -> None:
    error = raised(boto.EndpointConnectionError(endpoint_url=f"https://cloudformation.{region}.amazonaws.com/"), region)
    assert str(error).startswith(f"cannot reach AWS in {region}: ")
    assert words in str(error)


def test_errors_that_the_kernel_knows_are_its_own() -> None:
    assert isinstance(raised(boto.NoCredentialsError()), Refused)
    for code in ("ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"):
        assert isinstance(raised(refused(code, "no")), BadCredentials)
    assert "--region" in str(raised(boto.NoRegionError()))


def ending(error: BaseException) -> tuple[int, str]:
    def run(options: Any, console: Console) -> None:
        raise error

    return guarded(run)


def guarded(run: Callable[[Any, Console], None]) -> tuple[int, str]:
    shown, err = console()
    return command.guarded(build_parser().parse_args(["status"]), run, shown), err.getvalue()


def test_exit_codes() -> None:
    assert guarded(lambda options, console: None) == (0, "")
    assert ending(DeployError("no\n  way")) == (1, "lambda-kernel: no way\n")
    assert ending(Interrupted("left")) == (1, "lambda-kernel: left\n")
    masked = ending(DeployError("123456789012 failed", "paste --policy arn:aws:iam::123456789012:policy/p"))
    assert masked == (1, f"lambda-kernel: {'*' * 12} failed\n  paste --policy arn:aws:iam::123456789012:policy/p\n")
    code, text = ending(KeyboardInterrupt())
    assert (code, text) == (1, "lambda-kernel: interrupted: see what exists with `lambda-kernel status`\n")


def test_a_question_that_nobody_can_answer() -> None:
    shown, out = console()
    with pytest.raises(DeployError, match="there is no terminal to ask: add --yes"):
        shown.confirm("Delete it?")
    assert out.getvalue() == ""


def test_a_yes_beforehand_still_says_what_is_done() -> None:
    out = io.StringIO()
    Console(yes=True, out=out).confirm("All of 123456789012 goes.")
    assert out.getvalue() == "All of ************ goes.\n"
