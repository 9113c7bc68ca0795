"""The commands against moto's control plane, with boto3 in between."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import command, template
from lambda_kernel.commands.deploy.cloud import Clients, Cloud, code_zip, make_clients
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.stack_options import StackOptions
from tests.support.fake_aws import Sleeps, console

REGION = "eu-west-1"
THEIRS = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "theirs"}}}}


@functools.cache
def cached_client(service: str, url: str, region: str = REGION) -> Any:
    return boto3.client(service, endpoint_url=url, region_name=region)  # type: ignore[call-overload]


@functools.cache
def cached_clients(region: str, url: str) -> Clients:
    return make_clients(region, None, url)


@dataclass(frozen=True)
class Account:
    """An account at moto, and our commands in it. sleep: between two looks."""

    url: str
    region: str = REGION
    sleep: Callable[[float], None] = field(default_factory=Sleeps)

    def __call__(self, *words: str, yes: bool = False, clients: Clients | None = None) -> str:
        options = build_parser().parse_args([words[0], "--endpoint-url", self.url, "--region", self.region, *words[1:]])
        shown, out = console(yes=yes)
        clients = clients or cached_clients(options.region, options.endpoint_url)
        runs: dict[str, Callable[[], None]] = {
            "deploy": lambda: command.deploy(options, shown, clients, self.sleep, lambda name: f"tried {name}"),
            "status": lambda: command.show_status(options, shown, clients),
            "delete": lambda: command.delete(options, shown, clients, self.sleep),
        }
        runs[words[0]]()
        return out.getvalue()

    def client(self, service: str) -> Any:
        return cached_client(service, self.url, self.region)

    def function(self, name: str = "shell") -> dict[str, Any]:
        told: dict[str, Any] = self.client("lambda").get_function(FunctionName=name)["Configuration"]
        return told

    def parameters(self) -> dict[str, str]:
        """Of the only stack; moto gives a function that CloudFormation makes no layers."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        # moto makes a second one of a stack that has only been a change set.
        (stack,) = (one for one in stacks if one["StackStatus"] != "REVIEW_IN_PROGRESS")
        return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}

    def options(self, name: str) -> StackOptions:
        stack = Cloud(cached_clients(self.region, self.url)).stack(name)
        assert stack
        return stack.options

    def stacks(self) -> list[str]:
        return [stack["StackName"] for stack in self.client("cloudformation").describe_stacks()["Stacks"]]


@pytest.fixture
def account(moto_url: str) -> Account:
    return Account(moto_url)


def test_deploy_look_and_delete(account: Account) -> None:
    out = account("deploy", "--memory", "256")
    assert "CREATE_COMPLETE" in out
    assert out.endswith(
        "tried shell\n\nRegister a kernel for it:\n  lambda-kernel install --name shell --function shell "
        f"--region {REGION} --endpoint-url {account.url}\n"
    )
    assert (account.function()["MemorySize"], account.function()["Handler"]) == (256, "index.handler")
    headings, line = account("status").splitlines()
    assert headings.split()[:3] == ["STACK", "FUNCTION", "STATE"]
    assert line.split("  ")[:3] == ["lambda-kernel-shell", "shell     Active", "256 MB"] or "256 MB" in line
    assert "up to date" in line
    assert account("delete", yes=True).endswith("The stack lambda-kernel-shell is deleted.\n")
    assert account.stacks() == []
    assert account("status").startswith("There is no function of lambda-kernel in eu-west-1")


def test_a_second_deploy_changes_nothing(account: Account) -> None:
    account("deploy")
    before = account.function()
    out = account("deploy")
    assert "There is nothing to change in the stack lambda-kernel-shell in eu-west-1." in out
    assert account.function() == before


def test_an_update_keeps_what_is_not_named(account: Account) -> None:
    account("deploy", "--memory", "256", "--retention", "30")
    out = account("deploy", "--timeout", "20")
    assert "Updating the stack lambda-kernel-shell." in out
    assert (account.function()["MemorySize"], account.function()["Timeout"]) == (256, 20)
    assert "There is nothing to change" in account("deploy", "--memory", "256", "--timeout", "20")


def test_several_functions(account: Account) -> None:
    account("deploy")
    account("deploy", "--function", "my_Shell", "--no-tenant-isolation")
    account("deploy", "--function", "third", "--stack", "other")
    assert sorted(account.stacks()) == ["lambda-kernel-my-Shell", "lambda-kernel-shell", "other"]
    assert "my_Shell" in account("status", "--function", "my_Shell")
    assert len(account("status", "--stack", "lambda-kernel-shell").splitlines()) == 2


def test_code_changed_outside_of_the_stack_is_restored(account: Account) -> None:
    account("deploy")
    functions = account.client("lambda")
    functions.update_function_configuration(FunctionName="shell", MemorySize=1024, Handler="other.handler")
    out = account("deploy", "--dry-run")
    assert "restore the code and settings of shell, which was changed outside of its stack" in out
    assert account.function()["MemorySize"] == 1024
    account("deploy")
    assert (account.function()["MemorySize"], account.function()["Handler"]) == (128, "index.handler")
    functions.update_function_code(FunctionName="shell", ZipFile=code_zip("handler = None"))
    # moto is faster than the clocks of AWS's services may differ, so only the settings tell.
    functions.update_function_configuration(FunctionName="shell", Timeout=3)
    account("deploy")
    assert "up to date" in account("status")
    assert "There is nothing to change" in account("deploy")


def test_a_template_edited_by_hand_is_replaced(account: Account) -> None:
    account("deploy")
    edited = template.template().replace("PROTOCOL = 2", "PROTOCOL = 3")
    account.client("cloudformation").update_stack(
        StackName="lambda-kernel-shell", TemplateBody=edited, Capabilities=["CAPABILITY_IAM"]
    )
    assert "edited by hand" in account("status")
    assert "update the stack lambda-kernel-shell: the template of this version" in account("deploy", "--dry-run")
    account("deploy")
    assert "up to date" in account("status")


def test_tools_become_a_layer_which_delete_deletes(account: Account, tmp_path: Path) -> None:
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\necho hello\n")
    assert "Publishing the layer shell-tools: hello." in account("deploy", "--tools", str(tool))
    assert account.parameters()["Layers"].endswith(":layer:shell-tools:1")
    assert "There is nothing to change" in account("deploy", "--tools", str(tool))
    assert "There is nothing to change" in account("deploy")
    tool.write_bytes(b"#!/bin/sh\necho other\n")
    account("deploy", "--tools", str(tool))
    assert account.parameters()["Layers"].endswith(":layer:shell-tools:2")
    account.client("lambda").publish_layer_version(LayerName="shell-tools", Content={"ZipFile": code_zip("")})
    out = account("delete", yes=True)
    assert "Deleting version 1 of the layer shell-tools.\n" in out
    assert "Deleting version 2 of the layer shell-tools.\n" in out
    left = account.client("lambda").list_layer_versions(LayerName="shell-tools")["LayerVersions"]
    assert [one["Version"] for one in left] == [3]


def test_a_layer_is_attached_kept_and_let_go(account: Account, tmp_path: Path) -> None:
    functions = account.client("lambda")
    theirs = functions.publish_layer_version(LayerName="theirs", Content={"ZipFile": code_zip("")})["LayerVersionArn"]
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\n")
    account("deploy", "--layer", theirs)
    account("deploy", "--tools", str(tool))
    own = account.parameters()["Layers"].removeprefix(f"{theirs},")
    assert own.endswith(":layer:shell-tools:1")
    account("deploy", "--no-tools")
    assert account.parameters()["Layers"] == theirs
    account("deploy", "--layer", "none")
    assert account.parameters()["Layers"] == ""


def test_a_stack_that_is_not_ours_is_left_alone(account: Account) -> None:
    account.client("cloudformation").create_stack(StackName="theirs", TemplateBody=json.dumps(THEIRS))
    for words in (["deploy", "--stack", "theirs"], ["delete", "--stack", "theirs"]):
        with pytest.raises(DeployError, match="the stack theirs is not lambda-kernel's, so it was not changed"):
            account(*words, yes=True)
    assert account.stacks() == ["theirs"]
    assert "There is no function" in account("status")


def test_a_stack_in_review_is_taken_only_where_nobody_else_has_begun_one(account: Account) -> None:
    formation = account.client("cloudformation")

    def begin(stack: str, name: str) -> None:
        body = json.dumps(THEIRS)
        formation.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=body)

    begin("mine", "lambda-kernel-0")
    account("deploy", "--stack", "mine")
    assert account.function()["State"] == "Active"
    begin("theirs", "theirs")
    with pytest.raises(DeployError, match="the stack theirs is not lambda-kernel's"):
        account("deploy", "--stack", "theirs", "--function", "other")


def test_a_function_that_is_not_ours_is_left_alone(account: Account) -> None:
    role = account.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    account.client("lambda").create_function(
        FunctionName="shell", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": code_zip("theirs")}
    )
    with pytest.raises(DeployError, match="a function named shell exists in eu-west-1"):
        account("deploy", yes=True)
    assert account.function()["Runtime"] == "python3.13"
    assert account.stacks() == []


def test_a_log_group_that_is_left_is_named(account: Account) -> None:
    account.client("logs").create_log_group(logGroupName="/aws/lambda/shell")
    account.client("logs").create_log_group(logGroupName="/aws/lambda/shells")
    with pytest.raises(DeployError, match="the log group /aws/lambda/shell exists in eu-west-1"):
        account("deploy")
    assert account.stacks() == []


def test_a_dry_run_makes_nothing(account: Account, tmp_path: Path) -> None:
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\n")
    account("deploy", "--dry-run", "--tools", str(tool))
    assert account.stacks() == []
    assert account.client("lambda").list_layers()["Layers"] == []
    account("deploy")
    assert "1. delete the stack lambda-kernel-shell" in account("delete", "--dry-run")
    assert account.stacks() == ["lambda-kernel-shell"]


def test_delete_of_what_is_not_there(account: Account) -> None:
    with pytest.raises(DeployError, match="there is no stack lambda-kernel-shell in eu-west-1"):
        account("delete", yes=True)
    account("deploy", "--stack", "mine")
    with pytest.raises(DeployError, match="the stack mine has the function shell, not other"):
        account("delete", "--stack", "mine", "--function", "other", yes=True)


def test_delete_asks(account: Account) -> None:
    account("deploy")
    with pytest.raises(DeployError, match="with the function shell and its logs, will be deleted"):
        account("delete")
    assert account.stacks() == ["lambda-kernel-shell"]


def test_tenant_isolation_can_be_changed_with_consent(account: Account) -> None:
    account("deploy", "--memory", "512")
    out = account("deploy", "--no-tenant-isolation", yes=True)
    assert "Deleting the stack lambda-kernel-shell: tenant isolation can only be set" in out
    values = account.parameters()
    assert (values["TenantIsolation"], values["Memory"]) == ("false", "512")


class Cut:
    """CloudFormation's client, and Ctrl-C at one of its calls."""

    def __init__(self, client: Any, call: str, error: BaseException) -> None:
        self.client, self.call, self.error = client, call, error

    def __getattr__(self, name: str) -> Any:
        if name == self.call:
            raise self.error
        return getattr(self.client, name)


MINE = "arn:aws:iam::123456789012:policy/mine"
SETTINGS = {
    "Function": "-sh",
    "Memory": "512",
    "Timeout": "60",
    "Architecture": "x86_64",
    "Storage": "1024",
    "Retention": "30",
    "Policies": f"arn:aws:iam::aws:policy/ReadOnlyAccess,{MINE}",
    "TenantIsolation": "false",
    "RoleArn": "",
    "Boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
    "Subnets": "subnet-0a1b2c3d,subnet-1a1b2c3d",
    "SecurityGroups": "sg-0a1b2c3d",
    "Environment": '{"DB_HOST": "it\'s = here", "EMPTY": ""}',
    "KmsKey": "arn:aws:kms:eu-west-1:123456789012:key/0",
    "LogFormat": "JSON",
    "Runtime": "python3.13",
}
COMPANY = [
    *("--permissions-boundary", SETTINGS["Boundary"], "--kms-key", SETTINGS["KmsKey"]),
    *("--vpc-subnet", "subnet-0a1b2c3d", "--vpc-subnet", "subnet-1a1b2c3d", "--security-group", "sg-0a1b2c3d"),
    *("--env", "DB_HOST=it's = here", "--env", "EMPTY=", "--log-format", "JSON", "--runtime", "python3.13"),
]
OPTIONS = StackOptions({"cost-center": "7", "team": "x y"}, "arn:aws:iam::123456789012:role/formation")
STACK = ["--tag", "team=x y", "--tag", "cost-center=7", "--role-arn", "arn:aws:iam::123456789012:role/formation"]


def configured(account: Account, tmp_path: Path) -> list[str]:
    """The words that name the stack and its function, which are there with settings of all kinds."""
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\n")
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("iam").create_policy(PolicyName="mine", PolicyDocument=document)
    names = ["--stack", "mine", "--function=-sh"]
    policies = [word for arn in SETTINGS["Policies"].split(",") for word in ("--policy", arn)]
    sizes = ["--memory", "512", "--architecture", "x86_64", "--storage", "1024", "--retention", "30"]
    account("deploy", *names, *sizes, *policies, *COMPANY, *STACK, "--tools", str(tool))
    return names


@pytest.mark.parametrize("call", ["delete_stack", "create_change_set", "describe_change_set", "execute_change_set"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), DeployError("full")])
def test_a_function_that_is_made_again_keeps_its_settings_wherever_that_is_cut_short(
    account: Account, tmp_path: Path, call: str, error: BaseException
) -> None:
    names = configured(account, tmp_path)
    there = cached_clients(REGION, account.url)
    cut = Clients(Cut(there.cloudformation, call, error), there.functions, there.logs, REGION, there.make)
    with pytest.raises(DeployError) as caught:
        account("deploy", *names, "--no-tenant-isolation", yes=True, clients=cut)
    words = shlex.split(caught.value.line)
    assert words[:2] == ["lambda-kernel", "deploy"]
    account(*words[1:], yes=True)
    values = account.parameters()
    assert values.pop("Layers").endswith(":layer:-sh-tools:1")
    assert values == SETTINGS
    assert account.options("mine") == OPTIONS


def test_the_command_is_told_before_anything_is_deleted(account: Account, tmp_path: Path) -> None:
    names = configured(account, tmp_path)
    out = account("deploy", *names, "--no-tenant-isolation", yes=True)
    line = next(line for line in out.splitlines() if line.startswith("  lambda-kernel deploy "))
    assert out.index(line) < out.index("Deleting the stack")
    assert MINE in line


def test_a_new_name_takes_its_tools_along_and_delete_finds_them(account: Account, tmp_path: Path) -> None:
    tool = tmp_path / "hello"
    for text in (b"#!/bin/sh\necho 1\n", b"#!/bin/sh\necho 2\n"):
        tool.write_bytes(text)
        account("deploy", "--stack", "mine", "--tools", str(tool))
    functions = account.client("lambda")
    with pytest.raises(DeployError, match="the function other is gone"):  # moto loses one by another name
        account("deploy", "--stack", "mine", "--function", "other", yes=True)
    assert account.parameters()["Layers"].endswith(":layer:shell-tools:2")
    assert [one["Version"] for one in functions.list_layer_versions(LayerName="shell-tools")["LayerVersions"]] == [2]
    account("delete", "--stack", "mine", yes=True)
    assert functions.list_layers()["Layers"] == []


def test_nothing_is_left_of_what_the_user_declines(account: Account, tmp_path: Path) -> None:
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\n")
    account("deploy", "--stack", "mine")
    with pytest.raises(DeployError, match="Nothing was changed"):
        account("deploy", "--stack", "mine", "--function", "other", "--tools", str(tool))
    left = account.client("cloudformation").list_change_sets(StackName="mine")["Summaries"]
    assert [one["Status"] for one in left if one["ExecutionStatus"] == "AVAILABLE"] == []
    assert account.client("lambda").list_layers()["Layers"] == []
    assert account.function()["FunctionName"] == "shell"


def test_another_region_is_another_place(account: Account) -> None:
    account("deploy")
    assert "There is no function of lambda-kernel in us-east-1" in account("status", "--region", "us-east-1")
