"""A sandbox that is made before there is an event for it."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from lambda_kernel.function import index
from lambda_kernel.local import LocalEngine, Settings
from lambda_kernel.local.bwrap import find_bwrap
from lambda_kernel.local.processes import descendants
from tests.support.engine_client import Rig
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux" or find_bwrap() is None, reason="needs Linux and bubblewrap")


def held() -> list[int]:
    """The processes of sandboxes that wait; the last ones are inside."""
    return [pid for pid in descendants(os.getpid()) if "--block-fd" in index.peek(f"/proc/{pid}/cmdline")]


@pytest.fixture
def ahead(lab_code: Path, session: boto3.Session) -> Rig:
    """An engine that holds one, and holds it still when a test begins."""
    engine = LocalEngine(Settings(lab_code, tenancy=True))
    rig = Rig(engine, session)
    engine.prepare()
    wait_until(lambda: len(held()) >= 2)
    return rig


def test_the_first_event_gets_it_whoever_the_tenant_is(ahead: Rig) -> None:
    with ahead.engine:
        before = {*held()}
        ahead.engine.prepare()  # there is one
        reply = ahead.py("result = os.environ['AWS_LAMBDA_FUNCTION_NAME']", TenantId="me")
        assert reply.value == "shell"
        assert re.search(r"Init Duration: \d+", reply.report)
        assert before & {*descendants(os.getpid())}
        ahead.py("state['mine'] = 1", TenantId="me")
        assert "Init Duration" in ahead.py("result = list(state)", TenantId="you").report
        assert ahead.py("result = list(state)", TenantId="me").value == ["mine"]
    assert not held()


def test_an_engine_that_closes_takes_it_along(ahead: Rig) -> None:
    waiting = held()
    ahead.engine.close()
    # The first process inside has ended; whoever inherits it has to reap it.
    wait_until(lambda: not [pid for pid in waiting if os.path.exists(f"/proc/{pid}")])


@pytest.mark.parametrize("which", [0, -1])
def test_one_that_has_died_is_replaced(which: int, ahead: Rig) -> None:
    with ahead.engine:
        os.kill(held()[which], signal.SIGKILL)
        wait_until(lambda: not held())
        assert ahead.py("result = 42", TenantId="me").value == 42


def test_where_nothing_can_be_held_nothing_changes(rig: Callable[..., Rig]) -> None:
    plain = rig(isolation="none")
    plain.engine.prepare()
    assert plain.py("result = 42").value == 42
    plain.engine.close()
    plain.engine.prepare()


def test_a_sandbox_with_a_network_of_its_own(rig: Callable[..., Rig]) -> None:
    alone = rig(network="none")
    alone.engine.prepare()
    wait_until(held)
    assert alone.py("result = 42").value == 42
