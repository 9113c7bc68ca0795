"""`deploy` in states that no emulator gets into: CloudFormation and Lambda are scripts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import command, template
from lambda_kernel.commands.deploy.problems import DeployError, Interrupted
from tests.support.fake_aws import (
    NAME,
    SUMMARY,
    FakeFunctions,
    FakeStack,
    Happening,
    Sleeps,
    clients,
    console,
    interrupt,
    refused,
)

ACTIVE = {"State": "Active"}
CREATE: list[tuple[str, list[Happening]]] = [
    ("CREATE_IN_PROGRESS", [("", "CREATE_IN_PROGRESS", "User Initiated")]),
    ("CREATE_COMPLETE", [("Shell", "CREATE_COMPLETE", ""), ("", "CREATE_COMPLETE", "")]),
]
UPDATE: list[tuple[str, list[Happening]]] = [
    ("UPDATE_IN_PROGRESS", [("", "UPDATE_IN_PROGRESS", "User Initiated")]),
    ("UPDATE_COMPLETE", [("", "UPDATE_COMPLETE", "")]),
]
DELETE: list[tuple[str, list[Happening]]] = [
    ("DELETE_IN_PROGRESS", [("", "DELETE_IN_PROGRESS", "User Initiated")]),
    ("DELETE_COMPLETE", [("", "DELETE_COMPLETE", "")]),
]
REPLACING = {
    "ResourceChange": {
        "Action": "Modify",
        "LogicalResourceId": "Shell",
        "ResourceType": SUMMARY,
        "Replacement": "True",
        "Details": [{"Target": {"Name": "TenancyConfig"}}, {"Target": {"Name": "Code"}}, {"Target": {"Name": "Code"}}],
    }
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def deploy(
    stack: FakeStack,
    *words: str,
    functions: FakeFunctions | None = None,
    sleep: Callable[[float], None] | None = None,
    answer: io.StringIO | None = None,
    **given: Any,
) -> str:
    options = build_parser().parse_args(["deploy", *words])
    shown, out = console(**given)
    shown.input = answer or io.StringIO()
    command.deploy(
        options, shown, clients(stack, functions), Sleeps() if sleep is None else sleep, lambda name: f"tried {name}"
    )
    return out.getvalue()


def existing(status: str = "CREATE_COMPLETE", **more: Any) -> FakeStack:
    stack = FakeStack(status, **more)
    stack.tell([("", "CREATE_IN_PROGRESS", "User Initiated"), ("", status, "")])
    return stack


def active() -> FakeFunctions:
    return FakeFunctions([ACTIVE])


def test_a_deploy_ends_with_a_test_and_the_next_command() -> None:
    functions = FakeFunctions()
    stack = FakeStack(parts=list(CREATE))

    def appear(_: float) -> None:
        functions.states = functions.states or [{"State": "Pending"}, ACTIVE]

    out = deploy(stack, "--profile", "my dev", functions=functions, sleep=appear)
    assert out.splitlines()[-5:] == [
        "The function shell is active.",
        "tried shell",
        "",
        "Register a kernel for it:",
        "  lambda-kernel install --name shell --function shell --region eu-west-1 --profile 'my dev'",
    ]
    assert stack.calls == ["create change set CREATE", "execute change set"]


def test_an_interrupted_deploy_is_found_again_and_waited_for() -> None:
    stack = FakeStack(parts=list(CREATE))
    with pytest.raises(Interrupted):
        deploy(stack, sleep=Sleeps(1, interrupt))
    assert stack.status == "CREATE_IN_PROGRESS"
    out = deploy(stack, functions=active())
    assert f"The stack {NAME} is CREATE_IN_PROGRESS. Waiting for that to end." in out
    assert "There is nothing to change" in out
    assert stack.calls.count("execute change set") == 1


def test_the_later_of_two_deploys_waits_for_the_first() -> None:
    stack = existing(body="older", parts=list(UPDATE), busy=1)
    out = deploy(stack, functions=active())
    assert "Somebody else changed the stack first" in out
    assert stack.calls == ["create change set UPDATE", "create change set UPDATE", "execute change set"]


class Appearing(FakeStack):
    """One that somebody else makes after our first look at it."""

    def describe_stacks(self, **given: Any) -> dict[str, Any]:
        if self.status is None:
            self.status = "CREATE_COMPLETE"
            raise refused("ValidationError", f"Stack with id {NAME} does not exist")
        return super().describe_stacks(**given)


def test_what_somebody_else_makes_meanwhile_is_not_taken_for_a_strangers() -> None:
    assert "There is nothing to change" in deploy(Appearing(), functions=active())


def test_deploys_that_never_end_are_not_waited_for_for_ever() -> None:
    with pytest.raises(DeployError, match="other operations keep changing the stack lambda-kernel-shell"):
        deploy(existing(body="older", busy=99), functions=active())


def test_a_rolled_back_stack_is_said_deleted_and_made_again() -> None:
    stack = existing("ROLLBACK_COMPLETE", parts=DELETE + CREATE)
    functions = FakeFunctions()

    def appear(_: float) -> None:
        functions.states = [ACTIVE]

    out = deploy(stack, functions=functions, sleep=appear)
    assert f"Deleting the stack {NAME}: it was never complete: its creation failed and was rolled back." in out
    assert stack.calls == ["delete stack", "create change set CREATE", "execute change set"]


def test_a_rolled_back_stack_that_is_not_ours_is_left_alone() -> None:
    stack = existing("ROLLBACK_COMPLETE", description="theirs")
    with pytest.raises(DeployError, match="was not changed"):
        deploy(stack, "--yes", yes=True)
    assert stack.calls == []


def test_the_changes_are_shown_before_an_update() -> None:
    change = {"ResourceChange": {**REPLACING["ResourceChange"], "Replacement": "False"}}
    out = deploy(existing(body="older", parts=list(UPDATE), changes=[change]), functions=active())
    assert f"  modify Shell, {SUMMARY} (Code, TenancyConfig)\n" in out
    assert out.index("modify Shell") < out.index("UPDATE_IN_PROGRESS")


def test_a_replacement_that_nobody_foresaw_needs_a_yes() -> None:
    def stack() -> FakeStack:
        return existing(body="older", parts=list(UPDATE), changes=[REPLACING])

    refused = stack()
    with pytest.raises(DeployError, match=r"This replaces the function: .* add --yes"):
        deploy(refused, functions=active())
    assert refused.calls == ["create change set UPDATE", "delete change set"]
    with pytest.raises(DeployError, match="nothing was changed"):
        deploy(stack(), functions=active(), answer=Terminal("n\n"))
    with pytest.raises(DeployError, match="nothing was changed"):
        deploy(stack(), functions=active(), answer=Terminal(""))
    assert "by a new one" in deploy(stack(), functions=active(), answer=Terminal("y\n"))
    assert "by a new one" in deploy(stack(), functions=active(), yes=True)


def test_a_change_of_tenant_isolation_asks_before_anything_is_done() -> None:
    stack = existing(parts=DELETE + CREATE)
    with pytest.raises(DeployError, match="tenant isolation can only be set when a function is created"):
        deploy(stack, "--no-tenant-isolation", functions=active())
    assert stack.calls == []
    deploy(stack, "--no-tenant-isolation", functions=active(), yes=True)
    assert stack.calls == ["delete stack", "create change set CREATE", "execute change set"]


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_template_that_changes_no_resource(reason: str) -> None:
    stack = existing(body="older", refusal=reason)
    assert "CloudFormation finds nothing to change." in deploy(stack, functions=active())
    assert stack.calls == ["create change set UPDATE", "delete change set"]


def test_changes_that_cloudformation_refuses() -> None:
    with pytest.raises(DeployError, match="refuses the changes to the stack lambda-kernel-shell: no such parameter"):
        deploy(existing(body="older", refusal="no such parameter."), functions=active())


def states(*told: dict[str, str]) -> FakeFunctions:
    return FakeFunctions([ACTIVE, *told])


@pytest.mark.parametrize(
    "told",
    [
        [{"State": "Pending"}, {"State": "Active", "LastUpdateStatus": "InProgress"}, ACTIVE],
        [{"State": "Inactive"}],  # idle for long: the next invocation wakes it
    ],
)
def test_the_function_is_waited_for(told: list[dict[str, str]]) -> None:
    assert "tried shell" in deploy(existing(), functions=states(*told))


def test_a_function_that_fails_or_never_comes() -> None:
    failed = {"State": "Failed", "StateReason": "KMS says no"}
    with pytest.raises(DeployError, match="the function shell failed: KMS says no"):
        deploy(existing(), functions=states(failed))
    sleeps = Sleeps()
    with pytest.raises(DeployError, match="still not active after five minutes"):
        deploy(existing(), functions=states({"State": "Pending"}), sleep=sleeps)
    assert sum(sleeps) == 300


def test_account_ids_are_masked_unless_verbose() -> None:
    happening: Happening = ("Role", "CREATE_FAILED", "arn:aws:iam::123456789012:role/x is taken")

    def failing() -> FakeStack:
        return FakeStack(parts=[CREATE[0], ("ROLLBACK_COMPLETE", [happening, ("", "ROLLBACK_COMPLETE", "")])])

    for verbose in (False, True):
        shown, out = console(verbose=verbose)
        options = build_parser().parse_args(["deploy"])
        with pytest.raises(DeployError) as failure:
            command.deploy(options, shown, clients(failing()), Sleeps())
        shown.fail(str(failure.value))
        assert ("123456789012" in out.getvalue()) is verbose
        assert ("arn:aws:iam::************:role/x" in out.getvalue()) is not verbose


def test_a_dry_run_changes_nothing() -> None:
    stack = existing("ROLLBACK_COMPLETE")
    out = deploy(stack, "--dry-run", "--no-tenant-isolation")
    assert "1. delete the stack lambda-kernel-shell" in out
    assert stack.calls == []


def test_delete_waits_for_what_is_under_way() -> None:
    stack = FakeStack("UPDATE_IN_PROGRESS", parts=UPDATE + DELETE, running=True)
    options = build_parser().parse_args(["delete", "--yes"])
    shown, out = console(yes=True)
    command.delete(options, shown, clients(stack), Sleeps())
    assert "is UPDATE_IN_PROGRESS. Waiting for that to end." in out.getvalue()
    assert stack.status == "DELETE_COMPLETE"


def table(stack: FakeStack, functions: FakeFunctions) -> Iterator[tuple[str, str]]:
    options = build_parser().parse_args(["status"])
    shown, out = console()
    command.show_status(options, shown, clients(stack, functions))
    headings, line = out.getvalue().splitlines()
    for heading in ("STATE", "MEMORY", "CODE"):
        yield heading, line[headings.index(heading) :].split("  ")[0]


@pytest.mark.parametrize(
    ("stack", "function", "state", "code"),
    [
        (FakeStack("CREATE_COMPLETE"), ACTIVE, "Active", "up to date"),
        (FakeStack("UPDATE_COMPLETE"), ACTIVE | {"LastUpdateStatus": "InProgress"}, "Updating", "up to date"),
        (FakeStack("CREATE_IN_PROGRESS"), None, "CREATE_IN_PROGRESS", "-"),
        (FakeStack("ROLLBACK_COMPLETE"), None, "ROLLBACK_COMPLETE", "-"),
        (FakeStack("CREATE_COMPLETE"), None, "no function", "-"),
        (
            FakeStack("CREATE_COMPLETE", description=f"lambda-kernel 0.0.9: a shell in AWS Lambda (code {'0' * 16})"),
            ACTIVE,
            "Active",
            "of version 0.0.9",
        ),
        (
            FakeStack("CREATE_COMPLETE", body=template.template().replace("PROTOCOL = 2", "PROTOCOL = 3")),
            ACTIVE,
            "Active",
            "edited by hand",
        ),
        (
            FakeStack("CREATE_COMPLETE"),
            ACTIVE | {"LastModified": "2026-11-23T13:00:00.000+0000"},
            "Active",
            "changed outside of the stack",
        ),
    ],
)
def test_status_tells_what_is_the_matter(
    stack: FakeStack, function: dict[str, str] | None, state: str, code: str
) -> None:
    stack.tell([("", "CREATE_COMPLETE", "")])
    told = dict(table(stack, FakeFunctions([function] if function else [])))
    assert (told["STATE"], told["CODE"]) == (state, code)
    assert told["MEMORY"] == ("128 MB" if function else "-")


@pytest.mark.parametrize("end", ["n\n", "", KeyboardInterrupt()])
def test_the_changes_of_a_new_name_are_shown_before_the_question(end: str | BaseException) -> None:
    class Leaving(Terminal):
        def readline(self, *_: Any) -> str:  # type: ignore[override]
            if isinstance(end, BaseException):
                raise end
            return end

    stack = existing(changes=[REPLACING])
    shown, out = console()
    shown.input = Leaving()
    options = build_parser().parse_args(["deploy", "--stack", NAME, "--function", "other"])
    with pytest.raises((DeployError, KeyboardInterrupt)):
        command.deploy(options, shown, clients(stack, FakeFunctions()), Sleeps(), str)
    text = out.getvalue()
    assert text.index("modify Shell") < text.index("A new name makes a new function")
    assert text.endswith("Continue? [y/N] ")
    assert stack.calls == ["create change set UPDATE", "delete change set"]


def test_an_interrupt_while_a_stack_is_deleted_to_be_made_again() -> None:
    stack = existing(parts=list(DELETE), parameters=template.Parameters(memory_mb=512).values())
    with pytest.raises(Interrupted, match=f"goes on with the stack {NAME}: this command continues") as caught:
        deploy(stack, "--no-tenant-isolation", functions=active(), sleep=Sleeps(1, interrupt), yes=True)
    assert "--memory 512" in caught.value.line
    assert stack.calls == ["delete stack"]


class Contended(FakeStack):
    """Somebody else's operation comes before the deletion."""

    tries = 0

    def delete_stack(self, **given: Any) -> None:
        self.tries += 1
        if self.tries == 1:
            raise refused("OperationInProgressException", "an operation is under way")
        super().delete_stack(**given)


def test_a_stack_that_cannot_be_deleted_yet_is_looked_at_again() -> None:
    stack = Contended("CREATE_COMPLETE", parts=[*DELETE, *CREATE])
    stack.tell([("", "CREATE_COMPLETE", "")])
    out = deploy(stack, "--no-tenant-isolation", functions=active(), yes=True)
    assert "Somebody else changed the stack first" in out
    assert stack.calls == ["delete stack", "create change set CREATE", "execute change set"]
