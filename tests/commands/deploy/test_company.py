"""What a company asks of `deploy`: each setting reaches AWS, and a later deploy that does not name it keeps it."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy import choices, template
from lambda_kernel.commands.deploy.cloud import Cloud, make_clients
from lambda_kernel.commands.deploy.execute import settings
from lambda_kernel.commands.deploy.plan import Current, Desired, plan_deploy
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.commands.deploy.stack_options import StackOptions
from lambda_kernel.commands.deploy.steps import CreateStack, Restore, UpdateStack, UploadCode
from tests.support import ministack as support

from .test_moto import Account
from .test_plan import FUNCTION, REGION, STACK, THERE, WANTED, desired, kinds
from .test_template import parsed

ROLE = "arn:aws:iam::123456789012:role/path/own"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0"
FORMATION = "arn:aws:iam::123456789012:role/formation"
# Options, and the parameter that they set. Each is one that a fresh stack does not have.
ONE_BY_ONE = {
    ("--role", ROLE): ("RoleArn", ROLE),
    ("--permissions-boundary", BOUNDARY): ("Boundary", BOUNDARY),
    ("--kms-key", KEY): ("KmsKey", KEY),
    ("--env", "DB_HOST=db", "--env", "A1=x=y"): ("Environment", '{"A1": "x=y", "DB_HOST": "db"}'),
    ("--log-format", "JSON"): ("LogFormat", "JSON"),
    ("--runtime", "python3.13"): ("Runtime", "python3.13"),
}
NETWORK = ["--vpc-subnet", "subnet-0a1b2c3d", "--vpc-subnet", "subnet-1a1b2c3d", "--security-group", "sg-0a1b2c3d"]
TAGS = ["--tag", "team=data science", "--tag", "a/b=1"]
TAGGED = {"team": "data science", "a/b": "1"}


@pytest.fixture
def account(moto_url: str) -> Account:
    return Account(moto_url)


@pytest.fixture(scope="module")
def company(ministack_url: str) -> Account:
    """An account whose functions run: ministack."""
    return Account(ministack_url, support.REGION, lambda _: time.sleep(0.02))  # another process is looked at


def stack_of(account: Account) -> dict[str, Any]:
    """CloudFormation's answer."""
    return account.client("cloudformation").describe_stacks(StackName="lambda-kernel-shell")["Stacks"][0]


def arrived(account: Account) -> None:
    """What moto knows of these settings."""
    made, iam = account.function(), account.client("iam")
    [name] = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    assert made["Environment"]["Variables"] == {"DB_HOST": "db", "A1": "x=y"}
    assert made["VpcConfig"]["SubnetIds"] == ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
    assert made["VpcConfig"]["SecurityGroupIds"] == ["sg-0a1b2c3d"]
    assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    document = iam.get_role_policy(RoleName=name, PolicyName="logs")["PolicyDocument"]
    # moto keeps that of an update as text.
    *_, denied = (json.loads(document.replace("'", '"')) if isinstance(document, str) else document)["Statement"]
    function = made["FunctionArn"].replace(f":{REGION}:", ":*:")
    assert (denied["Effect"], denied["Action"]) == ("Deny", list(template.NETWORK))
    assert denied["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": f"{function}*"}}


def test_each_setting_is_kept_by_a_deploy_that_names_nothing(account: Account) -> None:
    words = [word for options in ONE_BY_ONE for word in options if options[0] != "--role"]
    out = account("deploy", *words, *NETWORK, *TAGS, "--role-arn", FORMATION)
    assert "The kernel needs no way out: Lambda's own side brings the requests in." in out
    first, options = account.parameters(), account.options("lambda-kernel-shell")
    assert options == StackOptions(TAGGED, FORMATION)
    assert {name: first[name] for name, _ in ONE_BY_ONE.values() if name != "RoleArn"} == {
        name: value for name, value in ONE_BY_ONE.values() if name != "RoleArn"
    }
    assert (first["Subnets"], first["SecurityGroups"]) == ("subnet-0a1b2c3d,subnet-1a1b2c3d", "sg-0a1b2c3d")
    arrived(account)
    account("deploy")
    assert (account.parameters(), account.options("lambda-kernel-shell")) == (first, options)
    account("deploy", "--timeout", "20")
    arrived(account)
    assert (account.parameters(), account.options("lambda-kernel-shell")) == ({**first, "Timeout": "20"}, options)


def test_each_setting_is_taken_away_by_none(company: Account) -> None:
    words = [word for options in ONE_BY_ONE for word in options if options[0] != "--role"]
    company("deploy", *(word.replace("eu-west-1", support.REGION) for word in words), *NETWORK, *TAGS)
    names = ("kms-key", "permissions-boundary", "env", "tag", "vpc-subnet", "security-group")
    none = [word for name in names for word in (f"--{name}", "none")]
    company("deploy", *none, "--log-format", "Text")
    assert company.parameters() == template.Parameters(runtime="python3.13").values()
    assert company.options("lambda-kernel-shell").tags == {}
    company("delete", yes=True)


def test_a_role_that_exists_takes_the_place_of_ours(account: Account) -> None:
    document = '{"Version": "2012-10-17", "Statement": []}'
    role = account.client("iam").create_role(RoleName="own", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account("deploy", "--role", role)
    roles = account.client("iam").list_roles()["Roles"]
    assert (account.function()["Role"], [one["RoleName"] for one in roles]) == (role, ["own"])
    account("deploy", "--memory", "256")
    assert (account.function()["Role"], account.parameters()["RoleArn"]) == (role, role)


def test_a_function_that_runs_has_what_was_asked_for(company: Account) -> None:
    words = ["--env", "DB_HOST=it's = @hash@ ü", "--env", "EMPTY=", "--log-format", "JSON", "--runtime", "python3.13"]
    company("deploy", *words, *TAGS)
    for more in ([], [], ["--timeout", "20"]):
        out = company("deploy", *more)
        assert ("There is nothing to change" in out) is (not more)
        made = company.function()
        assert made["Environment"]["Variables"] == {"DB_HOST": "it's = @hash@ ü", "EMPTY": ""}
        assert made["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/shell"}
        assert made["Runtime"] == "python3.13"
        assert TAGGED.items() <= company.client("lambda").list_tags(Resource=made["FunctionArn"])["Tags"].items()
        assert stack_of(company)["Tags"] == [{"Key": key, "Value": value} for key, value in TAGGED.items()]
    out = company("deploy", "--env", "DB_HOST=secret", "--tag", "none")
    assert ("secret" in out, "VPC" in out) == (False, False)
    made = company.function()
    assert made["Environment"]["Variables"] == {"DB_HOST": "secret"}
    assert "team" not in company.client("lambda").list_tags(Resource=made["FunctionArn"])["Tags"]
    company("delete", yes=True)


def test_a_variable_that_was_changed_outside_of_the_stack_gets_its_value_back(company: Account) -> None:
    company("deploy", "--env", "DB_HOST=db")
    functions = company.client("lambda")
    functions.update_function_configuration(FunctionName="shell", Environment={"Variables": {"DB_HOST": "other"}})
    assert "Restoring the code and settings of shell." in company("deploy")
    assert company.function()["Environment"]["Variables"] == {"DB_HOST": "db"}
    company("delete", yes=True)


def test_the_code_may_lie_in_s3(company: Account) -> None:
    s3 = company.client("s3")
    s3.create_bucket(Bucket="packages")
    out = company("deploy", "--s3-bucket", "packages")
    [item] = s3.list_objects_v2(Bucket="packages")["Contents"]
    assert f"Putting the code into s3://packages/{item['Key']}." in out
    assert template.code_in(Cloud(make_clients(support.REGION, None, company.url)).body("lambda-kernel-shell")) is None
    assert "up to date" in company("status")
    out = company("deploy")
    assert ("There is nothing to change" in out, "Putting" in out) == (True, False)

    s3.copy_object(Bucket="packages", Key="signed/1.zip", CopySource={"Bucket": "packages", "Key": item["Key"]})
    out = company("deploy", "--s3-key", "signed/1.zip")
    assert "Putting" not in out
    assert "There is nothing to change" in company("deploy")
    assert "Putting" in company("deploy", "--s3-key", "none")
    company("deploy", "--s3-bucket", "none")
    assert "CodeKey" not in {one["ParameterKey"] for one in stack_of(company)["Parameters"]}
    with pytest.raises(DeployError, match=r"AWS refused s3:PutObject in us-east-1: NoSuchBucket"):
        company("deploy", "--s3-bucket", "nosuch")
    company("delete", yes=True)


@pytest.mark.parametrize("named", ONE_BY_ONE.items())
def test_what_is_said_of_a_setting_hides_no_more_than_a_variables_value(named: tuple[tuple[str, ...], Any]) -> None:
    options, (parameter, value) = named
    given = choices.given(build_parser().parse_args(["deploy", *options]))
    assert given == {parameter: value}
    create, update = plan_deploy(desired(**given), Current())[0], plan_deploy(desired(**given), THERE)[0]
    told = "A1, DB_HOST" if parameter == "Environment" else value
    assert str(create).endswith(f" {told}")
    assert str(update).endswith(f"{parameter} becomes {told}")


def test_a_stack_without_tags_is_not_asked_for_any() -> None:
    """The usual request has nothing of them, so that no reading of an empty list matters."""
    none, some = StackOptions(), StackOptions({"a": "1"}, FORMATION)
    assert none.arguments(none) == {}
    assert none.arguments(some) == {"Tags": []}
    assert some.arguments(none) == {"Tags": [{"Key": "a", "Value": "1"}], "RoleARN": FORMATION}


def test_each_function_of_a_family_has_the_variables() -> None:
    values = {**template.Parameters().values(), "Memory": "128,512", "Environment": '{"AB": "1"}'}
    made = parsed(template.for_stack(values))["Resources"]
    kind, (condition, variables, _) = made["Shell512arm64"]["Properties"]["Environment"]
    assert (kind, condition, variables) == ("If", "HasVariables", {"Variables": {"AB": "1"}})
    assert made["Shell128arm64"]["Properties"]["Environment"] == made["Shell512arm64"]["Properties"]["Environment"]


def test_tags_and_the_role_of_the_stack_are_told_where_they_change() -> None:
    there = StackOptions({"team": "x"}, FORMATION)
    current = Current(STACK, THERE.body, THERE.settled, THERE.functions)
    create = plan_deploy(Desired(STACK.name, REGION, tags=there.tags, service_role=FORMATION), Current())[0]
    assert isinstance(create, CreateStack)
    assert create.options == there
    update = plan_deploy(Desired(STACK.name, REGION, tags=there.tags, service_role=FORMATION), current)[0]
    assert isinstance(update, UpdateStack)
    assert str(update).endswith(f"tags team=x, CloudFormation works as {FORMATION}")


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"RoleArn": ROLE, "Policies": BOUNDARY}, "--policy belongs to the role that deploy makes, and --role names"),
        ({"RoleArn": ROLE, "Boundary": BOUNDARY}, "--permissions-boundary belongs to the role that deploy makes"),
        ({"Subnets": "subnet-0"}, "there are no groups: name both --vpc-subnet and --security-group"),
        ({"SecurityGroups": "sg-0"}, "there are no subnets: name both"),
        (
            {"Subnets": ",".join(map(str, range(17))), "SecurityGroups": "sg-0"},
            "takes at most 16 of --vpc-subnet, and there are 17",
        ),
        (
            {"Subnets": "subnet-0", "SecurityGroups": ",".join(map(str, range(6)))},
            "at most 5 of --security-group, and there are 6",
        ),
        ({"KmsKey": KEY.replace("eu-west-1", "us-east-1")}, "--kms-key names something in us-east-1, and the function"),
        ({"RoleArn": ROLE.replace("arn:aws:", "arn:aws-cn:")}, "--role begins with arn:aws-cn, and eu-west-1 has ARNs"),
        ({"CodeKey": "mine.zip"}, "the package mine.zip needs its bucket: add --s3-bucket"),
    ],
)
def test_settings_that_do_not_go_together(parameters: dict[str, str], sentence: str) -> None:
    with pytest.raises(DeployError, match=sentence):
        plan_deploy(desired(**parameters), Current())


@pytest.mark.parametrize(("size", "fits"), [(4_096, True), (4_097, False)])
def test_variables_up_to_lambdas_limit(size: int, fits: bool) -> None:
    text = template.variables_text({"AB": "x" * (size - len('{"AB": ""}'))})
    assert len(text) == size
    if fits:
        assert plan_deploy(desired(Environment=text), Current())
        return
    with pytest.raises(DeployError, match="the environment variables AB have 4,097 bytes, and Lambda takes 4,096"):
        plan_deploy(desired(Environment=text), Current())


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc")]
)
def test_other_partitions(region: str, partition: str) -> None:
    given = {"TenantIsolation": "false", "RoleArn": ROLE.replace("arn:aws:", f"arn:{partition}:")}
    there = Desired(WANTED.stack, region, parameters=given)
    assert kinds(plan_deploy(there, Current()))[0] == "CreateStack"
    assert "arn:aws:" not in template.render(template.Parameters().values())


def test_where_a_vpc_a_key_and_a_boundary_stand_in_the_template() -> None:
    made = parsed(template.template())["Resources"]
    function, role = made["Shell"]["Properties"], made["Role"]
    nothing = ("Ref", "AWS::NoValue")
    subnets, groups = (("Split", [",", ("Ref", name)]) for name in ("Subnets", "SecurityGroups"))
    assert function["VpcConfig"] == ("If", ["IsInVpc", {"SubnetIds": subnets, "SecurityGroupIds": groups}, nothing])
    assert function["KmsKeyArn"] == ("If", ["HasKmsKey", ("Ref", "KmsKey"), nothing])
    assert function["Role"] == ("If", ["MakesRole", ("GetAtt", "Role.Arn"), ("Ref", "RoleArn")])
    assert function["LoggingConfig"]["LogFormat"] == ("Ref", "LogFormat")
    assert role["Condition"] == "MakesRole"
    assert role["Properties"]["PermissionsBoundary"] == ("If", ["HasBoundary", ("Ref", "Boundary"), nothing])


def test_a_function_that_is_restored_gets_all_of_its_settings() -> None:
    values = {
        **template.Parameters().values(),
        "Subnets": "subnet-0",
        "SecurityGroups": "sg-0,sg-1",
        "KmsKey": KEY,
        "RoleArn": ROLE,
        "Environment": '{"DB_HOST": "db"}',
        "Runtime": "python3.13",
    }
    assert settings(values) == {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "MemorySize": 128,
        "Timeout": 60,
        "EphemeralStorage": {"Size": 512},
        "Layers": [],
        "Environment": {"Variables": {"DB_HOST": "db"}},
        "VpcConfig": {"SubnetIds": ["subnet-0"], "SecurityGroupIds": ["sg-0", "sg-1"]},
        "Role": ROLE,
        "KMSKeyArn": KEY,
    }
    shape = boto3.client("lambda", REGION).meta.service_model.operation_model("UpdateFunctionConfiguration").input_shape
    for named in (values, template.Parameters().values()):
        wrong = ParamValidator().validate({"FunctionName": "shell", **settings(named)}, shape)
        assert not wrong.has_errors(), wrong.generate_report()
    assert not {"Role", "KMSKeyArn"} & settings(template.Parameters().values()).keys()


@pytest.mark.parametrize(
    ("changed", "restored"),
    [({"runtime": "python3.12"}, True), ({"variables": {"AB": "1"}}, True), ({"variables": None}, False)],
)
def test_what_was_changed_outside_of_the_stack_is_noticed(changed: dict[str, Any], restored: bool) -> None:
    function = FUNCTION.__class__(**{**vars(FUNCTION), **changed})
    steps = plan_deploy(WANTED, Current(STACK, THERE.body, THERE.settled, (function,)))
    assert isinstance(steps[0], Restore) is restored


def test_a_stack_that_is_made_again_uploads_its_code_before_the_old_one_goes() -> None:
    values = {**STACK.parameters, "CodeBucket": "packages", "CodeKey": f"lambda-kernel/{'0' * 16}.zip"}
    stack = STACK.__class__(**{**vars(STACK), "parameters": values})
    there = Current(stack, template.for_stack(values), THERE.settled, THERE.functions)
    steps = plan_deploy(desired(TenantIsolation="false"), there)
    assert kinds(steps)[:3] == ["UploadCode", "DeleteStack", "CreateStack"]
    upload = steps[0]
    assert isinstance(upload, UploadCode)
    assert str(upload) == f"put the code into s3://packages/{upload.key}"
    assert upload.key != values["CodeKey"]


def test_the_file_of_the_template_has_room() -> None:
    everything = {**template.Parameters().values(), "Environment": template.variables_text({"AB": "x" * 4_000})}
    assert len(template.for_stack(everything).encode()) < template.LIMIT_BYTES
