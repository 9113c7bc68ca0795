"""The template: what it makes, what it may not, and that tools other than ours take it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from lambda_kernel import __version__
from lambda_kernel.commands.deploy import template
from lambda_kernel.commands.deploy.template import Parameters
from lambda_kernel.function.source import function_code
from tests.support.aws_cli import VERSIONS, aws_cli
from tests.support.command_line import lambda_kernel


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, each of which becomes a pair of its tag and its value."""


def short_form(loader: Loader, tag: str, node: yaml.Node) -> tuple[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return tag, loader.construct_sequence(node, deep=True)
    return tag, node.value


Loader.add_multi_constructor("!", short_form)


def parsed(text: str) -> dict[str, Any]:
    return dict(yaml.load(text, Loader))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return lambda_kernel("template", *arguments)


def test_it_fits_into_a_request_with_room_for_the_function_to_grow() -> None:
    assert len(template.template().encode()) < template.LIMIT_BYTES - 8_000


def test_the_code_says_where_its_explanations_are() -> None:
    first = template.template().partition(template.CODE_KEY)[2].partition("\n")[0].strip()
    source = "lambda_kernel/function/index.py"
    assert first == f"# Made by lambda-kernel {__version__} from its {source}, without docstrings, comments and types."


def test_what_yaml_reads_is_the_functions_code_byte_for_byte() -> None:
    made = parsed(template.template())["Resources"]["Shell"]["Properties"]
    assert made["Code"]["ZipFile"] == function_code()
    # Other characters might be escaped, or change, on their way.
    assert function_code().isascii()


def test_the_function() -> None:
    made = parsed(template.template())["Resources"]["Shell"]["Properties"]
    assert (made["Runtime"], made["Handler"]) == (("Ref", "Runtime"), "index.handler")
    assert made["TenancyConfig"] == (
        "If",
        ["IsIsolated", {"TenantIsolationMode": "PER_TENANT"}, ("Ref", "AWS::NoValue")],
    )


def test_the_role_may_write_its_own_logs_and_nothing_else() -> None:
    role = parsed(template.template())["Resources"]["Role"]["Properties"]
    (policy,) = role["Policies"]
    kind, (condition, in_vpc, usual) = policy["PolicyDocument"]["Statement"]
    assert (kind, condition) == ("If", "IsInVpc")
    assert usual == [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": ("GetAtt", "Logs.Arn")}
    ]
    own, allowed, denied = in_vpc
    assert own == usual[0]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", list(template.NETWORK))
    # Lambda itself may make network interfaces; who uses the kernel may not.
    assert (denied["Effect"], denied["Action"]) == ("Deny", allowed["Action"])
    assert "lambda:SourceFunctionArn" in denied["Condition"]["ArnLike"]
    assert role["ManagedPolicyArns"] == (
        "If",
        ["HasPolicies", ("Split", [",", ("Ref", "Policies")]), ("Ref", "AWS::NoValue")],
    )


def test_it_makes_three_things_and_opens_nothing() -> None:
    resources = parsed(template.template())["Resources"]
    types = {resource["Type"] for resource in resources.values()}
    assert types == {"AWS::Logs::LogGroup", "AWS::IAM::Role", "AWS::Lambda::Function"}
    assert "ReservedConcurrentExecutions" not in resources["Shell"]["Properties"]


def test_the_defaults_are_those_of_the_parameters() -> None:
    declared = parsed(template.template())["Parameters"]
    assert {name: str(one["Default"]) for name, one in declared.items()} == Parameters().values()


def test_other_defaults() -> None:
    chosen = Parameters("x_1-Y", 512, 1800, "x86_64", 1024, 3653, ("arn:aws:iam::aws:policy/ReadOnlyAccess",), False)
    declared = parsed(template.render(chosen.values()))["Parameters"]
    assert {name: str(one["Default"]) for name, one in declared.items()} == chosen.values()


def test_nothing_is_left_to_fill_in() -> None:
    body = template.template().partition(template.CODE_KEY)[0]
    assert "@" not in body


def test_the_code_is_found_again_in_the_body() -> None:
    assert template.code_in(template.template()) == function_code()
    assert template.code_in(template.template() + "Outputs: {}\n") == function_code()
    assert template.code_in(template.template().replace("PROTOCOL = 2", "PROTOCOL = 3")) != function_code()
    assert template.code_in("Resources: {}") is None


def test_the_description_is_our_mark() -> None:
    mark = template.read_mark(parsed(template.template())["Description"])
    assert mark == template.Mark(__version__, template.code_hash(function_code()))


@pytest.mark.parametrize(
    "description", ["", "lambda-kernel", "lambda-kernel 1: a shell in AWS Lambda (code x)", "My stack"]
)
def test_other_descriptions_are_not_ours(description: str) -> None:
    assert template.read_mark(description) is None


def test_the_command_changes_defaults_and_refuses_what_cannot_be() -> None:
    declared = parsed(
        command("--function", "other", "--layer", "arn:aws:lambda:eu-west-1:123456789012:layer:a:1").stdout
    )
    assert declared["Parameters"]["Function"]["Default"] == "other"
    assert declared["Parameters"]["Layers"]["Default"] == "arn:aws:lambda:eu-west-1:123456789012:layer:a:1"
    assert command("--retention", "2").returncode == 2
    assert command("--policy", "ReadOnlyAccess").returncode == 2
    refused = command("--function", "a b")
    assert (refused.returncode, refused.stdout) == (1, "")
    sentence = "'a b' is not a valid function name: use up to 64 letters, digits, - and _"
    assert refused.stderr == f"lambda-kernel: {sentence}\n"


def test_defaults_that_make_it_too_large_for_a_request() -> None:
    names = [f"arn:aws:iam::123456789012:policy/{'x' * 100}{number}" for number in range(200)]
    refused = command(*(word for name in names for word in ("--policy", name)))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "bytes, and CloudFormation takes at most 51,200: leave --policy and --layer out" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_the_aws_cli_deploys_it_as_it_is(moto_url: str, tmp_path: Path, version: int) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(command("--memory", "256").stdout)
    place = ["--endpoint-url", moto_url, "--region", "eu-west-1"]
    words = [aws_cli(version).program, "cloudformation", "deploy", "--template-file", str(file), "--stack-name", "mine"]
    result = subprocess.run(
        [*words, "--capabilities", "CAPABILITY_IAM", *place],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert result.returncode == 0, result.stderr
    made = boto3.client("lambda", endpoint_url=moto_url, region_name="eu-west-1").get_function(FunctionName="shell")
    assert made["Configuration"]["MemorySize"] == 256
