"""From a target to a transport."""

from __future__ import annotations

import pytest

from lambda_kernel.connect import Connector
from lambda_kernel.errors import UsageError
from lambda_kernel.target import LOCAL, Target
from lambda_kernel.transport import BotoTransport


def test_where_there_is_no_local_engine_the_ways_out_are_named() -> None:
    connector = Connector("me", platform="darwin")
    with pytest.raises(UsageError, match=r"needs Linux.*%use NAME.*--function.*LAMBDA_KERNEL_FUNCTION"):
        connector(LOCAL)
    assert connector.notices() == connector.warnings() == ()
    connector.close()


def test_a_function_elsewhere() -> None:
    made = Connector("me")(Target("shell", "eu-west-1", None, "http://127.0.0.1:1"))
    assert isinstance(made, BotoTransport)
    assert (made.function, made.region, made.tenant) == ("shell", "eu-west-1", "me")
