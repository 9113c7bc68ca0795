"""Which function a kernel talks to: the first choice that names one."""

from __future__ import annotations

import pytest

from lambda_kernel.aws.target import LOCAL, Target, resolve
from lambda_kernel.errors import UsageError


def test_the_first_choice_that_names_a_function() -> None:
    spec, environment, config = {"function": "a", "region": "eu-west-1"}, {"function": "b"}, {"function": "c"}
    assert resolve(spec, environment, config) == Target("a", "eu-west-1")
    assert resolve({}, environment, config) == Target("b")
    assert resolve({}, {"function": None}, {"function": "", "region": "", "profile": ""}) == LOCAL


def test_local_is_local_whatever_else_is_said() -> None:
    assert resolve({"function": "local", "region": "eu-west-1"}) == LOCAL
    assert LOCAL.local


@pytest.mark.parametrize(
    "name",
    [
        "shell",
        "shell:live",
        "x" * 64,
        "function:shell",
        "123456789012:shell",
        "123456789012:function:shell:7",
        "arn:aws:lambda:eu-west-1:123456789012:function:shell:$LATEST",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:shell",
    ],
)
def test_names_as_invoke_takes_them(name: str) -> None:
    assert Target(name).function == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "two words", "a/b", "x" * 65, "ü", "shell:", "shell:a:b:c", "$LATEST"),
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1",
        "arn:aws:lambda:eu-west-1:1234:function:shell",
        "arn:aws:lambda:eu-west-1:123456789012:function:",
    ],
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a function"):
        Target(name)


def test_the_region_of_an_arn_is_the_functions() -> None:
    arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:shell"
    assert resolve({"function": arn}).region == "us-gov-west-1"
    assert resolve({"function": arn, "region": "us-gov-west-1"}).region == "us-gov-west-1"
    assert resolve({"function": "123456789012:function:shell"}).region is None
    with pytest.raises(UsageError, match=r"a function in us-gov-west-1, and the region given is eu-west-1: leave"):
        resolve({"function": arn, "region": "eu-west-1"})


def test_how_it_is_named_to_users() -> None:
    assert str(LOCAL) == "the local emulator"
    assert str(Target("shell", "eu-west-1", "dev")) == "shell, eu-west-1, profile dev"
