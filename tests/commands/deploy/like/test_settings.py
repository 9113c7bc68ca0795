"""What a shell takes over from another function, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_kernel.commands.deploy.like import names, settings
from lambda_kernel.commands.deploy.like.settings import differing, left_out, runtime_for, settings_of, taken_over
from lambda_kernel.commands.deploy.problems import DeployError
from tests.support.original import ARN, CONFIG, KEY, LAYER, MOUNT, ROLE, original


def taken(config: dict[str, Any] | None = None) -> dict[str, Any]:
    return taken_over(original(config), "checkout-shell", "lambda_kernel_shell.handler", "ours")


def left(config: dict[str, Any] | None = None, room: int = 46, isolated: bool = True, **given: Any) -> list[str]:
    return list(left_out(original(config, **given), room, isolated))


def test_everything_of_the_surroundings_is_taken_over() -> None:
    assert taken() == {
        "Runtime": "python3.12",
        "Handler": "lambda_kernel_shell.handler",
        "Role": ROLE,
        "Description": "ours",
        "MemorySize": 512,
        "Timeout": 30,
        "EphemeralStorage": {"Size": 1024},
        "VpcConfig": {
            "SubnetIds": ["subnet-1", "subnet-2"],
            "SecurityGroupIds": ["sg-1"],
            "Ipv6AllowedForDualStack": True,
        },
        "Environment": {"Variables": {"DB_PASSWORD": "correct horse", "STAGE": "prod"}},
        "KMSKeyArn": KEY,
        "TracingConfig": {"Mode": "Active"},
        "Layers": [LAYER],
        "FileSystemConfigs": [MOUNT],
        "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/checkout-shell"},
    }
    assert left() == []


def test_a_log_group_that_functions_share_is_shared() -> None:
    logging = {"LogFormat": "Text", "LogGroup": "/company/all"}
    assert taken({"LoggingConfig": logging})["LoggingConfig"] == logging


def test_a_function_with_nothing_but_what_it_must_have() -> None:
    bare = {"FunctionName": "checkout", "Role": ROLE, "Runtime": "python3.14", "Handler": "a.b"}
    found = settings_of(settings.Function(bare))
    assert (found["MemorySize"], found["Timeout"], found["EphemeralStorage"]) == (128, 3, {"Size": 512})
    assert found["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": []}
    assert found["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/checkout"}
    empty = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}, "KMSKeyArn": "", "Layers": []}
    assert settings_of(settings.Function(bare | empty)) == found


@pytest.mark.parametrize(
    ("runtime", "shells"),
    [
        ("python3.9", "python3.14"),
        ("python3.10", "python3.10"),
        ("python3.15", "python3.15"),
        ("python2.7", "python3.14"),
        ("nodejs24.x", "python3.14"),
        ("provided.al2023", "python3.14"),
        ("", "python3.14"),
    ],
)
def test_the_runtime(runtime: str, shells: str) -> None:
    assert runtime_for(runtime) == shells
    said = "It runs on python3.14: checkout runs on"
    assert any(said in line for line in left({"Runtime": runtime})) == (runtime != shells)


def test_a_wrapper_is_left_out() -> None:
    wrapper = {"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/datadog_wrapper", "STAGE": "prod"}}}
    assert taken(wrapper)["Environment"] == {"Variables": {"STAGE": "prod"}}
    assert left(wrapper) == [
        "The variable AWS_LAMBDA_EXEC_WRAPPER is left out, so /opt/datadog_wrapper does not start the shell."
    ]


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-west-1:111122223333:dead"}}, "its dead-letter queue"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
        ({"DurableConfig": {"ExecutionTimeout": 60}}, "durable execution"),
        ({"CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {}}}, "its capacity provider"),
    ],
)
def test_what_a_shell_cannot_have(config: dict[str, Any], what: str) -> None:
    assert left(config) == [f"Not taken over: {what}."]
    assert left({"SnapStart": {"ApplyOn": "None"}, "DeadLetterConfig": {}}) == []


def test_what_else_is_said() -> None:
    assert left(concurrency=5, config={"SnapStart": {"ApplyOn": "PublishedVersions"}}) == [
        "Not taken over: SnapStart, its reserved concurrency."
    ]
    assert left(tags=None) == ["The tags of checkout are not taken over: the caller needs lambda:ListTags."]
    assert left({"SigningJobArn": "arn:aws:signer:…"}) == ["The code of checkout is signed. The shell's is not."]
    assert left(isolated=False) == ["It has no tenant isolation: kernels share its environments."]
    many = {f"tag{number}": "" for number in range(46)}
    assert left(tags=many) == []
    assert left(tags=many | {"one": ""}) == ["Only 46 tags of checkout are taken over: a function can have 50."]


def test_what_differs() -> None:
    other = taken({"MemorySize": 128, "VpcConfig": None})
    assert settings.labels(differing(other, taken())) == "memory, VPC"
    assert differing(taken(), taken()) == []


@pytest.mark.parametrize(
    ("text", "name", "qualifier", "account", "region"),
    [
        ("checkout", "checkout", "", None, None),
        ("checkout:prod", "checkout", "prod", None, None),
        ("checkout:7", "checkout", "7", None, None),
        ("checkout:$LATEST", "checkout", "", None, None),
        (ARN, "checkout", "", "111122223333", "eu-west-1"),
        (f"{ARN}:prod", "checkout", "prod", "111122223333", "eu-west-1"),
        ("111122223333:function:checkout:prod", "checkout", "prod", "111122223333", None),
        ("arn:aws-cn:lambda:cn-north-1:111122223333:function:a", "a", "", "111122223333", "cn-north-1"),
    ],
)
def test_names(text: str, name: str, qualifier: str, account: str | None, region: str | None) -> None:
    assert names.parse(text) == names.Named(name, qualifier, account, region)


@pytest.mark.parametrize("text", ["", "a b", "checkout:", "a:b:c", "arn:aws:s3:::bucket", "x" * 65, "checkout;id"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(DeployError, match="is not a function that --like can take"):
        names.parse(text)


def test_an_arn_of_another_region() -> None:
    assert names.parse(ARN, "eu-west-1").name == "checkout"
    with pytest.raises(DeployError, match="names a function in eu-west-1, and the region given is us-east-1"):
        names.parse(ARN, "us-east-1")


def test_the_shells_name() -> None:
    assert names.parse("checkout").shell == "checkout-shell"
    assert names.parse("checkout:prod").shell == "checkout-prod-shell"
    assert names.parse("x" * 58).shell == "x" * 58 + "-shell"
    with pytest.raises(DeployError, match="is too long for the name of a function: choose a shorter one with"):
        _ = names.parse("x" * 59).shell


def test_values_of_variables_are_in_no_text() -> None:
    assert "correct horse" not in repr(original())
    assert CONFIG["Environment"]["Variables"]["DB_PASSWORD"] == "correct horse"
