"""Shells beside other functions' code, run: by ministack as deployed, and by the local emulator as Lambda's runtime
does."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import pytest

from lambda_kernel.aws.transport import BotoTransport, make_client
from lambda_kernel.aws.usage import Usage
from lambda_kernel.cli import main
from lambda_kernel.commands.deploy.like.package import beside
from lambda_kernel.local import LocalEngine, Settings
from lambda_kernel.session.cell import Cell, CellEvent, Output
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from tests.support.in_process_session import Interrupts
from tests.support.ministack import REGION, client
from tests.support.packages import zipped

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the function looks into /proc")

PASSWORD = "correct horse battery"
APP = {"app.py": "raise SystemExit(3)\n", "data/prices.csv": "tea,2\n", "sitecustomize.py": "raise SystemExit(4)\n"}
# Python's own come first for the shell; a program of the user's finds these.
SHADOWS = {f"{name}.py": "raise SystemExit(5)\n" for name in ("shlex", "termios")}


@pytest.fixture(scope="module")
def stack(ministack_url: str) -> str:
    """With a function that has a layer, and an alias."""
    functions = client(ministack_url, "lambda")
    layer = zipped({"python/shared.py": "rate = 3\n", "extensions/agent": "#!/bin/sh\n"})
    arn = functions.publish_layer_version(LayerName="shared", Content={"ZipFile": layer})["LayerVersionArn"]
    functions.create_function(
        FunctionName="checkout",
        Runtime="python3.12",
        Role=role(ministack_url),
        Handler="app.handler",
        Code={"ZipFile": zipped(dict(APP))},
        Layers=[arn],
        Environment={"Variables": {"DB_PASSWORD": PASSWORD, "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}},
        Timeout=20,
        MemorySize=256,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="checkout", WaiterConfig={"Delay": 1})
    version = functions.publish_version(FunctionName="checkout")["Version"]
    functions.create_alias(FunctionName="checkout", Name="prod", FunctionVersion=version)
    return ministack_url


def role(url: str) -> str:
    who = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [who]})
    made = client(url, "iam").create_role(RoleName="checkout", AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def shell(transport: BotoTransport, code: str) -> str:
    """What a cell prints in a new session."""
    printed: list[bytes] = []

    def emit(event: CellEvent) -> None:
        if isinstance(event, Output):
            printed.append(event.data)

    session = Session(transport, time.monotonic)
    session.run(Cell(code), Context(emit, Interrupts(), Usage()))
    session.leave()
    return b"".join(printed).decode()


def test_a_shell_in_a_functions_surroundings(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--endpoint-url", stack, "--region", REGION]
    assert main(["deploy", "--like", "checkout:prod", *words]) == 1
    assert "Nothing was changed, because there is no terminal to ask: add --yes" in capsys.readouterr().err
    assert main(["deploy", "--like", "checkout:prod", "--yes", *words]) == 0
    out = capsys.readouterr().out
    assert "The variable AWS_LAMBDA_EXEC_WRAPPER is left out, so /opt/wrap does not start the shell.\n" in out
    assert ":layer:shared:1 has extensions, which run in the shell, too: agent.\n" in out
    assert "A test command in checkout-prod-shell printed: bash " in out
    assert PASSWORD not in out

    made = make_client(REGION, None, stack)
    transport = BotoTransport("checkout-prod-shell", REGION, made, "tests")
    code = "cd $LAMBDA_TASK_ROOT; cat data/prices.csv; ls -I __pycache__; cat $_LAMBDA_LAYERS_DIRS/python/shared.py"
    assert shell(transport, f"{code}; echo $DB_PASSWORD $AWS_LAMBDA_EXEC_WRAPPER").splitlines() == [
        "tea,2",
        "app.py",
        "data",
        "lambda_kernel_shell.py",
        "sitecustomize.py",
        "rate = 3",
        "[DB_PASSWORD redacted]",
    ]
    answer = client(stack, "lambda").invoke(FunctionName="checkout-prod-shell", Payload=b'{"cmd": "id"}', TenantId="t")
    assert b"runs no bare `cmd`" in answer["Payload"].read()

    assert main(["status", *words]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:2] == ["checkout-prod-shell", "checkout:prod"]
    assert row[-4:] == ["unchanged", "under", "a", "minute"]
    assert main(["deploy", "--like", "checkout:prod", *words]) == 0
    assert "There is nothing to change in the function checkout-prod-shell" in capsys.readouterr().out
    assert main(["delete", "--function", "checkout-prod-shell", "--yes", *words]) == 0
    assert main(["status", *words]) == 0
    assert "There is no function of lambda-kernel in us-east-1" in capsys.readouterr().out
    assert main(["delete", "--function", "checkout", "--yes", *words]) == 1
    assert "there is no stack lambda-kernel-checkout in us-east-1" in capsys.readouterr().err


def test_a_function_that_does_not_exist(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--like", "nosuch", "--endpoint-url", stack, "--region", REGION]) == 1
    said = "lambda-kernel: there is no function nosuch in us-east-1: check the name, --region and --profile\n"
    assert capsys.readouterr().err == said


def test_what_is_printed_is_about_a_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--print", "code"]) == 1
    assert capsys.readouterr().err == "lambda-kernel: --print needs --like FUNCTION\n"
    assert main(["deploy", "--like", "checkout", "--print", "code"]) == 0
    assert "lambda_kernel/function/index.py" in capsys.readouterr().out.splitlines()[0]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """The package, unpacked as Lambda does it."""
    package = beside(zipped({**APP, **SHADOWS, "lambda_kernel_shell/__init__.py": "raise SystemExit(6)\n"}), "checkout")
    with zipfile.ZipFile(io.BytesIO(package.data)) as archive:
        archive.extractall(tmp_path)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755)
    return tmp_path


def test_lambdas_runtime_runs_ours_and_nothing_of_theirs(task: Path) -> None:
    """Not the handler's module, which exits, and no module that is named as one of Python's."""
    handler, variables = "lambda_kernel_shell_2.handler", {"DB_PASSWORD": PASSWORD}
    settings = Settings(task, handler=handler, tenancy=True, environment=variables)
    with LocalEngine(settings) as engine:
        at = engine.start()
        made = make_client(at.region, None, at.endpoint_url, (at.access_key_id, at.secret_access_key))
        transport = BotoTransport(at.function, at.region, made, "tests")
        out = shell(transport, 'cat data/prices.csv; echo "$DB_PASSWORD"; python3 -c "import shlex"; echo $?')
    assert out.splitlines() == ["tea,2", "[DB_PASSWORD redacted]", "5"]
