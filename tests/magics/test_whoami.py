"""%whoami"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lambda_kernel.aws.target import Target
from lambda_kernel.aws.usage import Usage
from lambda_kernel.errors import Abandoned, Interrupted, Refused, UsageError
from lambda_kernel.magics import GROUPS, KNOWN, Call
from lambda_kernel.magics.whoami import KEY, run
from lambda_kernel.session.cell import CellEvent, Shown
from tests.magics.conftest import CellRunner, PricedRunner
from tests.support.in_process_session import CREDENTIALS, Interrupts
from tests.support.scripted_endpoint import Answer, endpoint

ARN = "arn:aws:sts::123456789012:assumed-role/shell-role/shell"
XML = Answer(body=f"<R><Arn>{ARN}</Arn></R>".encode())


class Simulated(PricedRunner):
    """On AWS, with a simulator that allows one action, does not know a second, and denies all others."""

    def decisions(self, target: Target, arn: str, actions: Sequence[str]) -> dict[str, str]:
        assert (target.function, arn) == ("shell", ARN)
        if "iam:CreateRole" in actions:
            raise Refused("the policy simulator cannot be asked")
        if "iam:GetUser" in actions:
            raise Abandoned("it has not answered")
        return {one: "allowed" if one == "s3:GetObject" else "implicitDeny" for one in actions if one != "x:Y"}


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    made = Simulated()
    yield made
    made.close()


def shown(runner: CellRunner, url: str, *actions: str) -> Shown:
    events: list[CellEvent] = []
    options = Namespace(allows=bool(actions), actions=[*actions])
    run(Call(options, runner.workspace, events.append, Interrupts(), Usage(), KNOWN, GROUPS), url)
    [found] = [event for event in events if isinstance(event, Shown)]
    return found


def row(found: Shown, name: str) -> str:
    [line] = [line for line in found.data["text/plain"].splitlines() if line.startswith(f"{name} ")]
    return line.removeprefix(name).strip()


def test_the_role_without_its_account(simulated: Simulated) -> None:
    with endpoint(XML) as told:
        found = shown(simulated, told.url)
    assert row(found, "role") == "arn:aws:sts::************:assumed-role/shell-role/shell"
    text = json.dumps([found.data, found.metadata])
    assert "123456789012" not in text
    assert not any(value in text for value in CREDENTIALS.values())
    assert "Python 3" in row(found, "runtime")


def test_what_it_may_do(simulated: Simulated) -> None:
    with endpoint(XML) as told:
        found = shown(simulated, told.url, "s3:GetObject", "sqs:SendMessage", "x:Y")
    assert row(found, "s3:GetObject") == "yes"
    assert row(found, "sqs:SendMessage") == "no: no policy allows it"
    assert row(found, "x:Y") == "not known: the simulator gave no answer"
    assert found.metadata[KEY]["allows"] == {"s3:GetObject": "allowed", "sqs:SendMessage": "implicitDeny"}


def test_a_simulator_that_cannot_be_asked(simulated: Simulated) -> None:
    with endpoint(XML) as told, pytest.raises(Refused, match="cannot be asked"):
        shown(simulated, told.url, "iam:CreateRole")


def test_a_simulator_that_does_not_answer_in_time(simulated: Simulated) -> None:
    with endpoint(XML) as told, pytest.raises(Interrupted, match="the time limit was reached while the policy sim"):
        shown(simulated, told.url, "iam:GetUser")


def test_sts_out_of_reach(simulated: Simulated) -> None:
    found = shown(simulated, "http://127.0.0.1:1", "s3:GetObject")
    assert row(found, "role").startswith("not known: STS did not answer")
    assert row(found, "s3:GetObject") == "not known: neither is the role"


def test_the_local_emulator_has_no_role(runner: CellRunner) -> None:
    ran = runner.run("%whoami --allows s3:GetObject")
    [found] = [event for event in ran.cell_events if isinstance(event, Shown)]
    assert row(found, "role") == "none: the local emulator's credentials are made up"
    assert row(found, "s3:GetObject") == "not known: there is no role"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("s3:GetObject", "needs --allows before it"), ("--allows", "--allows needs an ACTION"),
        ("--allows GetObject", "such as `s3:GetObject`, not 'GetObject'"),
        ("--allows 's3:Get Object'", "not 's3:Get Object'"),
        ("--allows " + "s3:X " * 51, "50 actions at most"),
    ],
)  # fmt: skip
def test_wrong_words(runner: CellRunner, words: str, why: str) -> Any:
    with pytest.raises(UsageError, match=why):
        runner.run(f"%whoami {words}")
    assert runner.sent == []
