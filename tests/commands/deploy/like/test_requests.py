"""The requests that `deploy --like` sends, checked by botocore's model, and what is said of Lambda's refusals."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from lambda_kernel.cli import build_parser
from lambda_kernel.commands.deploy.cloud import Clients, sha256
from lambda_kernel.commands.deploy.like import command, marks
from lambda_kernel.commands.deploy.like.cloud import Functions
from lambda_kernel.commands.deploy.like.package import LIMIT_BYTES, beside, shell_code
from lambda_kernel.commands.deploy.problems import DeployError
from tests.support.fake_aws import Sleeps, console
from tests.support.original import CONFIG, KEY, LAYER, MOUNT, PACKAGE, REGION, ROLE, TAGS, VPC
from tests.support.packages import zipped

NAME = "checkout-shell"
NOW = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)
LAYERS_ZIP = zipped({"python/a.py": "", "extensions/": "", "extensions/agent": "", "extensions/lib/x": ""})
OURS = beside(PACKAGE, "checkout")
MARKS: dict[str, Any] = {
    marks.LIKE: "checkout",
    marks.MADE: "2026-11-30T12:00:00Z",
    marks.CODE: ANY,
    marks.ORIGINAL_CODE: "theirs=",
}
SETTINGS = {
    "Runtime": "python3.12",
    "Handler": "lambda_kernel_shell.handler",
    "Role": ROLE,
    "Description": "lambda-kernel: a shell with what checkout has",
    "MemorySize": 512,
    "Timeout": 30,
    "EphemeralStorage": {"Size": 1024},
    "VpcConfig": {**VPC, "SubnetIds": ["subnet-1", "subnet-2"]},
    "Environment": {"Variables": {"DB_PASSWORD": "correct horse", "STAGE": "prod"}},
    "KMSKeyArn": KEY,
    "TracingConfig": {"Mode": "Active"},
    "Layers": [LAYER],
    "FileSystemConfigs": [MOUNT],
    "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "INFO", "LogGroup": f"/aws/lambda/{NAME}"},
}
CREATE = {
    "FunctionName": NAME,
    "Code": {"ZipFile": OURS.data},
    "Tags": {"team": "orders", **MARKS},
    "Architectures": ["arm64"],
    "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
    **SETTINGS,
}


@functools.cache
def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


class Account:
    """Lambda by a script of answers, in the order of the calls."""

    def __init__(self) -> None:
        self.client, self.identity = client("lambda"), client("sts")
        self.stub, self.who = Stubber(self.client), Stubber(self.identity)
        self.fetched: list[tuple[str, int, int]] = []
        self.files = {"https://s3/checkout": PACKAGE, "https://s3/layer": LAYERS_ZIP}
        clients = Clients(self.client, self.client, self.client, REGION, lambda service: self.identity)
        self.functions = Functions(clients, self.fetch)

    def fetch(self, url: str, first: int, size: int) -> bytes:
        self.fetched.append((url, first, size))
        return self.files[url][first : first + size]

    def there(self, config: dict[str, Any] | None = None, signing: str | None = "", **given: Any) -> None:
        """The original. signing: the ARN of its code-signing configuration; None: it is not asked for."""
        code = {"RepositoryType": "S3", "Location": "https://s3/checkout"}
        answer = {"Configuration": CONFIG | (config or {}), "Code": code, "Tags": TAGS, **given}
        self.stub.add_response("get_function", answer, {"FunctionName": "checkout"})
        if signing is not None:
            self.signs(signing)

    def signs(self, signing: str) -> None:
        answer = {"FunctionName": "checkout", "CodeSigningConfigArn": signing}
        self.stub.add_response("get_function_code_signing_config", answer, {"FunctionName": "checkout"})

    def layer(self) -> None:
        content = {"Location": "https://s3/layer", "CodeSize": len(LAYERS_ZIP)}
        self.stub.add_response("get_layer_version_by_arn", {"Content": content}, {"Arn": LAYER})

    def missing(self) -> None:
        self.stub.add_client_error(
            "get_function", "ResourceNotFoundException", "none", expected_params={"FunctionName": NAME}
        )

    def shell(self, config: dict[str, Any] | None = None, tags: dict[str, Any] | None = None) -> None:
        told = {
            **SETTINGS,
            "Layers": [{"Arn": LAYER}],
            "FunctionName": NAME,
            "FunctionArn": "arn:shell",
            "State": "Active",
        }
        told |= {"CodeSha256": sha256(OURS.data), "Architectures": ["arm64"], **(config or {})}
        told["TenancyConfig"] = {"TenantIsolationMode": "PER_TENANT"}
        answer = {"Configuration": told, "Tags": tags or {"team": "orders", **MARKS, marks.CODE: "0 0"}}
        self.stub.add_response("get_function", answer, {"FunctionName": NAME})

    def deploy(self, *words: str, yes: bool = True) -> str:
        like = () if "--like" in words else ("--like", "checkout")
        options = build_parser().parse_args(["deploy", *like, *words])
        shown, out = console(yes=yes)
        with self.stub, self.who:
            command.deploy(
                options, shown, self.functions, lambda name: f"tried {name}", sleep=Sleeps(), clock=lambda: NOW
            )
            self.stub.assert_no_pending_responses()
        return out.getvalue()


@pytest.fixture
def account() -> Account:
    return Account()


def test_everything_is_in_one_request(account: Account) -> None:
    account.there()
    account.layer()
    account.missing()
    account.stub.add_response("create_function", {}, CREATE)
    account.shell({"State": "Pending"})
    account.shell()
    out = account.deploy()
    assert "Creating the function checkout-shell with what checkout has.\nThe function checkout-shell is active." in out
    assert f"{LAYER} has extensions, which run in the shell, too: agent.".replace("111122223333", "*" * 12) in out
    assert out.endswith(f"  lambda-kernel install --name {NAME} --function {NAME} --region {REGION}\n")
    assert "correct horse" not in out


def test_what_is_not_set_is_not_sent_at_first_and_is_emptied_later(account: Account) -> None:
    gone = {"VpcConfig": {}, "KMSKeyArn": "", "FileSystemConfigs": [], "Layers": [], "Environment": {}}
    account.there(gone)
    account.missing()
    create = {name: value for name, value in CREATE.items() if name not in gone}
    account.stub.add_response("create_function", {}, create)
    account.shell()
    account.deploy()
    account.there(gone)
    account.shell()
    empty = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}, "Environment": {"Variables": {}}}
    account.stub.add_response("update_function_configuration", {}, {"FunctionName": NAME, **SETTINGS, **gone, **empty})
    account.stub.add_response("tag_resource", {})
    account.shell()
    assert "Updating the settings of checkout-shell: VPC, variables, KMS key, layers, file systems." in account.deploy()


def test_code_settings_and_tags_are_brought_up_to_date_in_that_order(account: Account) -> None:
    """The tags come last: a deploy that is cut before them is seen to be incomplete."""
    account.there(Tags={"team": "cash"})
    account.layer()
    account.shell({"CodeSha256": "old", "MemorySize": 128}, {"team": "orders", "old": "x", **MARKS, marks.CODE: "0 0"})
    code = {"FunctionName": NAME, "ZipFile": OURS.data, "Architectures": ["arm64"]}
    account.stub.add_response("update_function_code", {}, code)
    account.shell({"LastUpdateStatus": "InProgress"})
    account.shell()
    account.stub.add_response("update_function_configuration", {}, {"FunctionName": NAME, **SETTINGS})
    account.stub.add_response("tag_resource", {}, {"Resource": "arn:shell", "Tags": {"team": "cash", **MARKS}})
    account.stub.add_response("untag_resource", {}, {"Resource": "arn:shell", "TagKeys": ["old"]})
    account.shell()
    account.deploy()


def test_a_package_that_is_encrypted_with_a_key(account: Account) -> None:
    code = {"Location": "https://s3/checkout", "SourceKMSKeyArn": KEY}
    account.there(Code=code)
    account.layer()
    account.missing()
    account.stub.add_response("create_function", {}, CREATE | {"Code": {"ZipFile": OURS.data, "SourceKMSKeyArn": KEY}})
    account.shell()
    account.deploy()


def test_an_alias(account: Account) -> None:
    account.stub.add_response(
        "get_function",
        {"Configuration": CONFIG | {"Version": "7"}, "Code": {"Location": "https://s3/checkout"}, "Tags": TAGS},
        {"FunctionName": "checkout", "Qualifier": "prod"},
    )
    account.signs("")
    account.layer()
    account.stub.add_client_error(
        "get_function", "ResourceNotFoundException", expected_params={"FunctionName": "checkout-prod-shell"}
    )
    assert "1. create the function checkout-prod-shell with what checkout:prod has" in account.deploy(
        "--like", "checkout:prod", "--dry-run"
    )


def test_what_is_read_of_a_layer(account: Account) -> None:
    account.files["https://s3/layer"] = zipped({"big": bytes(1_000_000)} | {"extensions/agent": ""}, 0)
    content = {"Location": "https://s3/layer", "CodeSize": len(account.files["https://s3/layer"])}
    account.stub.add_response("get_layer_version_by_arn", {"Content": content}, {"Arn": LAYER})
    with account.stub:
        assert account.functions.extensions(LAYER) == ["agent"]
    assert sum(size for _, _, size in account.fetched) < 500_000


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"no zip"])
def test_a_layer_that_cannot_be_looked_into(account: Account, data: bytes) -> None:
    account.files["https://s3/layer"] = data
    account.layer()
    account.stub.add_client_error("get_layer_version_by_arn", "AccessDeniedException", "not authorized")
    with account.stub:
        assert account.functions.extensions(LAYER) is None
        assert account.functions.extensions(LAYER) is None


@pytest.mark.parametrize(
    ("code", "message", "sentence"),
    [
        (
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
            "Lambda may not assume the role arn:aws:iam::111122223333:role/checkout for checkout-shell: its trust",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/me is not authorized to perform: iam:PassRole on resource: arn:…",
            "access denied in eu-west-1: the caller needs iam:PassRole",
        ),
        ("AccessDeniedException", "Cross-account pass role is not allowed.", "is in another account, where"),
        (
            "CodeVerificationFailedException",
            "The code signature failed.",
            "the code-signing configuration for checkout-shell refuses code that is not signed",
        ),
        ("RequestEntityTooLargeException", "Request must be smaller than 69905067 bytes", "too large for a request"),
        ("InvalidParameterValueException", "Tenancy configuration is not supported", "add --no-tenant-isolation"),
        (
            "InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes",
            "AWS refused lambda:CreateFunction in eu-west-1: InvalidParameterValueException: Unzipped size",
        ),
    ],
)
def test_what_lambda_refuses_is_one_sentence_and_leaves_nothing(
    account: Account, code: str, message: str, sentence: str
) -> None:
    account.there()
    account.layer()
    account.missing()
    account.stub.add_client_error("create_function", code, message)
    with pytest.raises(DeployError) as caught:
        account.deploy()
    assert sentence in str(caught.value)
    account.stub.assert_no_pending_responses()


def test_a_new_shell_that_fails_is_deleted_again(account: Account) -> None:
    account.there()
    account.layer()
    account.missing()
    account.stub.add_response("create_function", {}, CREATE)
    account.shell({"State": "Failed", "StateReason": "no addresses are left in subnet-1"})
    account.stub.add_response("delete_function", {}, {"FunctionName": NAME})
    with pytest.raises(DeployError, match="no addresses are left in subnet-1: it was deleted again"):
        account.deploy()
    account.stub.assert_no_pending_responses()


def test_an_older_shell_that_fails_stays(account: Account) -> None:
    account.there()
    account.layer()
    account.shell({"MemorySize": 128})
    account.stub.add_response("update_function_configuration", {}, {"FunctionName": NAME, **SETTINGS})
    account.stub.add_response("tag_resource", {})
    account.shell({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no addresses are left"})
    with pytest.raises(DeployError, match=r"the function checkout-shell failed: no addresses are left$"):
        account.deploy()


def test_somebody_else_is_first(account: Account) -> None:
    account.there()
    account.layer()
    account.missing()
    account.stub.add_client_error("create_function", "ResourceConflictException", "Function already exist")
    account.shell()
    account.stub.add_response("tag_resource", {})
    account.shell()
    assert "Somebody else changed the function first (Function already exist). Looking again." in account.deploy()


def test_nobody_is_asked_without_a_terminal(account: Account) -> None:
    account.there()
    account.layer()
    account.missing()
    with pytest.raises(DeployError, match=r"Whoever may invoke .* no terminal to ask: add --yes"):
        account.deploy(yes=False)
    account.stub.assert_no_pending_responses()


IMAGE = {"PackageType": "Image", "Runtime": None, "Handler": None, "Layers": None}
URI = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/checkout:1"


@pytest.mark.parametrize("entry_point", [None, ["/run"]])
def test_a_container_image(account: Account, entry_point: list[str] | None) -> None:
    config = {key: value for key, value in CONFIG.items() if key not in IMAGE} | {"PackageType": "Image"}
    if entry_point:
        config["ImageConfigResponse"] = {"ImageConfig": {"EntryPoint": entry_point}}
    answer = {"Configuration": config, "Code": {"RepositoryType": "ECR", "ImageUri": URI}, "Tags": TAGS}
    account.stub.add_response("get_function", answer, {"FunctionName": "checkout"})
    with pytest.raises(DeployError, match="checkout is a container image, which cannot be copied") as caught:
        account.deploy()
    lines = [line.strip() for line in caught.value.line.splitlines()]
    kept = [line for line in lines if not line.startswith("#")]
    assert kept == [
        f"FROM {URI}",
        "COPY lambda_kernel_shell.py ./",
        'CMD ["lambda_kernel_shell.handler"]',
    ]
    assert any("replaces the image's entry point" in line for line in lines) == bool(entry_point)


def test_no_such_function(account: Account) -> None:
    account.stub.add_client_error("get_function", "ResourceNotFoundException", "Function not found")
    with pytest.raises(DeployError, match="there is no function checkout in eu-west-1: check the name, --region"):
        account.deploy()


def test_a_function_that_the_user_may_not_read(account: Account) -> None:
    message = "User: arn:aws:iam::1:user/me is not authorized to perform: lambda:GetFunction on resource: …"
    account.stub.add_client_error("get_function", "AccessDeniedException", message)
    with pytest.raises(DeployError, match="access denied in eu-west-1: the caller needs lambda:GetFunction"):
        account.deploy()


@pytest.mark.parametrize(("account_id", "sentence"), [("111122223333", "1. create"), ("444455556666", "")])
def test_another_account(account: Account, account_id: str, sentence: str) -> None:
    account.who.add_response("get_caller_identity", {"Account": account_id}, {})
    if sentence:
        account.there()
        account.layer()
        account.missing()
        assert sentence in account.deploy("--like", CONFIG["FunctionArn"], "--dry-run")
        return
    with pytest.raises(DeployError, match="checkout is in another account, whose roles a function here cannot have"):
        account.deploy("--like", CONFIG["FunctionArn"])


@pytest.mark.parametrize(("more", "fetched"), [(0, 1), (1, 0)])
def test_a_package_that_is_too_large_is_not_even_read(account: Account, more: int, fetched: int) -> None:
    account.there({"CodeSize": LIMIT_BYTES + more, "Layers": []})
    if not more:
        account.missing()
        account.deploy("--dry-run")
    else:
        with pytest.raises(DeployError, match="the package of checkout has 52,363,265 bytes, and Lambda takes at most"):
            account.deploy("--dry-run")
    assert len(account.fetched) == fetched


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--memory", "128"], "--memory"),
        (["--stack", "x"], "--stack"),
        (["--layer", LAYER], "--layer"),
        (["--retention", "14"], "--retention"),
    ],
)
def test_options_that_say_what_the_original_says(account: Account, words: list[str], option: str) -> None:
    with pytest.raises(DeployError, match=f"{option} does not go together with --like"):
        account.deploy(*words)


def test_all_pages_of_functions_are_looked_at(account: Account) -> None:
    """Only a description shows there: tags cost a call for each function."""
    ours = [{"FunctionName": name, "Description": f"lambda-kernel: a shell with what {name} has"} for name in "ab"]
    theirs = {"FunctionName": "c", "Description": "lambda-kernel is good"}
    account.stub.add_response("list_functions", {"Functions": [ours[0], theirs], "NextMarker": "2"}, {})
    account.stub.add_response("list_functions", {"Functions": [ours[1]]}, {"Marker": "2"})
    with account.stub:
        assert list(account.functions.ours()) == ["a", "b"]


def test_a_list_that_the_user_may_not_have(account: Account) -> None:
    account.stub.add_client_error("list_functions", "AccessDeniedException", "not authorized")
    with account.stub:
        told = command.table(account.functions, None, lambda: NOW)
    assert told.startswith("What `deploy --like` has made cannot be listed: access denied in eu-west-1: the caller")


def test_a_code_signing_configuration_is_told_and_not_taken_over(account: Account) -> None:
    account.there(signing=f"arn:aws:lambda:{REGION}:111122223333:code-signing-config:csc-0123456789abcdef0")
    account.layer()
    account.missing()
    out = account.deploy("--dry-run")
    assert (
        "The code-signing configuration of checkout is not taken over, because the shell's code cannot be signed: if a "
        "policy of your organization refuses a function without one, ask for an exception, or use another account "
        f"(arn:aws:lambda:{REGION}:************:code-signing-config:csc-0123456789abcdef0).\n"
    ) in out


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ServiceException"])
def test_nothing_is_told_of_a_configuration_that_may_not_be_asked_for(account: Account, code: str) -> None:
    account.there(signing=None)
    account.stub.add_client_error("get_function_code_signing_config", code, "not authorized")
    account.layer()
    account.missing()
    assert "signing" not in account.deploy("--dry-run")


def test_the_policy_names_what_is_there(account: Account) -> None:
    account.there(signing=None)
    out = account.deploy("--print", "policy")
    asked = ("lambda:GetFunctionCodeSigningConfig", "ec2:DescribeSubnets")
    for part in (ROLE, KEY, LAYER, *asked, "elasticfilesystem:DescribeMountTargets", "iam:PassRole"):
        assert f'"{part}"' in out
    assert '"arn:aws:lambda:eu-west-1:111122223333:function:checkout-shell"' in out


def test_the_policy_of_somebody_who_may_not_read_it_yet(account: Account) -> None:
    account.stub.add_client_error("get_function", "AccessDeniedException", "not authorized")
    out = account.deploy("--print", "policy", "--function", "mine")
    assert '"arn:aws:iam::*:role/*"' in out
    assert '"arn:aws:lambda:eu-west-1:*:function:mine"' in out


def test_the_shells_file() -> None:
    options = build_parser().parse_args(["deploy", "--like", "checkout", "--print", "code"])
    shown, out = console()
    command.deploy(options, shown)
    assert out.getvalue() == shell_code()
