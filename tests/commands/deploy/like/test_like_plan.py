"""Plans for shells that are like other functions, in each state that there can be."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from lambda_kernel.commands.deploy.cloud import LAYER_DESCRIPTION, Layer, sha256
from lambda_kernel.commands.deploy.like import marks, plan
from lambda_kernel.commands.deploy.like.package import Package
from lambda_kernel.commands.deploy.like.plan import Desired, notes, plan_delete, plan_deploy
from lambda_kernel.commands.deploy.like.settings import Function
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.tools import Executable, pack
from tests.support.original import CONFIG, LAYER, ROLE, TAGS, VPC, original

NOW = "2026-11-30T12:00:00Z"
PACKAGE = Package(b"their code and ours")
WANTED = Desired(original(), "checkout", "checkout-shell", "eu-west-1", PACKAGE, NOW)
TOOL = Executable("jq", b"#!", None)
ARCHIVE = pack((TOOL,), ("arm64",))
TOOLS = "arn:aws:lambda:eu-west-1:111122223333:layer:checkout-shell-tools:1"
PUBLISHED = Layer(TOOLS, 1, LAYER_DESCRIPTION + ARCHIVE.digest)


def shell(config: dict[str, Any] | None = None, tags: dict[str, str] | None = None, tools: str = "") -> Function:
    """What a deploy has made."""
    made = WANTED.settings([tools] if tools else [])
    made["Layers"] = [{"Arn": arn, "CodeSize": 1} for arn in made["Layers"]]
    there = {
        "FunctionName": "checkout-shell",
        "FunctionArn": "arn:shell",
        "CodeSha256": sha256(PACKAGE.data),
        "Architectures": ["arm64"],
        "State": "Active",
        "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
    }
    return Function(made | there | (config or {}), WANTED.tags(NOW) if tags is None else tags)


def told(desired: Desired, there: Function | None, published: tuple[Layer, ...] = ()) -> list[str]:
    return [str(step) for step in plan_deploy(desired, there, published)]


LAST = ["wait until the function checkout-shell is active", "run a test command in the function checkout-shell"]


def test_a_new_shell() -> None:
    create, *last = plan_deploy(WANTED, None)
    assert [str(step) for step in last] == LAST
    assert str(create) == (
        "create the function checkout-shell with what checkout has: python3.12, 512 MB, 30 s, arm64, 1024 MB of /tmp, "
        f"handler lambda_kernel_shell.handler, with tenant isolation, the role {ROLE}, the subnets subnet-1, subnet-2, "
        "the security groups sg-1, the variables DB_PASSWORD, STAGE, the KMS key "
        "arn:aws:kms:eu-west-1:111122223333:key/1, the file systems at /mnt/data, "
        f"layers {LAYER}, tracing Active, logs as JSON in /aws/lambda/checkout-shell, 5 tags"
    )
    assert create.consent.startswith(
        f"Whoever may invoke checkout-shell in eu-west-1 gets a shell with the role {ROLE}, the subnets subnet-1, "
    )
    assert "correct horse" not in f"{create!r}{create}{create.consent}"


def test_nothing_to_do() -> None:
    assert told(WANTED, shell()) == LAST
    assert not plan.changes(plan_deploy(WANTED, shell()))


@pytest.mark.parametrize(
    ("config", "steps", "asked"),
    [
        ({"MemorySize": 128}, ["update the settings of checkout-shell: memory"], False),
        ({"Role": "arn:aws:iam::111122223333:role/less"}, ["update the settings of checkout-shell: role"], True),
        ({"VpcConfig": {}, "Timeout": 3}, ["update the settings of checkout-shell: timeout, VPC"], True),
        ({"Environment": {"Variables": {}}}, ["update the settings of checkout-shell: variables"], True),
        ({"VpcConfig": {**VPC, "SubnetIds": ["subnet-1", "subnet-2"]}}, [], False),
        ({"CodeSha256": "other"}, ["update the code of checkout-shell"], False),
        ({"Architectures": ["x86_64"]}, ["update the code of checkout-shell"], False),
        ({"Handler": "lambda_kernel_shell_2.handler"}, ["update the settings of checkout-shell: handler"], False),
        ({"LastUpdateStatus": "InProgress"}, LAST[:1], False),
        ({"State": "Pending"}, LAST[:1], False),
    ],
)
def test_a_shell_is_brought_up_to_date(config: dict[str, Any], steps: list[str], asked: bool) -> None:
    assert told(WANTED, shell(config)) == [*steps, *LAST]
    assert any(step.consent for step in plan_deploy(WANTED, shell(config))) == asked


def test_tags_follow_the_original_and_the_time_stays() -> None:
    later = replace(WANTED, now="2027-01-01T00:00:00Z", original=original(tags={"team": "cash"}))
    (update, *_) = plan_deploy(later, shell(tags=WANTED.tags(NOW) | {"extra": "x", "aws:a": "b"}))
    assert str(update) == "update the tags of checkout-shell"
    assert update.gone == ["extra"]  # type: ignore[attr-defined]
    assert update.tags == WANTED.tags(NOW) | {"team": "cash"}  # type: ignore[attr-defined]
    assert "aws:cloudformation:stack-name" not in WANTED.tags(NOW)


def test_many_tags() -> None:
    tags = {f"tag{number:02}": "" for number in range(50)}
    many = replace(WANTED, original=original(tags=tags)).tags(NOW)
    assert (len(many), "tag45" in many, "tag46" in many) == (50, True, False)


def test_a_shell_that_failed_is_made_again() -> None:
    failed = shell({"State": "Failed", "StateReason": "no subnet"})
    first, second, *_ = plan_deploy(WANTED, failed)
    assert str(first) == "delete the function checkout-shell: it failed: no subnet"
    assert str(second).startswith("create the function checkout-shell")
    assert "will be deleted and created again, because it failed: no subnet" in first.consent


def test_tenant_isolation() -> None:
    without = shell({"TenancyConfig": None})
    assert told(WANTED, without) == LAST  # it stays as it is
    assert told(replace(WANTED, isolated=False), without) == LAST
    why = "delete the function checkout-shell: tenant isolation can only be set when a function is created"
    assert told(replace(WANTED, isolated=True), without)[0] == why
    assert told(replace(WANTED, isolated=False), shell())[0] == why
    assert "without tenant isolation" in told(replace(WANTED, isolated=False), None)[0]
    china = replace(WANTED, region="cn-north-1")
    with pytest.raises(DeployError, match="cn-north-1 had no tenant isolation when this version was made"):
        plan_deploy(china, None)
    assert "without tenant" in told(replace(china, isolated=False), None)[0]
    assert told(china, without) == LAST


def test_tools_become_a_layer_of_its_own() -> None:
    wanted = replace(WANTED, tools=(TOOL,))
    publish, create = told(wanted, None)[:2]
    assert publish == "publish the layer checkout-shell-tools for arm64: jq"
    assert f"layers {LAYER}, the new layer" in create
    assert told(wanted, None, (PUBLISHED,))[0].startswith("create the function")
    assert told(wanted, shell(), (PUBLISHED,)) == ["update the settings of checkout-shell: layers", *LAST]
    assert told(wanted, shell(tools=TOOLS), (PUBLISHED,)) == LAST


def test_tools_stay_until_they_are_taken_away() -> None:
    assert told(WANTED, shell(tools=TOOLS)) == LAST
    gone = replace(WANTED, no_tools=True)
    assert told(gone, shell(tools=TOOLS)) == ["update the settings of checkout-shell: layers", *LAST]
    assert told(gone, shell()) == LAST


def test_a_function_can_have_five_layers() -> None:
    def having(layers: int) -> Desired:
        return replace(WANTED, original=original({"Layers": [{"Arn": LAYER}] * layers}), tools=(TOOL,))

    assert len(plan_deploy(having(4), None)) == 4
    with pytest.raises(DeployError, match="checkout has 5 layers, which is all that Lambda allows"):
        plan_deploy(having(5), None)


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (Function(CONFIG, TAGS), "exists in eu-west-1 and was not made by this command: choose another name"),
        (Function(CONFIG, None), "its tags cannot be read: the caller needs lambda:ListTags"),
        (Function(CONFIG, {marks.LIKE: "pay"}), "is a shell like pay, not checkout: choose another name"),
    ],
)
def test_another_function_has_the_name(there: Function, sentence: str) -> None:
    with pytest.raises(DeployError, match=sentence):
        plan_deploy(WANTED, there)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (original(tags={marks.LIKE: "pay"}), "checkout is itself a shell of lambda-kernel, with what pay has"),
        (
            original({"Environment": {"Error": {"ErrorCode": "AccessDenied", "Message": "no key"}}}),
            r"the variables of checkout cannot be read, .* needs kms:Decrypt on its KMS key \(no key\)",
        ),
        (original(location=""), "Lambda does not say where the package of checkout can be read"),
    ],
)
def test_an_original_that_cannot_be_copied(function: Function, sentence: str) -> None:
    plan.check_original(original(), "checkout")
    with pytest.raises(DeployError, match=sentence):
        plan.check_original(function, "checkout")


def test_what_is_said_besides() -> None:
    wanted = replace(WANTED, extensions={LAYER: ["agent", "watch"], TOOLS: [], "arn:closed": None})
    assert notes(wanted, None) == [
        "The code of checkout is in /var/task, and is not run. Its handler is app.handler.",
        f"The layer {LAYER} has extensions, which run in the shell, too: agent, watch.",
        "The layer arn:closed cannot be looked into: it may have extensions, which run in the shell, too.",
        "It is in the VPC. The kernel reaches it by Lambda's API, even if the VPC has no way out.",
    ]
    bare = replace(WANTED, original=original({"VpcConfig": None}))
    assert notes(bare, None) == notes(wanted, None)[:1]
    path = replace(bare, original=original({"VpcConfig": None, "Environment": {"Variables": {"PYTHONPATH": "/mnt"}}}))
    assert notes(path, None)[1:] == [
        "The variable PYTHONPATH stays: Python loads a sitecustomize module there before the shell."
    ]


MADE = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("minutes", "deleted"),
    [(None, False), (-5, False), (-4, True), (0, True), (600, True)],
)
def test_delete_takes_the_log_group_if_it_is_not_older(minutes: int | None, deleted: bool) -> None:
    """A clock may be off by five minutes."""
    made = None if minutes is None else MADE + datetime.timedelta(minutes=minutes)
    steps = plan_delete(shell(), "eu-west-1", made)
    first = ["delete the log group /aws/lambda/checkout-shell"] if deleted else []
    assert [str(step) for step in steps] == [*first, "delete the function checkout-shell"]
    assert steps[-1].consent == (
        f"The function checkout-shell in eu-west-1, a shell like checkout, will be deleted"
        f"{' with its logs' if deleted else ''}."
    )


def test_delete_leaves_a_log_group_that_others_share() -> None:
    shared = shell({"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/company/all"}})
    assert [str(step) for step in plan_delete(shared, "eu-west-1", MADE)] == ["delete the function checkout-shell"]
    odd = shell(tags={marks.LIKE: "checkout", marks.MADE: "once"})
    assert len(plan_delete(odd, "eu-west-1", MADE)) == 1


def test_delete_takes_the_tools() -> None:
    steps = plan_delete(shell(), "eu-west-1", None, [PUBLISHED])
    assert str(steps[0]) == "delete version 1 of the layer checkout-shell-tools"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-60, "under a minute"),
        (59, "under a minute"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_age(seconds: int, age: str) -> None:
    mark = marks.read(WANTED.tags(NOW))
    assert mark is not None
    assert mark.age(MADE + datetime.timedelta(seconds=seconds)) == age
    assert replace(mark, made="once").age(MADE) == "unknown"
    assert mark.current
    assert not replace(mark, code="0").current
