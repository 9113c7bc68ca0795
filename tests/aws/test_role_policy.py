"""IAM's policy simulator, by an endpoint that answers what it is told to."""

from __future__ import annotations

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.role_policy import decisions
from lambda_kernel.aws.target import Target
from tests.support.scripted_endpoint import Answer, endpoint

SESSION = "arn:aws:sts::123456789012:assumed-role/shell-role/shell"
ROLE = Answer(
    body=b"<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::123456789012:role/team/shell-role</Arn></Role>"
    b"</GetRoleResult></GetRoleResponse>"
)
MEMBER = "<member><EvalActionName>{}</EvalActionName><EvalDecision>{}</EvalDecision></member>"
DENIED = Answer(403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")


def simulated(**told: str) -> Answer:
    members = "".join(MEMBER.format(name.replace("_", ":"), decision) for name, decision in told.items())
    result = "SimulatePrincipalPolicy"
    return Answer(
        body=f"<{result}Response><{result}Result><EvaluationResults>{members}</EvaluationResults>"
        f"<IsTruncated>false</IsTruncated></{result}Result></{result}Response>".encode()
    )


def asked(*answers: Answer, arn: str = SESSION) -> dict[str, str]:
    with endpoint(*answers) as told:
        return decisions(Target("shell", "eu-west-1", endpoint_url=told.url), arn, ["s3:GetObject", "sqs:SendMessage"])


def test_what_the_role_may_do() -> None:
    told = asked(ROLE, simulated(s3_GetObject="allowed", sqs_SendMessage="implicitDeny"))
    assert told == {"s3:GetObject": "allowed", "sqs:SendMessage": "implicitDeny"}


@pytest.mark.parametrize(
    "answers", [[DENIED], [ROLE, DENIED], [Answer(body=b"<html>")], [Answer(body=b"<R/>")], [ROLE, Answer(body=b"{}")]]
)
def test_what_it_takes_is_named(answers: list[Answer]) -> None:
    with pytest.raises(errors.Refused, match="iam:GetRole and iam:SimulatePrincipalPolicy of your own credentials"):
        asked(*answers)


@pytest.mark.parametrize("arn", ["arn:aws:iam::123456789012:user/me", "arn:aws:sts::12:assumed-role/a/b", "x"])
def test_who_is_no_role(arn: str) -> None:
    with pytest.raises(errors.UsageError, match="only a role's policies"):
        asked(ROLE, arn=arn)
