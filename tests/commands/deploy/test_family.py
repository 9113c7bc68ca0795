"""Families: their names, their template, and what a deploy does about members that join or leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import choices, family, template
from lambda_kernel.commands.deploy.plan import Current, Desired, names_in, plan_delete, plan_deploy
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.steps import AwaitActive, CreateStack, PublishTools, Restore, TryOut, UpdateStack
from lambda_kernel.commands.deploy.tools import Executable
from lambda_kernel.function.source import function_code

from .test_moto import Account
from .test_plan import FUNCTION, NOW, REGION, STACK, WANTED, kinds
from .test_template import parsed

SIZES = {"Memory": "128,512", "Architecture": "arm64,x86_64"}
VALUES = template.Parameters().values() | SIZES
NAMES = ["shell-128-arm64", "shell-128-x86_64", "shell-512-arm64", "shell-512-x86_64"]
FUNCTIONS = tuple(
    replace(FUNCTION, name=one.function, memory_mb=int(one.memory_mb), architecture=one.architecture)
    for one in family.members(VALUES)
)
THERE = Current(replace(STACK, parameters=VALUES), template.for_stack(VALUES), NOW, FUNCTIONS, log_group=True)


@pytest.fixture
def account(moto_url: str) -> Account:
    return Account(moto_url)


def wanted(**parameters: str) -> Desired:
    return replace(WANTED, parameters=parameters)


def test_each_name_tells_what_the_function_has() -> None:
    assert family.names(VALUES) == NAMES


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ({"Memory": "128,512"}, ["shell-128-arm64", "shell-512-arm64"]),
        ({"Architecture": "arm64,x86_64"}, ["shell-128-arm64", "shell-128-x86_64"]),
        ({"Memory": "512", "Architecture": "x86_64"}, ["shell"]),
    ],
)
def test_a_member_keeps_its_name_whoever_else_there_is_and_one_alone_has_the_plain_name(
    sizes: dict[str, str], names: list[str]
) -> None:
    assert family.names(template.Parameters().values() | sizes) == names


def test_a_name_that_is_too_long() -> None:
    fits, long = ("x" * length for length in (53, 54))
    assert family.names(VALUES | {"Function": fits})[1] == f"{fits}-128-x86_64"
    with pytest.raises(DeployError, match="is too long for the name of a function: choose a shorter --function"):
        plan_deploy(replace(wanted(**SIZES), function=long), Current())


def test_the_template_has_the_code_once_and_each_function_finds_it() -> None:
    body = template.for_stack(VALUES)
    made = parsed(body)
    assert body.count("PROTOCOL = 2") == 1
    assert made["Mappings"]["Code"]["Shell"]["ZipFile"] == template.code_in(body) == function_code()
    functions = [one["Properties"] for one in made["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    assert {str(one["Code"]) for one in functions} == {str({"ZipFile": ("FindInMap", ["Code", "Shell", "ZipFile"])})}
    assert [(one["FunctionName"], one["MemorySize"], one["Architectures"]) for one in functions] == [
        (("Sub", "${Function}-128-arm64"), 128, ["arm64"]),
        (("Sub", "${Function}-128-x86_64"), 128, ["x86_64"]),
        (("Sub", "${Function}-512-arm64"), 512, ["arm64"]),
        (("Sub", "${Function}-512-x86_64"), 512, ["x86_64"]),
    ]


def test_a_family_of_one_has_todays_template() -> None:
    assert template.for_stack(template.Parameters(memory_mb=512).values()) == template.template()


def test_ten_sizes_on_both_architectures_fit_into_a_request_and_very_many_do_not() -> None:
    def create(count: int) -> object:
        sizes = ",".join(str(128 + number) for number in range(count))
        return plan_deploy(wanted(Memory=sizes, Architecture="arm64,x86_64"), Current())[0]

    assert isinstance(create(10), CreateStack)
    with pytest.raises(DeployError, match=r"takes at most 51,200: name fewer with --memory, deploy two families, or"):
        create(40)


def test_a_first_deploy_waits_for_each_and_tries_each() -> None:
    create, *others = plan_deploy(wanted(**SIZES), Current())
    assert str(create) == (
        f"create the stack lambda-kernel-shell: functions {', '.join(NAMES)}, 60 s, 512 MB of /tmp, "
        "logs kept 14 days, with tenant isolation"
    )
    assert others == [*map(AwaitActive, NAMES), *map(TryOut, NAMES)]


def test_a_name_that_is_taken() -> None:
    theirs = replace(FUNCTIONS[2], stack="theirs")
    with pytest.raises(DeployError, match=r"a function named shell-512-arm64 exists .* belongs to the stack theirs"):
        plan_deploy(wanted(**SIZES), Current(functions=(theirs,)))
    other = replace(FUNCTION, name="shell-1024-arm64", stack=None)
    with pytest.raises(DeployError, match=r"a function named shell-1024-arm64 exists .* was not made by this command"):
        plan_deploy(wanted(Memory="128,512,1024"), replace(THERE, functions=(*FUNCTIONS, other)))


def test_a_second_deploy_keeps_the_family() -> None:
    assert set(kinds(plan_deploy(WANTED, THERE))) == {"AwaitActive", "TryOut"}


def test_a_member_that_joins() -> None:
    update = plan_deploy(wanted(Memory="128,512,1769"), THERE)[0]
    assert isinstance(update, UpdateStack)
    assert str(update) == (
        "update the stack lambda-kernel-shell: Memory becomes 128,512,1769, "
        "make the functions shell-1769-arm64, shell-1769-x86_64"
    )
    assert (update.given, update.consent) == ({"Memory": "128,512,1769"}, "")


def test_a_member_that_leaves_needs_a_yes() -> None:
    update = plan_deploy(wanted(Architecture="arm64"), THERE)[0]
    assert str(update).endswith("delete the functions shell-128-x86_64, shell-512-x86_64")
    assert "shell-128-x86_64, shell-512-x86_64 will be deleted, and the environments" in update.consent


def test_from_one_function_to_a_family_and_back() -> None:
    one = replace(THERE, stack=STACK, body=template.template(), functions=(FUNCTION,))
    update = plan_deploy(wanted(**SIZES), one)[0]
    assert isinstance(update, UpdateStack)
    assert (update.joining, update.leaving) == (tuple(NAMES), ("shell",))
    update = plan_deploy(wanted(Memory="512", Architecture="arm64"), THERE)[0]
    assert isinstance(update, UpdateStack)
    assert (update.joining, update.leaving) == (("shell",), tuple(NAMES))


def test_a_new_template_is_told_apart_from_new_members() -> None:
    update = plan_deploy(wanted(Memory="128,512,1769"), replace(THERE, body="older"))[0]
    assert "the template of this version, Memory becomes 128,512,1769, make" in str(update)


def test_a_member_that_was_changed_outside_of_the_stack_gets_its_own_size_back() -> None:
    changed = replace(FUNCTIONS[3], memory_mb=777)
    [restore] = [
        step
        for step in plan_deploy(WANTED, replace(THERE, functions=(*FUNCTIONS[:3], changed)))
        if isinstance(step, Restore)
    ]
    assert restore.function == "shell-512-x86_64"
    assert (restore.parameters["Memory"], restore.parameters["Architecture"]) == ("512", "x86_64")


def test_a_member_that_somebody_deleted() -> None:
    gone = replace(THERE, functions=FUNCTIONS[1:])
    assert "its function shell-128-arm64 is gone" in plan_deploy(WANTED, gone)[0].consent
    assert kinds(plan_deploy(wanted(Architecture="x86_64"), gone))[0] == "UpdateStack"  # it is to go anyway


def test_tools_must_run_on_all_of_them() -> None:
    script, program = Executable("hi", b"#!", None), Executable("jq", b"", "arm64")
    steps = plan_deploy(replace(wanted(**SIZES), tools=(script,)), Current())
    assert isinstance(steps[0], PublishTools)
    assert steps[0].architectures == "arm64,x86_64"
    with pytest.raises(DeployError, match="jq is for arm64, and the function is for x86_64"):
        plan_deploy(replace(wanted(**SIZES), tools=(program,)), Current())


def test_the_command_that_makes_a_family_again_makes_the_same() -> None:
    assert choices.given(build_parser().parse_args(["deploy", *choices.spelled(VALUES)])).items() <= VALUES.items()


def test_delete_names_them_all() -> None:
    [step] = plan_delete(replace(STACK, parameters=VALUES), (), REGION)
    assert f"with the functions {', '.join(NAMES)} and their logs, will be deleted" in step.consent
    assert names_in(replace(STACK, parameters={})) == []


def test_an_account(account: Account) -> None:
    account("deploy", "--function", "plain")
    size_of_code = account.function("plain")["CodeSize"]  # its hash changes with the time
    out = account("deploy", "--memory", "128,512", "--architecture", "arm64,x86_64")
    assert out.count("tried shell-") == 4
    for name, size in zip(NAMES, (128, 128, 512, 512), strict=True):
        made = account.function(name)
        assert (made["MemorySize"], made["CodeSize"]) == (size, size_of_code)
    assert "There is nothing to change" in account("deploy")
    assert "There is nothing to change" in account("deploy", "--memory", "512,128")

    out = account("deploy", "--memory", "128,1769", yes=True)
    assert "  add Shell1769arm64, AWS::Lambda::Function" in out.splitlines()
    names = [line.split()[1] for line in account("status").splitlines()[1:]]
    assert names == ["plain", "shell-128-arm64", "shell-128-x86_64", "shell-1769-arm64", "shell-1769-x86_64"]
    assert len(account("status", "--function", "shell").splitlines()) == 5
    assert len(account("status", "--function", "shell-1769-arm64").splitlines()) == 2
    account("delete", yes=True)
    assert [line.split()[1] for line in account("status").splitlines()[1:]] == ["plain"]
