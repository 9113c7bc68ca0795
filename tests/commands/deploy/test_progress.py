"""Operations on a stack, followed: what is shown, what is said to have failed, how they are left and found again."""

from __future__ import annotations

import pytest

from lambda_kernel.commands.deploy.problems import DeployError, Interrupted
from lambda_kernel.commands.deploy.progress import PATIENCE_SECONDS, Progress, advice
from tests.support.fake_aws import NAME, STACK_ID, FakeStack, Happening, Sleeps, cloud, interrupt

CREATING: list[Happening] = [("", "CREATE_IN_PROGRESS", "User Initiated"), ("Role", "CREATE_IN_PROGRESS", "")]
DENIED = (
    "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: iam:CreateRole on resource: x because no "
    "identity-based policy allows the iam:CreateRole action"
)


def followed(stack: FakeStack, sleeps: Sleeps | None = None, after: str | None = None) -> tuple[str, list[str]]:
    stack.running = True
    said: list[str] = []
    status = Progress(cloud(stack), said.append, Sleeps() if sleeps is None else sleeps).follow(STACK_ID, NAME, after)
    return status, said


def test_events_are_shown_once_as_they_come() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    stack.parts = [
        ("CREATE_IN_PROGRESS", CREATING),
        ("CREATE_IN_PROGRESS", []),
        ("CREATE_IN_PROGRESS", [("Role", "CREATE_COMPLETE", ""), ("Shell", "CREATE_COMPLETE", "")]),
        ("CREATE_COMPLETE", [("", "CREATE_COMPLETE", "")]),
    ]
    status, said = followed(stack)
    assert status == "CREATE_COMPLETE"
    told = [line.split()[1:3] for line in said]
    assert told == [
        ["CREATE_IN_PROGRESS", NAME],
        ["CREATE_IN_PROGRESS", "Role"],
        ["CREATE_COMPLETE", "Role"],
        ["CREATE_COMPLETE", "Shell"],
        ["CREATE_COMPLETE", NAME],
    ]


def test_the_status_from_before_is_not_taken_for_the_end() -> None:
    """CloudFormation may show UPDATE_COMPLETE for a moment after it was told to update once more."""
    stack = FakeStack("UPDATE_COMPLETE")
    stack.tell([("", "UPDATE_COMPLETE", "")])
    stack.parts = [
        ("UPDATE_COMPLETE", []),
        ("UPDATE_COMPLETE", [("Role", "UPDATE_IN_PROGRESS", "")]),
        ("UPDATE_IN_PROGRESS", [("", "UPDATE_IN_PROGRESS", "User Initiated")]),
        ("UPDATE_COMPLETE", [("", "UPDATE_COMPLETE", "")]),
    ]
    _, said = followed(stack, after="event-0")
    assert len(said) == 3


def test_the_first_failure_is_named_and_not_what_followed_from_it() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    stack.parts = [
        ("CREATE_IN_PROGRESS", CREATING),
        (
            "ROLLBACK_IN_PROGRESS",
            [
                ("Logs", "CREATE_FAILED", "Resource creation cancelled"),
                ("Role", "CREATE_FAILED", DENIED),
                ("Shell", "CREATE_FAILED", "something else"),
                ("", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Role, Shell]."),
            ],
        ),
        ("ROLLBACK_COMPLETE", [("", "ROLLBACK_COMPLETE", "")]),
    ]
    with pytest.raises(DeployError) as failure:
        followed(stack)
    assert "Role (AWS::Lambda::Function) could not be created" in str(failure.value)
    assert "the caller needs iam:CreateRole; name a role that exists with --role, or the boundary" in str(failure.value)
    assert "ROLLBACK" not in str(failure.value)


def test_a_creation_that_failed_and_was_deleted_is_a_failure() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    stack.parts = [
        ("CREATE_IN_PROGRESS", CREATING),
        ("DELETE_IN_PROGRESS", [("Role", "CREATE_FAILED", "no"), ("", "DELETE_IN_PROGRESS", "")]),
        ("DELETE_COMPLETE", [("", "DELETE_COMPLETE", "")]),
    ]
    with pytest.raises(DeployError, match="could not be created: no"):
        followed(stack)


def test_a_deletion_that_worked_at_the_second_try_is_none() -> None:
    stack = FakeStack("CREATE_COMPLETE")
    stack.parts = [
        ("DELETE_IN_PROGRESS", [("", "DELETE_IN_PROGRESS", "User Initiated"), ("Role", "DELETE_FAILED", "in use")]),
        ("DELETE_COMPLETE", [("Role", "DELETE_COMPLETE", ""), ("", "DELETE_COMPLETE", "")]),
    ]
    assert followed(stack)[0] == "DELETE_COMPLETE"


def test_a_deletion_that_failed() -> None:
    stack = FakeStack("CREATE_COMPLETE")
    stack.parts = [("DELETE_FAILED", [("Role", "DELETE_FAILED", "in use"), ("", "DELETE_FAILED", "The following ...")])]
    with pytest.raises(DeployError, match="could not be deleted: in use"):
        followed(stack)


def test_a_failure_without_any_resource_shows_the_stacks_own_reason() -> None:
    stack = FakeStack("CREATE_COMPLETE")
    stack.parts = [("UPDATE_ROLLBACK_COMPLETE", [("", "UPDATE_FAILED", "limit exceeded")])]
    with pytest.raises(DeployError, match="limit exceeded"):
        followed(stack)
    stack = FakeStack("CREATE_COMPLETE", [("UPDATE_ROLLBACK_COMPLETE", [("", "UPDATE_ROLLBACK_COMPLETE", "")])])
    with pytest.raises(DeployError, match="ended as UPDATE_ROLLBACK_COMPLETE without a reason"):
        followed(stack)


def test_ctrl_c_says_that_cloudformation_goes_on() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", [("CREATE_IN_PROGRESS", CREATING)])
    with pytest.raises(
        Interrupted, match=r"goes on with the stack lambda-kernel-shell: see its state with `lambda-kernel status`"
    ):
        followed(stack, Sleeps(1, interrupt))


def test_what_somebody_else_began_is_joined_and_its_first_failure_known() -> None:
    stack = FakeStack("CREATE_IN_PROGRESS", running=True)
    stack.tell([("", "CREATE_IN_PROGRESS", "User Initiated"), ("Old", "CREATE_FAILED", "long ago")])
    stack.tell([*CREATING, ("Role", "CREATE_FAILED", "taken")])
    stack.parts = [("ROLLBACK_IN_PROGRESS", []), ("ROLLBACK_COMPLETE", [("", "ROLLBACK_COMPLETE", "")])]
    said: list[str] = []
    with pytest.raises(DeployError, match="could not be created: taken"):
        Progress(cloud(stack), said.append, Sleeps()).join(STACK_ID, NAME)
    assert [line.split()[1] for line in said] == ["ROLLBACK_COMPLETE"]


def test_a_deletion_that_somebody_else_began_ends_well_whatever_was_before() -> None:
    stack = FakeStack("DELETE_IN_PROGRESS", running=True)
    stack.tell([*CREATING, ("Role", "CREATE_FAILED", "taken"), ("", "ROLLBACK_COMPLETE", "")])
    stack.tell([("", "DELETE_IN_PROGRESS", "User Initiated")])
    stack.parts = [("DELETE_COMPLETE", [("", "DELETE_COMPLETE", "")])]
    assert Progress(cloud(stack), print, Sleeps()).join(STACK_ID, NAME) == "DELETE_COMPLETE"


def test_waiting_has_an_end() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", [("CREATE_IN_PROGRESS", CREATING)])
    sleeps = Sleeps()
    with pytest.raises(DeployError, match="is still CREATE_IN_PROGRESS after half an hour"):
        followed(stack, sleeps)
    assert sum(sleeps) == PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("/aws/lambda/shell already exists in stack x.", "choose another name with --function"),
        ("TenancyConfig is not supported in this region", "--no-tenant-isolation"),
        (
            "The role defined for the function cannot be assumed by Lambda.",
            "let lambda.amazonaws.com do sts:AssumeRole",
        ),
        ("Cross-account pass role is not allowed.", "name a role of the function's own account with --role"),
        ("CodeVerificationFailedException: not signed", "name the signed one with --s3-key"),
        ("The provided execution role does not have permissions to call CreateNetworkInterface on EC2", "role has to"),
        ("The subnet ID 'subnet-0' does not exist", "subnets and security groups of one VPC in this region"),
        ("", "no reason was given"),
        ("Something new.", "Something new"),
    ],
)
def test_reasons_come_with_what_to_do(reason: str, words: str) -> None:
    assert advice(reason).endswith(words) or words in advice(reason)
