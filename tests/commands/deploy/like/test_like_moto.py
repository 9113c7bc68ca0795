"""Shells that are like other functions, at moto's control plane."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy.cloud import make_clients
from lambda_kernel.commands.deploy.like import command
from lambda_kernel.commands.deploy.like.cloud import Functions
from lambda_kernel.commands.deploy.problems import DeployError
from tests.support.fake_aws import Sleeps, console
from tests.support.packages import zipped

REGION = "eu-west-1"
BEGIN = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)


@functools.cache
def client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url, region_name=REGION)  # type: ignore[call-overload]


@functools.cache
def clients(url: str) -> Any:
    return make_clients(REGION, None, url)


@dataclass
class Account:
    """An account at moto. packages: by the function's name, since moto's locations lead nowhere."""

    url: str
    packages: dict[str, bytes] = field(default_factory=dict)
    now: datetime.datetime = BEGIN

    def __post_init__(self) -> None:
        self.functions = Functions(clients(self.url), self.fetch)

    def fetch(self, url: str, first: int, size: int) -> bytes:
        name = next(name for name in self.packages if f"/{name}-" in url)
        return self.packages[name][first : first + size]

    def original(self, name: str = "checkout", **given: Any) -> None:
        self.packages[name] = zipped({"app.py": f"# {name}"})
        assume = "{}"
        role = client("iam", self.url).create_role(RoleName=name, AssumeRolePolicyDocument=assume)["Role"]["Arn"]
        settings = {"Runtime": "python3.12", "Handler": "app.handler", "Role": role, "Tags": {"team": "orders"}}
        code = {"ZipFile": self.packages[name]}
        client("lambda", self.url).create_function(FunctionName=name, Code=code, **settings | given)

    def deploy(self, *words: str, yes: bool = True) -> str:
        options = build_parser().parse_args(["deploy", "--endpoint-url", self.url, "--region", REGION, *words])
        shown, out = console(yes=yes)
        command.deploy(
            options, shown, self.functions, lambda name: f"tried {name}", sleep=Sleeps(), clock=lambda: self.now
        )
        return out.getvalue()

    def delete(self, name: str, *words: str) -> str:
        options = build_parser().parse_args(["delete", "--function", name, *words])
        shown, out = console(yes=True)
        found = command.find(self.functions, name)
        assert found
        command.delete(options, shown, self.functions, found, Sleeps())
        return out.getvalue()

    def status(self, only: str | None = None) -> list[list[str]]:
        table = command.table(self.functions, only, lambda: self.now)
        return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()[1:]]

    def told(self, name: str = "checkout-shell") -> dict[str, Any]:
        found: dict[str, Any] = client("lambda", self.url).get_function(FunctionName=name)
        return {key: value for key, value in found.items() if key != "ResponseMetadata"}


@pytest.fixture
def account(moto_url: str) -> Account:
    return Account(moto_url)


def test_the_life_of_a_shell(account: Account) -> None:
    account.original(MemorySize=256, Environment={"Variables": {"STAGE": "prod"}}, Layers=[])
    before = account.told("checkout")
    out = account.deploy("--like", "checkout")
    assert "tried checkout-shell\n\nRegister a kernel for it:\n  lambda-kernel install --name checkout-shell" in out
    made = account.told()
    assert made["Configuration"]["Handler"] == "lambda_kernel_shell.handler"
    assert (made["Configuration"]["MemorySize"], made["Configuration"]["Runtime"]) == (256, "python3.12")
    assert made["Configuration"]["Environment"] == {"Variables": {"STAGE": "prod"}}
    assert made["Configuration"]["Role"] == before["Configuration"]["Role"]
    assert made["Tags"]["team"] == "orders"
    assert account.told("checkout") == before
    account.now += datetime.timedelta(hours=5)
    assert account.status() == [
        ["checkout-shell", "checkout", "Active", "256 MB", "x86_64", "off", "up to date", "unchanged", "5 hours"]
    ]
    assert "There is nothing to change in the function checkout-shell" in account.deploy("--like", "checkout")
    assert account.delete("checkout-shell").endswith("The function checkout-shell is deleted.\n")
    assert account.status() == []
    assert account.told("checkout") == before


def test_a_code_signing_configuration(account: Account) -> None:
    account.original(CodeSigningConfigArn=f"arn:aws:lambda:{REGION}:123456789012:code-signing-config:csc-{'0' * 17}")
    told = "The code-signing configuration of checkout is not taken over"
    assert told in account.deploy("--like", "checkout", "--dry-run")
    assert told in account.deploy("--like", "checkout")
    answer = client("lambda", account.url).get_function_code_signing_config(FunctionName="checkout-shell")
    assert "CodeSigningConfigArn" not in answer


def test_it_follows_the_original(account: Account) -> None:
    account.original()
    account.deploy("--like", "checkout")
    theirs = client("lambda", account.url)
    theirs.update_function_configuration(FunctionName="checkout", MemorySize=1024, Timeout=9)
    account.packages["checkout"] = zipped({"app.py": "# newer"})
    theirs.update_function_code(FunctionName="checkout", ZipFile=account.packages["checkout"])
    assert account.status()[0][7] == "changed: code, memory, timeout"
    out = account.deploy("--like", "checkout", yes=False)  # what it may do stays, so nobody is asked
    assert "Updating the code of checkout-shell.\nUpdating the settings of checkout-shell: memory, timeout.\n" in out
    assert account.told()["Configuration"]["MemorySize"] == 1024
    assert account.status()[0][7] == "unchanged"
    assert "There is nothing to change" in account.deploy("--like", "checkout")
    theirs.delete_function(FunctionName="checkout")
    assert account.status("checkout-shell")[0][7] == "gone"
    account.delete("checkout-shell")


def test_what_others_change_in_the_shell_is_put_right(account: Account) -> None:
    account.original()
    account.deploy("--like", "checkout")
    client("lambda", account.url).update_function_configuration(FunctionName="checkout-shell", Handler="app.handler")
    assert "update the settings of checkout-shell: handler" in account.deploy("--like", "checkout", "--dry-run")
    account.deploy("--like", "checkout")
    assert account.told()["Configuration"]["Handler"] == "lambda_kernel_shell.handler"


def test_a_dry_run_makes_nothing(account: Account) -> None:
    account.original(Runtime="nodejs22.x")
    out = account.deploy("--like", "checkout", "--dry-run", yes=False)
    assert "It runs on python3.14: checkout runs on nodejs22.x, whose programs are not there." in out
    assert "1. create the function checkout-shell with what checkout has: python3.14, " in out
    assert "This needs your consent: Whoever may invoke checkout-shell in eu-west-1 gets a shell with the role " in out
    assert [one["FunctionName"] for one in client("lambda", account.url).list_functions()["Functions"]] == ["checkout"]


def test_cut_off_at_each_step_it_goes_on(account: Account) -> None:
    account.original()

    class Cutting:
        """Lambda's client, and Ctrl-C after one of its calls."""

        def __init__(self, call: str) -> None:
            self.call = call

        def __getattr__(self, name: str) -> Any:
            real = getattr(client("lambda", account.url), name)

            def call(**given: Any) -> Any:
                answer = real(**given)
                if name == self.call:
                    raise KeyboardInterrupt
                return answer

            return call

    def cut(call: str) -> None:
        whole = account.functions.clients
        account.functions.clients = replace(whole, functions=Cutting(call))
        with pytest.raises(KeyboardInterrupt):
            account.deploy("--like", "checkout")
        account.functions.clients = whole

    cut("create_function")
    assert "There is nothing to change in the function checkout-shell" in account.deploy("--like", "checkout")
    theirs = client("lambda", account.url)
    theirs.update_function_configuration(FunctionName="checkout", MemorySize=1024)
    account.packages["checkout"] = zipped({"app.py": "# newer"})
    theirs.update_function_code(FunctionName="checkout", ZipFile=account.packages["checkout"])
    cut("update_function_code")
    cut("update_function_configuration")
    assert account.status()[0][7] == "changed: code"
    assert "Updating the tags of checkout-shell." in account.deploy("--like", "checkout")
    assert account.status()[0][7] == "unchanged"


def test_functions_that_are_not_ours_are_left_alone(account: Account) -> None:
    account.original()
    account.original("theirs")
    before = account.told("theirs")["Configuration"]
    with pytest.raises(DeployError, match="a function named theirs exists in eu-west-1 and was not made by this"):
        account.deploy("--like", "checkout", "--function", "theirs")
    assert account.told("theirs")["Configuration"] == before
    assert command.find(account.functions, "theirs") is None
    account.deploy("--like", "checkout", "--function", "mine")
    with pytest.raises(DeployError, match="the function mine in eu-west-1 is a shell like checkout, not theirs"):
        account.deploy("--like", "theirs", "--function", "mine")
    with pytest.raises(DeployError, match="mine is itself a shell of lambda-kernel, with what checkout has"):
        account.deploy("--like", "mine")


def test_the_logs_of_the_shell_go_with_it_and_older_ones_stay(account: Account) -> None:
    account.original()
    group = {"logGroupName": "/aws/lambda/checkout-shell"}
    client("logs", account.url).create_log_group(**group)
    account.now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    account.deploy("--like", "checkout")
    assert "1. delete the log group /aws/lambda/checkout-shell\n" in account.delete("checkout-shell", "--dry-run")
    account.delete("checkout-shell")
    assert client("logs", account.url).describe_log_groups()["logGroups"] == []
    client("logs", account.url).create_log_group(**group)
    account.now += datetime.timedelta(hours=1)
    account.deploy("--like", "checkout")
    assert "log group" not in account.delete("checkout-shell")
    assert len(client("logs", account.url).describe_log_groups()["logGroups"]) == 1


def test_tools_are_published_kept_and_deleted(account: Account, tmp_path: Any) -> None:
    account.original()
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\necho hello\n")
    out = account.deploy("--like", "checkout", "--tools", str(tool))
    assert "Publishing the layer checkout-shell-tools: hello.\n" in out
    for words in (["--tools", str(tool)], []):
        assert "There is nothing to change" in account.deploy("--like", "checkout", *words)
        assert account.told()["Configuration"]["Layers"][0]["Arn"].endswith(":layer:checkout-shell-tools:1")
    assert account.status()[0][7] == "unchanged"
    account.deploy("--like", "checkout", "--no-tools")
    assert account.told()["Configuration"]["Layers"] == []
    assert "Deleting version 1 of the layer checkout-shell-tools." in account.delete("checkout-shell")
    assert client("lambda", account.url).list_layers()["Layers"] == []
