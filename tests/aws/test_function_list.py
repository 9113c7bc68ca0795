"""The functions of a region, by an endpoint that answers what it is told to."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.target import USUAL, Target
from lambda_kernel.aws.target_words import expand
from tests.support.scripted_endpoint import Answer, endpoint


def expanded(*answers: Answer) -> list[str]:
    with endpoint(*answers) as told:
        near = Target("shell", "eu-west-1", endpoint_url=told.url)
        return [name for name, _ in expand(["shell-*"], near, USUAL, Connector("tenant").functions)]


def page(*names: Any, after: str | None = None) -> Answer:
    return Answer(body={"Functions": [{"FunctionName": name} for name in names], "NextMarker": after})


def test_all_pages_are_read() -> None:
    assert expanded(page("shell-2", "other", after="more"), page("shell-1")) == ["shell-1", "shell-2"]


def test_who_may_not_list_is_told_what_to_do() -> None:
    with pytest.raises(
        errors.UsageError, match=r"may not list functions \(lambda:ListFunctions\): name them one by one"
    ):
        expanded(Answer.error(403, "AccessDeniedException", "you are not authorized to perform: lambda:ListFunctions"))


WRONG = (Answer(body=b"<html>"), Answer(body=[]), Answer(body={"Functions": [{}]}), page("shell-\x1b[0m"), page(None))


@pytest.mark.parametrize("answer", WRONG)
def test_answers_that_are_none(answer: Answer) -> None:
    with pytest.raises(errors.KernelError):
        expanded(answer)


def test_nobody_listens() -> None:
    near = Target("shell", "eu-west-1", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(errors.Refused, match=r"cannot list the functions in eu-west-1 \(Could not connect"):
        expand(["shell-*"], near, USUAL, Connector("tenant").functions)
