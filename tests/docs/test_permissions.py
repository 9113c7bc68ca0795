"""docs/how-to/deploy-in-a-company.md names every permission that the commands need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import lambda_kernel
from lambda_kernel.commands.deploy import template

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deploy-in-a-company.md"
DEPLOY = Path(lambda_kernel.__file__).parent / "commands" / "deploy"
ACTION = re.compile(r"\"((?:cloudformation|lambda|logs|s3):[A-Z]\w+)\"")
BLOCK = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIMIT = 6_144  # characters of a managed policy, without blanks (IAM quotas)


def policy() -> dict[str, Any]:
    """Of who deploys: the longest one of the page."""
    return dict(json.loads(max(BLOCK.findall(PAGE.read_text("utf-8")), key=len)))


def actions() -> set[str]:
    listed = [one["Action"] for one in policy()["Statement"]]
    return {action for one in listed for action in ([one] if isinstance(one, str) else one)}


def test_the_policy_has_every_action_that_is_called() -> None:
    called = {found for path in DEPLOY.rglob("*.py") for found in ACTION.findall(path.read_text("utf-8"))}
    assert len(called) > 15
    assert called - actions() == {"s3:PutObject"}  # for one option, which the table names
    assert "`s3:PutObject`" in PAGE.read_text("utf-8")


def test_it_has_what_cloudformation_needs_for_each_of_the_resources() -> None:
    body = template.template()
    for kind, needed in {
        "AWS::Lambda::Function": {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration", "iam:PassRole"},
        "AWS::IAM::Role": {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRole"},
        "AWS::Logs::LogGroup": {"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup"},
    }.items():
        assert f"Type: {kind}" in body
        assert needed <= actions()
    assert body.count("Type: AWS::") == 3


def test_iam_takes_it_as_one_policy() -> None:
    assert len("".join(json.dumps(policy()).split())) < LIMIT
    sids = [one["Sid"] for one in policy()["Statement"]]
    assert len(set(sids)) == len(sids)
    assert {one["Effect"] for one in policy()["Statement"]} == {"Allow"}
