"""From a target to a transport."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambda_kernel.aws.connector import NO_LOCAL, Connector
from lambda_kernel.aws.target import LOCAL, Emulator, Target, resolve
from lambda_kernel.aws.transport import BotoTransport
from lambda_kernel.errors import BadSettings, KernelError, Refused, UsageError
from lambda_kernel.function.source import function_code


def test_where_there_is_no_local_engine_the_ways_out_are_named() -> None:
    connector = Connector("me", platform="darwin")
    with pytest.raises(UsageError, match=r"needs Linux.*%use NAME.*--function.*LAMBDA_KERNEL_FUNCTION"):
        connector(LOCAL)
    [page] = re.findall(r"\((docs/\S+\.md)\)", NO_LOCAL)
    assert (Path(__file__).parents[2] / page).exists()
    assert connector.notices(LOCAL) == connector.warnings(LOCAL) == ()
    connector.close()


def test_the_local_engine_runs_the_very_code_that_is_deployed() -> None:
    connector = Connector("me")
    try:
        reply = connector(LOCAL).invoke({"cmd": "cat $LAMBDA_TASK_ROOT/index.py"})
    finally:
        connector.close()
    assert reply.payload["stdout"] == function_code()


def test_a_function_elsewhere() -> None:
    made = Connector("me")(Target("shell", "eu-west-1", None, "http://127.0.0.1:1"))
    assert isinstance(made, BotoTransport)
    assert (made.function, made.region, made.tenant) == ("shell", "eu-west-1", "me")
    assert made.make is not None
    assert made.make().meta.endpoint_url == "http://127.0.0.1:1"


def test_the_region_of_an_arn_beats_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    arn = "arn:aws:lambda:eu-west-3:123456789012:function:shell"
    assert Connector("me")(resolve({"function": arn})).region == "eu-west-3"


def test_a_warm_up_for_aws_looks_for_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, config = tmp_path / "asked", tmp_path / "config"
    config.write_text(f"[profile mine]\ncredential_process = touch {asked}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    connector, target = Connector("me"), Target("shell", "eu-west-1", "mine", "http://127.0.0.1:9")
    connector.warm_up(target)
    assert not asked.exists()
    with pytest.raises(KernelError):
        connector(target).invoke({})
    assert asked.exists()


def test_who_comes_early_gets_the_engine_and_the_client_that_are_being_made() -> None:
    connector = Connector("me")
    try:
        with ThreadPoolExecutor() as pool:
            warming = pool.submit(connector.warm_up, LOCAL)
            made = [transport for transport in pool.map(connector, [LOCAL] * 3) if isinstance(transport, BotoTransport)]
            warming.result()
        made += [transport for transport in [connector(LOCAL)] if isinstance(transport, BotoTransport)]
        assert len({transport.client.meta.endpoint_url for transport in made}) == 1
        assert len({id(transport.client) for transport in made}) == 4  # each session closes its own
    finally:
        connector.close()


def test_a_warm_up_that_comes_late_starts_nothing() -> None:
    connector = Connector("me")
    connector.close()
    connector.warm_up(LOCAL)
    assert connector.notices(LOCAL) == ()
    with pytest.raises(Refused, match="the kernel is ending"):
        connector(LOCAL)


def test_a_warm_up_tells_no_error() -> None:
    connector = Connector("me", platform="darwin")
    connector.warm_up(LOCAL)
    connector.warm_up(Target("local", emulator=Emulator("other")))
    connector.close()


def test_settings_that_cannot_be_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = Connector("me")
    with pytest.raises(BadSettings, match="no AWS region is set for `shell`"):
        connector(Target("shell"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert connector(Target("shell")).region == "eu-west-3"
