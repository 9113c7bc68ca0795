"""The commands against moto's control plane, with boto3 in between."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.deploy import command, template
from lambda_kernel.deploy.cloud import Clients, code_zip, make_clients
from lambda_kernel.deploy.problems import DeployError

from .fakes import Sleeps, console

REGION = "eu-west-1"
THEIRS = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "theirs"}}}}


@functools.cache
def cached_client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url, region_name=REGION)  # type: ignore[call-overload]


@functools.cache
def cached_clients(region: str, url: str) -> Clients:
    return make_clients(region, None, url)


@dataclass(frozen=True)
class Account:
    """An account at moto, and our commands in it."""

    url: str

    def __call__(self, *words: str, yes: bool = False) -> str:
        options = build_parser().parse_args([words[0], "--endpoint-url", self.url, "--region", REGION, *words[1:]])
        shown, out = console(yes=yes)
        clients = cached_clients(options.region, options.endpoint_url)
        runs: dict[str, Callable[[], None]] = {
            "deploy": lambda: command.deploy(options, shown, clients, Sleeps(), lambda name: f"tried {name}"),
            "status": lambda: command.show_status(options, shown, clients),
            "delete": lambda: command.delete(options, shown, clients, Sleeps()),
        }
        runs[words[0]]()
        return out.getvalue()

    def client(self, service: str) -> Any:
        return cached_client(service, self.url)

    def function(self, name: str = "shell") -> dict[str, Any]:
        told: dict[str, Any] = self.client("lambda").get_function(FunctionName=name)["Configuration"]
        return told

    def parameters(self) -> dict[str, str]:
        """Of the only stack; moto gives a function that CloudFormation makes no layers."""
        (stack,) = self.client("cloudformation").describe_stacks()["Stacks"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}

    def stacks(self) -> list[str]:
        return [stack["StackName"] for stack in self.client("cloudformation").describe_stacks()["Stacks"]]


@pytest.fixture
def account(moto_url: str) -> Account:
    return Account(moto_url)


def test_deploy_look_and_delete(account: Account) -> None:
    out = account("deploy", "--memory", "256")
    assert "CREATE_COMPLETE" in out
    assert out.endswith(
        "tried shell\n\nMake a kernel of it:\n  lambda-kernel install --name shell --function shell "
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
    edited = template.template().replace("PROTOCOL = 1", "PROTOCOL = 2")
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


def test_a_stack_that_is_not_ours_is_left_alone(account: Account) -> None:
    account.client("cloudformation").create_stack(StackName="theirs", TemplateBody=json.dumps(THEIRS))
    for words in (["deploy", "--stack", "theirs"], ["delete", "--stack", "theirs"]):
        with pytest.raises(DeployError, match="the stack theirs is not one of lambda-kernel's, so it was left alone"):
            account(*words, yes=True)
    assert account.stacks() == ["theirs"]
    assert "There is no function" in account("status")


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
    with pytest.raises(DeployError, match="the stack mine holds the function shell, not other"):
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


def test_another_region_is_another_place(account: Account) -> None:
    account("deploy")
    assert "There is no function of lambda-kernel in us-east-1" in account("status", "--region", "us-east-1")
