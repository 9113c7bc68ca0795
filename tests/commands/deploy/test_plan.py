"""Plans: what would be done in each state that a stack and its function can be in."""

from __future__ import annotations

import datetime
import textwrap
from dataclasses import replace

import pytest

from lambda_kernel.commands.deploy import plan, template
from lambda_kernel.commands.deploy.cloud import Function, Layer, Stack, sha256
from lambda_kernel.commands.deploy.command import listed
from lambda_kernel.commands.deploy.plan import Current, Desired, plan_deploy
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.steps import CreateStack, DeleteLayer, Step, UpdateStack, Wait
from lambda_kernel.commands.deploy.tools import Executable, pack

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.timezone.utc)
REGION = "eu-west-1"
WANTED = Desired("lambda-kernel-shell", REGION)
MARK = template.Mark("0.1.0", "0" * 16)
STACK = Stack(WANTED.stack, "arn:stack", "CREATE_COMPLETE", template.Parameters().values(), MARK)
FUNCTION = Function(
    name="shell",
    state="Active",
    reason="",
    update="Successful",
    memory_mb=128,
    timeout_s=60,
    storage_mb=512,
    architecture="arm64",
    isolated=True,
    modified=NOW,
    code_sha256="CloudFormation's",
    stack=WANTED.stack,
)
THERE = Current(STACK, template.template(), NOW, (FUNCTION,), log_group=True)
TOOL = Executable("jq", b"#!", None)


def stacks(status: str) -> Current:
    return replace(THERE, stack=replace(STACK, status=status))


def tools(function: str, version: int, description: str = "lambda-kernel tools x") -> Layer:
    return Layer(f"arn:aws:lambda:eu-west-1:1:layer:{function}-tools:{version}", version, description)


def having(*layers: Layer) -> Stack:
    return replace(STACK, parameters={**STACK.parameters, "Layers": ",".join(one.arn for one in layers)})


def kinds(steps: list[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]


def desired(**parameters: str) -> Desired:
    return replace(WANTED, parameters=parameters)


def shown(steps: list[Step], text: str) -> None:
    assert listed(steps, REGION) == textwrap.dedent(text).strip("\n")


def test_a_first_deploy() -> None:
    shown(
        plan_deploy(replace(desired(Memory="256"), tools=(TOOL,)), Current()),
        """
        These steps would run in eu-west-1:
          1. publish the layer shell-tools for arm64: jq
          2. create the stack lambda-kernel-shell: function shell, 256 MB, 60 s, arm64, 512 MB of /tmp, logs kept 14 days, with tenant isolation, layers the new layer
          3. wait until the function shell is active
          4. run a test command in the function shell
        """,  # noqa: E501
    )


def test_an_update() -> None:
    shown(
        plan_deploy(desired(Memory="256", Timeout="60"), replace(THERE, body="older")),
        """
        These steps would run in eu-west-1:
          1. update the stack lambda-kernel-shell: the template of this version, Memory becomes 256
          2. wait until the function shell is active
          3. run a test command in the function shell
        """,
    )


def test_a_change_of_tenant_isolation_asks() -> None:
    shown(
        plan_deploy(desired(TenantIsolation="false"), THERE),
        """
        These steps would run in eu-west-1:
          1. delete the stack lambda-kernel-shell: tenant isolation can only be set when a function is created
          2. create the stack lambda-kernel-shell: function shell, 128 MB, 60 s, arm64, 512 MB of /tmp, logs kept 14 days, without tenant isolation
          3. wait until the function shell is active
          4. run a test command in the function shell
          This needs your consent: The stack lambda-kernel-shell will be deleted and created again, because tenant isolation can only be set when a function is created. Its environments, files and logs will be gone.
        """,  # noqa: E501
    )


def test_nothing_to_change() -> None:
    steps = plan_deploy(WANTED, THERE)
    assert kinds(steps) == ["AwaitActive", "TryOut"]
    assert not plan.changes(steps)


def test_parameters_that_are_not_named_keep_their_values() -> None:
    current = replace(THERE, stack=replace(STACK, parameters={**STACK.parameters, "Memory": "1024"}))
    current = replace(current, functions=(replace(FUNCTION, memory_mb=1024),))
    update = plan_deploy(desired(Timeout="30"), current)[0]
    assert isinstance(update, UpdateStack)
    assert update.given == {"Timeout": "30"}
    assert "Memory" in update.kept


def test_a_parameter_that_the_stack_does_not_know_gets_its_default() -> None:
    """CloudFormation refuses UsePreviousValue for a parameter that the template before did not have."""
    older = {name: value for name, value in STACK.parameters.items() if name != "Storage"}
    update = plan_deploy(WANTED, replace(THERE, stack=replace(STACK, parameters=older)))[0]
    assert isinstance(update, UpdateStack)
    assert update.given == {"Storage": "512"}
    assert "Storage" not in update.kept


def test_tenant_isolation_made_anew_keeps_the_other_parameters() -> None:
    current = replace(THERE, stack=replace(STACK, parameters={**STACK.parameters, "Memory": "1024"}))
    create = plan_deploy(desired(TenantIsolation="false"), current)[1]
    assert isinstance(create, CreateStack)
    assert (create.parameters["Memory"], create.parameters["TenantIsolation"]) == ("1024", "false")


def test_another_name_asks() -> None:
    (update, *_) = plan_deploy(
        replace(desired(Function="other"), function="other"), replace(THERE, functions=(), log_group=False)
    )
    assert isinstance(update, UpdateStack)
    assert update.given == {"Function": "other"}
    assert "shell, its environments and its logs will be deleted" in update.consent


def test_another_name_that_is_taken() -> None:
    with pytest.raises(DeployError, match="a function named other exists in eu-west-1"):
        plan_deploy(
            replace(desired(Function="other"), function="other"),
            replace(THERE, functions=(replace(FUNCTION, name="other"),)),
        )


def test_a_function_that_somebody_deleted_is_made_again_with_consent() -> None:
    steps = plan_deploy(WANTED, replace(THERE, functions=()))
    assert kinds(steps) == ["DeleteStack", "CreateStack", "AwaitActive", "TryOut"]
    assert "its function shell is gone" in steps[0].consent


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED"])
def test_stacks_that_can_be_updated(status: str) -> None:
    assert kinds(plan_deploy(desired(Memory="256"), stacks(status)))[0] == "UpdateStack"


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_stacks_of_a_failed_creation_are_said_deleted_and_made_again(status: str) -> None:
    there = status != "ROLLBACK_COMPLETE"
    current = replace(stacks(status), functions=(FUNCTION,) if there else (), log_group=there)
    steps = plan_deploy(WANTED, current)
    assert kinds(steps) == ["DeleteStack", "CreateStack", "AwaitActive", "TryOut"]
    assert "failed" in str(steps[0])
    assert bool(steps[0].consent) == there


@pytest.mark.parametrize(
    "status",
    ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"],
)
def test_what_is_under_way_is_waited_for(status: str) -> None:
    (step,) = plan_deploy(desired(TenantIsolation="false"), Current(replace(STACK, status=status)))
    assert isinstance(step, Wait)
    assert status in str(step)


def test_a_stack_that_was_never_more_than_a_change_set() -> None:
    stack = replace(STACK, status="REVIEW_IN_PROGRESS", parameters={}, mark=None, begun=True)
    assert kinds(plan_deploy(WANTED, Current(stack)))[0] == "CreateStack"
    with pytest.raises(DeployError, match="not lambda-kernel's"):
        plan_deploy(WANTED, Current(replace(stack, begun=False)))


def test_a_stack_that_is_stuck() -> None:
    with pytest.raises(DeployError, match="continue-update-rollback --stack-name lambda-kernel-shell"):
        plan_deploy(WANTED, stacks("UPDATE_ROLLBACK_FAILED"))


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "CREATE_IN_PROGRESS"])
def test_a_stack_that_is_not_ours_is_left_alone(status: str) -> None:
    with pytest.raises(DeployError, match="not lambda-kernel's, so it was not changed"):
        plan_deploy(WANTED, Current(replace(STACK, status=status, mark=None)))


def test_a_function_that_is_not_ours() -> None:
    with pytest.raises(DeployError, match="function named shell exists in eu-west-1 and was not made by this command"):
        plan_deploy(WANTED, Current(functions=(replace(FUNCTION, stack=None),)))
    with pytest.raises(
        DeployError, match=r"belongs to the stack theirs: .*--function, or name that stack with --stack"
    ):
        plan_deploy(WANTED, Current(functions=(replace(FUNCTION, stack="theirs"),)))


def test_a_log_group_that_an_earlier_function_left() -> None:
    with pytest.raises(DeployError, match="aws logs delete-log-group --log-group-name /aws/lambda/shell"):
        plan_deploy(WANTED, Current(log_group=True))


@pytest.mark.parametrize("region", ["ap-southeast-6", "us-gov-west-1", "cn-north-1"])
def test_regions_without_tenant_isolation(region: str) -> None:
    there = replace(WANTED, region=region)
    with pytest.raises(DeployError, match="add --no-tenant-isolation, or --tenant-isolation to try it"):
        plan_deploy(there, Current())
    for value in ("true", "false"):
        assert kinds(plan_deploy(replace(there, parameters={"TenantIsolation": value}), Current()))[0] == "CreateStack"


def test_code_that_was_changed_outside_of_the_stack_is_restored() -> None:
    changed = replace(FUNCTION, modified=NOW + datetime.timedelta(minutes=1))
    assert kinds(plan_deploy(WANTED, replace(THERE, functions=(changed,))))[0] == "Restore"
    restored = replace(changed, code_sha256=sha256(plan.package()))
    assert kinds(plan_deploy(WANTED, replace(THERE, functions=(restored,)))) == ["AwaitActive", "TryOut"]


@pytest.mark.parametrize(
    "changed",
    [replace(FUNCTION, memory_mb=777), replace(FUNCTION, timeout_s=777), replace(FUNCTION, storage_mb=777)],
)
def test_settings_that_were_changed_outside_of_the_stack_are_restored(changed: Function) -> None:
    assert kinds(plan_deploy(WANTED, replace(THERE, functions=(changed,))))[0] == "Restore"


def test_tools_that_are_there_already_are_not_published_again() -> None:
    digest = pack([TOOL], ["arm64"]).digest
    layer = Layer("arn:aws:lambda:eu-west-1:1:layer:shell-tools:7", 7, f"lambda-kernel tools {digest}")
    current = replace(
        THERE, layers=(layer,), stack=replace(STACK, parameters={**STACK.parameters, "Layers": layer.arn})
    )
    assert kinds(plan_deploy(replace(WANTED, tools=(TOOL,)), current)) == ["AwaitActive", "TryOut"]
    steps = plan_deploy(replace(WANTED, tools=(replace(TOOL, data=b"#!other"),)), current)
    assert kinds(steps)[:2] == ["PublishTools", "UpdateStack"]


def test_tools_replace_those_before_and_no_other_layer() -> None:
    layers = "arn:aws:lambda:eu-west-1:1:layer:mine:1,arn:aws:lambda:eu-west-1:1:layer:shell-tools:3"
    current = replace(THERE, stack=replace(STACK, parameters={**STACK.parameters, "Layers": layers}))
    update = plan_deploy(replace(WANTED, tools=(TOOL,)), current)[1]
    assert isinstance(update, UpdateStack)
    assert update.given == {"Layers": f"arn:aws:lambda:eu-west-1:1:layer:mine:1,{plan.PUBLISHED}"}
    update = plan_deploy(replace(WANTED, no_tools=True), current)[0]
    assert isinstance(update, UpdateStack)
    assert update.given == {"Layers": "arn:aws:lambda:eu-west-1:1:layer:mine:1"}


def test_another_architecture_needs_other_tools() -> None:
    layers = "arn:aws:lambda:eu-west-1:1:layer:shell-tools:3"
    current = replace(THERE, stack=replace(STACK, parameters={**STACK.parameters, "Layers": layers}))
    with pytest.raises(DeployError, match="are for arm64: name tools for x86_64 with --tools"):
        plan_deploy(desired(Architecture="x86_64"), current)


def deleted(steps: list[Step]) -> list[tuple[str, int]]:
    return [(step.layer, step.version) for step in steps if isinstance(step, DeleteLayer)]


def test_another_name_lets_the_tools_of_the_former_go_that_it_does_not_take_along() -> None:
    """The other stack's tools, and those of the new name's own earlier versions, stay."""
    old, kept, theirs = tools("shell", 1), tools("shell", 2), tools("third", 5)
    current = replace(
        THERE, stack=having(kept, theirs), functions=(), log_group=False, layers=(kept, old, theirs, tools("other", 1))
    )
    assert deleted(plan_deploy(replace(WANTED, function="other"), current)) == [("shell-tools", 1)]
    steps = plan_deploy(replace(WANTED, function="other", no_tools=True), current)
    assert deleted(steps) == [("shell-tools", 2), ("shell-tools", 1), ("third-tools", 5)]
    assert kinds(steps)[0] == "UpdateStack"


def test_new_tools_take_the_place_of_those_that_came_with_the_former_name() -> None:
    came = tools("former", 3)
    layer = "arn:aws:lambda:eu-west-1:1:layer:mine-tools:3"  # of somebody who has called it so
    stack = replace(STACK, parameters={**STACK.parameters, "Layers": f"{came.arn},{layer}"})
    current = replace(THERE, stack=stack, layers=(came, tools("former", 2), tools("shell", 1)))
    steps = plan_deploy(replace(WANTED, tools=(TOOL,)), current)
    [update] = [step for step in steps if isinstance(step, UpdateStack)]
    assert update.given["Layers"] == f"{layer},{plan.PUBLISHED}"
    assert deleted(steps) == [("former-tools", 3)]


def test_delete_takes_the_layers_that_tools_made() -> None:
    steps = plan.plan_delete(STACK, [tools("shell", 2), tools("former", 1)], REGION)
    shown(
        steps,
        """
        These steps would run in eu-west-1:
          1. delete the stack lambda-kernel-shell
          2. delete version 2 of the layer shell-tools
          3. delete version 1 of the layer former-tools
          This needs your consent: The stack lambda-kernel-shell in eu-west-1, with the function shell and its logs, will be deleted.
        """,  # noqa: E501
    )


def test_delete_leaves_what_is_not_ours_alone() -> None:
    with pytest.raises(DeployError, match="was not changed"):
        plan.plan_delete(replace(STACK, mark=None), (), REGION)
