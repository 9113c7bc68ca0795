"""The function as a text for AWS SAM and for Terraform: each tool, or its own parser, reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.commands.deploy import template
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.snippets import literal, terraform, text
from lambda_kernel.function.source import function_code
from tests.support.command_line import lambda_kernel

from .test_template import parsed

VARIABLES = {"DB_HOST": 'it\'s ${here} "\\n" @code@', "LOUD": "%{ if } ü 😀\n\ttail"}
ROLE = "arn:aws:iam::123456789012:role/own"
FULL = template.Parameters(
    variables=template.variables_text(VARIABLES),
    role=ROLE,
    subnets=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    security_groups=("sg-0a1b2c3d",),
    kms_key="arn:aws:kms:eu-west-1:123456789012:key/0",
    log_format="JSON",
    runtime="python3.13",
    tenant_isolation=False,
).values()
USUAL = template.Parameters().values()
FAMILY = {**USUAL, "Memory": "128,512", "Architecture": "arm64,x86_64"}
TAGS = {"team": "data science", "a/b": "1"}
TERRAFORM = shutil.which("terraform")
QUIET = {**os.environ, "CHECKPOINT_DISABLE": "1"}  # it looks for no new version of itself


def translated(body: str) -> dict[str, Any]:
    """What AWS SAM makes of it."""
    translator = pytest.importorskip("samtranslator.translator.transform")
    helper = pytest.importorskip("samtranslator.yaml_helper")

    class NoPolicies:
        def load(self) -> dict[str, str]:
            return {}

    return dict(translator.transform(helper.yaml_parse(body), {}, NoPolicies()))


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")  # AWS SAM reads nothing else


@pytest.mark.parametrize("values", [USUAL, FULL, FAMILY])
def test_sam_makes_the_function_that_cloudformation_makes(values: dict[str, str]) -> None:
    made = translated(text(values, {}, "sam"))["Resources"]
    plain = translated(text(values, {}, None))["Resources"]
    assert made.keys() == plain.keys()
    for name, resource in made.items():
        tags = resource["Properties"].pop("Tags", None)
        if resource["Type"] == "AWS::Lambda::Function":
            assert tags == [{"Key": "lambda:createdBy", "Value": "SAM"}]
        # It fills in parameters that are references.
        assert resource["Type"] == plain[name]["Type"]
        assert resource["Properties"].keys() == plain[name]["Properties"].keys()
        assert resource["Properties"].get("Code") == plain[name]["Properties"].get("Code")
        assert resource["Properties"].get("Environment") == plain[name]["Properties"].get("Environment")


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    """Also not in what AWS SAM gets. In one run, since it takes long to load."""
    pytest.importorskip("cfnlint")
    options = {
        "usual": [],
        "alone": ["--no-tenant-isolation", "--memory", "10240", "--retention", "1"],
        "family": ["--memory", "128,10240", "--architecture", "arm64,x86_64"],
    }
    templates = {name: lambda_kernel("template", *words).stdout for name, words in options.items()}
    templates["sam"] = text({**FULL, "Memory": "128,512"}, TAGS, "sam")
    files = [tmp_path / f"{name}.yaml" for name in templates]
    for file in files:
        file.write_text(templates[file.stem])
    lint = ["-c", "from cfnlint.runner import main; raise SystemExit(main())", "--include-checks", "I", "--template"]
    words = [sys.executable, *lint, *map(str, files)]
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=50)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(("form", "tool"), [("sam", "sam"), (None, "aws cloudformation")])
def test_tags_of_the_stack_are_named_by_the_command_that_makes_it(form: str | None, tool: str) -> None:
    body = text(USUAL, TAGS, form)
    first = body.splitlines()[0]
    assert first == (
        f"# {tool} deploy --stack-name NAME --template-file FILE --capabilities CAPABILITY_IAM --tags "
        "'team=data science' a/b=1"
    )
    assert parsed(body) == parsed(text(USUAL, {}, form))


def read(body: str) -> dict[str, Any]:
    """By a parser of HCL."""
    return dict(pytest.importorskip("hcl2").loads(body))


def test_terraform_gets_the_same_settings() -> None:
    body = terraform(FULL, TAGS)
    [settings] = read(body)["locals"]
    assert settings["role"] == f'"{ROLE}"'
    assert settings["subnets"] == ['"subnet-0a1b2c3d"', '"subnet-1a1b2c3d"']
    assert (settings["tenant_isolation"], settings["timeout"]) == (False, 60)
    assert settings["functions"] == {'"shell"': {'"memory"': 128, '"architecture"': '"arm64"'}}
    assert settings["tags"] == {'"team"': '"data science"', '"a/b"': '"1"'}
    [settings] = read(terraform(FAMILY, {}))["locals"]
    assert len(settings["functions"]) == 4


def test_terraform_makes_what_cloudformation_makes() -> None:
    made = {next(iter(one)).strip('"') for one in read(terraform(USUAL, {}))["resource"]}
    assert made == {
        *("aws_cloudwatch_log_group", "aws_iam_role", "aws_iam_role_policy", "aws_iam_role_policy_attachment"),
        "aws_lambda_function",
    }


@pytest.mark.skipif(TERRAFORM is None, reason="Terraform is not installed")
@pytest.mark.parametrize("values", [USUAL, FULL, FAMILY])
def test_terraform_finds_it_well_formed(values: dict[str, str]) -> None:
    words = [str(TERRAFORM), "fmt", "-check", "-diff", "-"]
    result = subprocess.run(
        words, input=terraform(values, TAGS), capture_output=True, text=True, check=False, env=QUIET, timeout=30
    )
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.skipif(TERRAFORM is None, reason="Terraform is not installed")
def test_terraform_reads_the_code_and_the_variables_as_they_are(tmp_path: Path) -> None:
    """Without providers, which it would download: only what needs none."""
    body = terraform(FULL, TAGS)
    settings = re.search(r"^locals \{\n.*?^\}\n", body, re.MULTILINE | re.DOTALL)
    code = re.search(r"<<EOT\n.*?^EOT\n", body, re.MULTILINE | re.DOTALL)
    assert settings
    assert code
    (tmp_path / "main.tf").write_text(f"{settings[0]}locals {{\n  code = {code[0]}}}\n")
    result = subprocess.run(
        [str(TERRAFORM), f"-chdir={tmp_path}", "console"],
        input="jsonencode([local.code, local.variables])\n",
        capture_output=True,
        text=True,
        check=True,
        env=QUIET,
        timeout=30,
    )
    assert json.loads(json.loads(result.stdout)) == [function_code(), VARIABLES]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1, "b"]}, '{ "a" = [1, "b"] }'),
        ('${a} %{b} "', '"$${a} %%{b} \\""'),
    ],
)
def test_literals(value: object, told: str) -> None:
    assert literal(value) == told


@pytest.mark.parametrize("form", [None, "sam", "terraform"])
def test_settings_that_do_not_go_together_are_not_printed(form: str | None) -> None:
    with pytest.raises(DeployError, match="--policy belongs to the role that deploy makes"):
        text({**USUAL, "RoleArn": ROLE, "Policies": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {}, form)


def test_deploy_prints_too_and_asks_nobody() -> None:
    words = ["deploy", "--terraform", "--memory", "256", "--region", "eu-west-1"]
    result = lambda_kernel(*words)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == terraform({**USUAL, "Memory": "256"}, {})
