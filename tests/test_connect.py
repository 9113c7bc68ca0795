"""From a target to a transport."""

from __future__ import annotations

import pytest

from lambda_kernel.connect import Connector
from lambda_kernel.errors import BadSettings, UsageError
from lambda_kernel.function_code import function_code
from lambda_kernel.target import LOCAL, Target, resolve
from lambda_kernel.transport import BotoTransport


def test_where_there_is_no_local_engine_the_ways_out_are_named() -> None:
    connector = Connector("me", platform="darwin")
    with pytest.raises(UsageError, match=r"needs Linux.*%use NAME.*--function.*LAMBDA_KERNEL_FUNCTION"):
        connector(LOCAL)
    assert connector.notices() == connector.warnings() == ()
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


def test_settings_that_cannot_be_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = Connector("me")
    with pytest.raises(BadSettings, match="no AWS region is set for `shell`"):
        connector(Target("shell"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert connector(Target("shell")).region == "eu-west-3"
