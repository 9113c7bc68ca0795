"""The commands as processes: usage, sentences, and a whole life against ministack, which runs the function."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
import pytest

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import command
from tests.support import command_line
from tests.support.ministack import REGION

COMMAND = (sys.executable, "-m", "lambda_kernel.cli")


def begun(words: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=50)
    return process.returncode, out, err


def lambda_kernel(*words: str, **environment: str) -> tuple[int, str, str]:
    ran = command_line.lambda_kernel(*words, environ=environment)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture(scope="module")
def emulator(ministack_url: str) -> list[str]:
    """The options that lead there."""
    return ["--endpoint-url", ministack_url, "--region", REGION]


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--memory", "127"],
        ["deploy", "--memory", "128,"],
        ["deploy", "--memory", "128,10241"],
        ["deploy", "--memory", "128,512,128"],
        ["deploy", "--architecture", "arm64,i386"],
        ["deploy", "--architecture", "arm64,arm64"],
        ["deploy", "--timeout", "1801"],
        ["deploy", "--architecture", "i386"],
        ["deploy", "--storage", "0"],
        ["deploy", "--retention", "8"],
        ["deploy", "--policy", "AdministratorAccess"],
        ["deploy", "--tools"],
        ["deploy", "--tools", "x", "--no-tools"],
        ["deploy", "--endpoint-url", "localhost"],
        ["delete", "--memory", "128"],
        ["deploy", "--role", "admin"],
        ["deploy", "--role", "arn:aws:iam::123456789012:user/me"],
        ["deploy", "--permissions-boundary", "arn:aws:iam::123456789012:role/x"],
        ["deploy", "--kms-key", "alias/mine"],
        ["deploy", "--vpc-subnet", "vpc-0a1b2c3d"],
        ["deploy", "--security-group", "default"],
        ["deploy", "--log-format", "json"],
        ["deploy", "--runtime", "python3.9"],
        ["deploy", "--runtime", "nodejs22.x"],
        ["deploy", "--env", "NAME"],
        ["deploy", "--env", "A=1"],
        ["deploy", "--env", "1A=1"],
        ["deploy", "--env", "AWS_REGION=eu-west-1"],
        ["deploy", "--env", "NAME=\x1b[1m"],
        ["deploy", "--tag", "team"],
        ["deploy", "--tag", "team="],
        ["deploy", "--tag", "aws:team=x"],
        ["deploy", "--tag", "team=a,b"],
        ["deploy", "--role-arn", "none"],
        ["deploy", "--s3-bucket", "s3://mine"],
        ["deploy", "--sam", "--terraform"],
        ["template", "--s3-bucket", "mine"],
        ["status", "--region", ""],
    ],
)
def test_arguments_that_cannot_be_are_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        build_parser().parse_args(words)
    assert ending.value.code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["deploy", "--function", "a.b"], "'a.b' is not a valid function name: use up to 64 letters, digits, - and _"),
        (["delete", "--function", "x" * 65], f"'{'x' * 65}' is not a valid function name"),
        (
            ["deploy", "--stack", "1st"],
            "'1st' is not a valid stack name: use letters, digits and -, and begin with a letter",
        ),
        (["status", "--stack", "a_b"], "'a_b' is not a valid stack name"),
        (
            ["deploy", "--tools", "/nowhere/busybox"],
            "cannot read the tool /nowhere/busybox (No such file or directory)",
        ),
        (["deploy", "--env", "AB=1", "--env", "AB=2"], "--env names AB twice: leave one of them out"),
        (
            ["deploy", "--region", "eu-wset-1"],
            "'eu-wset-1' is no region that boto3 knows: is it eu-west-1, or if it is",
        ),
        (["deploy", "--dry-run", "--region", "eu-wset-1"], "'eu-wset-1' is no region that boto3 knows"),
        (["deploy", "--sam", "--s3-bucket", "mine"], "--sam prints, and --s3-bucket uploads the code: leave it out"),
        (["deploy", "--terraform", "--tools", "x"], "--terraform prints, and --tools publishes a layer: publish one"),
        (["status", "--region", "mars_1"], "'mars_1' is no region that boto3 knows: write it as in eu-north-1"),
        (["deploy", "--like", "x", "--region", "eu-wset-1"], "'eu-wset-1' is no region that boto3 knows"),
        (["status"], "no AWS region is set"),
        (["status", "--profile", "nobody", "--region", "eu-west-1"], "nobody"),
    ],
)
def test_what_cannot_be_is_one_sentence(words: list[str], sentence: str) -> None:
    code, out, err = lambda_kernel(*words)
    assert (code, out) == (1, "")
    assert err.startswith(f"lambda-kernel: {sentence}") or sentence in err
    assert err.count("\n") == 1


def test_no_credentials(emulator: list[str]) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
    code, out, err = lambda_kernel("deploy", *emulator, **none)
    assert (code, out) == (1, "")
    assert "credentials" in err
    assert err.count("\n") == 1


def test_a_dry_run_without_credentials_or_a_region_is_of_a_new_stack(tmp_path: Path) -> None:
    none = {
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), ""),
        **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(tmp_path / "none")),
    }
    words = ["deploy", "--dry-run", "--memory", "256"]
    for place, where, why in (
        (["--region", "eu-west-1"], "eu-west-1", "no AWS credentials"),
        ([], "the region that you name", "no AWS region is set"),
    ):
        code, out, err = lambda_kernel(*words, *place, **none)
        assert (code, err) == (0, "")
        first, *steps, last = out.splitlines()
        assert first == f"These steps would run in {where}:"
        assert [step.split()[1] for step in steps] == ["create", "wait", "run"]
        assert "function shell, 256 MB" in steps[0]
        assert last.startswith("This is the plan for a new stack. AWS was not asked what exists: ")
        assert why in last
    code, out, err = lambda_kernel("deploy", "--region", "eu-west-1", **none)
    assert (code, out) == (1, "")


def test_the_life_of_a_function(emulator: list[str], tmp_path: Path) -> None:
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\necho hello\n")
    code, out, err = lambda_kernel("deploy", *emulator, "--tools", str(tool))
    assert (code, err) == (0, "")
    assert "CREATE_COMPLETE       Shell (AWS::Lambda::Function)" in out
    assert "A test command in shell printed: bash " in out
    line = shlex.join(["lambda-kernel", "install", "--name", "shell", "--function", "shell", "--region", REGION])
    assert out.splitlines()[-1].strip() == f"{line} --endpoint-url {emulator[1]}"

    assert "There is nothing to change" in lambda_kernel("deploy", *emulator, "--tools", str(tool))[1]
    code, out, err = lambda_kernel("status", *emulator)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[:6] == ["lambda-kernel-shell", "shell", "Active", "128", "MB", "arm64"]
    assert "up to date" in out

    tool.write_bytes(b"#!/bin/sh\necho other\n")
    out = lambda_kernel("deploy", *emulator, "--tools", str(tool), "--memory", "256")[1]
    assert "  modify Shell, AWS::Lambda::Function (" in out
    assert ":layer:shell-tools:2" in lambda_kernel("deploy", *emulator, "--no-tenant-isolation", "--dry-run")[1]

    code, out, err = lambda_kernel("delete", *emulator)
    assert (code, out) == (1, "")
    assert err.endswith("Nothing was changed, because there is no terminal to ask: add --yes\n")
    code, out, err = lambda_kernel("delete", *emulator, "--yes")
    assert (code, err) == (0, "")
    assert "Deleting version 2 of the layer shell-tools.\nDeleting version 1 of the layer shell-tools.\n" in out
    assert "There is no function of lambda-kernel" in lambda_kernel("status", *emulator)[1]
    code, out, err = lambda_kernel("delete", *emulator, "--yes")
    assert (code, out) == (1, "")
    assert err.startswith("lambda-kernel: there is no stack lambda-kernel-shell in us-east-1")


def test_the_life_of_a_family(emulator: list[str]) -> None:
    words = [*emulator, "--function", "kin"]
    code, out, err = lambda_kernel("deploy", *words, "--memory", "512,128")
    assert (code, err) == (0, "")
    for name in ("kin-128-arm64", "kin-512-arm64"):
        assert f"A test command in {name} printed: bash " in out
        assert f"\n  lambda-kernel install --name {name} --function {name} " in out
    assert "There is nothing to change" in lambda_kernel("deploy", *words)[1]

    code, out, err = lambda_kernel("deploy", *words, "--memory", "128", "--architecture", "arm64,x86_64")
    assert (code, "Nothing was changed" in err) == (1, True)
    assert "  add Shell128x8664, AWS::Lambda::Function\n  remove Shell512arm64, AWS::Lambda::Function\n" in out
    assert "The function kin-512-arm64 will be deleted, and the environments with their files." in err
    code, out, err = lambda_kernel("deploy", *words, "--memory", "128", "--architecture", "arm64,x86_64", "--yes")
    assert (code, err) == (0, "")
    assert "A test command in kin-128-x86_64 printed: bash " in out

    out = lambda_kernel("status", *words)[1]
    assert [line.split()[1:6] for line in out.splitlines()[1:]] == [
        ["kin-128-arm64", "Active", "128", "MB", "arm64"],
        ["kin-128-x86_64", "Active", "128", "MB", "x86_64"],
    ]
    code, out, err = lambda_kernel("delete", *words, "--yes")
    assert (code, err) == (0, "")
    assert "with the functions kin-128-arm64, kin-128-x86_64 and their logs, will be deleted" in out
    assert "There is no function of lambda-kernel" in lambda_kernel("status", *words)[1]


def test_two_deploys_at_once(emulator: list[str]) -> None:
    words = ["deploy", *emulator, "--function", "twice"]
    for code, out, err in [ended(process) for process in [begun(words), begun(words)]]:
        assert (code, err) == (0, "")
        assert "A test command in twice printed: bash " in out
    code, out, _ = lambda_kernel("status", *emulator, "--function", "twice")
    assert len(out.splitlines()) == 2
    assert lambda_kernel("delete", *emulator, "--function", "twice", "--yes")[0] == 0


def test_a_creation_that_fails_shows_what_failed_and_leaves_nothing(emulator: list[str], tmp_path: Path) -> None:
    """Somebody has deleted the layer that the function is to have."""
    words = [*emulator, "--function", "fails"]
    tool = tmp_path / "hello"
    tool.write_bytes(b"#!/bin/sh\n")
    assert lambda_kernel("deploy", *words, "--tools", str(tool))[0] == 0
    functions = boto3.client("lambda", endpoint_url=emulator[1], region_name=REGION)
    functions.delete_layer_version(LayerName="fails-tools", VersionNumber=1)
    code, _, err = lambda_kernel("deploy", *words, "--no-tenant-isolation", "--yes")
    assert code == 1
    assert "the stack lambda-kernel-fails failed: Shell (AWS::Lambda::Function) could not be created: " in err
    assert "; when that is solved: this command continues, with all settings\n" in err
    assert err.splitlines()[1].startswith(f"  lambda-kernel deploy --region {REGION} --endpoint-url {emulator[1]}")
    assert lambda_kernel("delete", *words, "--yes")[0] == 1
    assert lambda_kernel("deploy", *words)[0] == 0
    assert lambda_kernel("delete", *words, "--yes")[0] == 0


@pytest.mark.parametrize(
    ("function", "name"),
    [("shell", "shell"), ("My_Shell", "my_shell"), ("-x", "x"), ("__", "aws")],
)
def test_the_kernel_of_a_function_has_a_name_that_jupyter_takes(function: str, name: str) -> None:
    options = build_parser().parse_args(["deploy", f"--function={function}"])
    line = command.install_line(options, "eu-west-1", function)
    kept = build_parser().parse_args(shlex.split(line)[1:])
    assert (kept.name, kept.function, kept.region) == (name, function, "eu-west-1")
