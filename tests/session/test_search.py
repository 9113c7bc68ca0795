"""A command's environment is found again, though Lambda prefers another one."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.session.cell import CellEvent, Control
from lambda_kernel.session.connection import HOLD_SECONDS, Connection
from lambda_kernel.session.remote_shell import SURE_SECONDS
from lambda_kernel.session.search import AWAY_SECONDS, AWAY_TRIES, BUSY_SECONDS, BUSY_TRIES, HELD_TRIES, Search
from lambda_kernel.session.worker import inline
from tests.support.in_process_session import InProcess, Interrupts
from tests.support.proxied_session import ProxiedSession, proxied_session
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")


def used_last(remote: ProxiedSession) -> str:
    """Have Lambda use another environment later than the session's own, which is idle; its name."""
    session = remote.session
    attach = (
        session.remote.event("attach") | session.remote.here() | {"seq": session.remote.seq + 1, "had": 0, "wait": 0}
    )
    attach |= {"have": None, "measure": False}

    def ask(**more: Any) -> dict[str, Any]:
        reply: dict[str, Any] = session.transport.invoke(attach | more).payload
        return reply

    def start(hold: float, **more: Any) -> threading.Thread:
        thread = threading.Thread(target=ask, kwargs={"hold": hold, **more})
        thread.start()
        return thread

    holds: list[threading.Thread] = []

    def own_is_busy() -> bool:
        if ask()["environment"] != session.remote.environment:
            return True
        if not any(thread.is_alive() for thread in holds):  # the one before may have held another environment
            holds.append(start(1.0, environment="none"))
        return False

    while True:  # on a busy machine the own one may be idle again too early
        wait_until(own_is_busy, 30)
        holds.append(start(1.5))
        for thread in holds:
            thread.join()
        answer = ask()
        if answer["state"] == "elsewhere":
            return str(answer["environment"])


def test_lambda_prefers_another_environment_while_a_command_runs() -> None:
    preferred: list[str] = []

    def see(_: CellEvent) -> None:
        if not preferred:
            preferred.append(used_last(remote))

    with proxied_session() as remote:
        remote.run("x=1")
        # Time is real here: an environment is held for as long as that.
        ran, lost = remote.attempt("echo on; sleep 1; echo end", see=see, control=Interrupts(sleep=time.sleep))
        assert (lost, ran.out, ran.usage.replaced) == (None, "on\nend\n", False)
        assert preferred != [remote.session.remote.environment]
        assert remote.run("echo $x").out == "1\n"


class Held(Connection):
    """Notes what is held, in place of a function."""

    def __init__(self, remote: InProcess) -> None:
        super().__init__(remote.transport, lambda: self.now, lambda: 0.5, inline)
        self.now, self.held, self.remote = 0.0, 0, remote.session.remote

    def hold(self, event: dict[str, Any]) -> threading.Thread:
        self.held += 1
        return threading.Thread()


@pytest.mark.parametrize(("busy", "seconds"), [(True, BUSY_SECONDS), (False, AWAY_SECONDS)])
def test_how_long_it_goes_on(busy: bool, seconds: float) -> None:
    held = Held(InProcess())
    waits: list[float] = []

    def sleep(wait: float) -> None:
        waits.append(wait)
        held.now += wait

    control: Control = Interrupts(sleep=sleep)
    search = Search(held.remote, held, control)
    answers = 0
    while search.goes_on("ab"[answers % 2], busy, {}):
        answers += 1
    assert seconds < held.now < seconds + 1
    assert held.held == 2 * HELD_TRIES  # each of the two
    assert waits[-HELD_TRIES:] == [HOLD_SECONDS / 4] * HELD_TRIES
    search.found()
    assert search.goes_on("c", busy, {}), "it begins anew"


@pytest.mark.parametrize(("busy", "tries"), [(True, BUSY_TRIES), (False, AWAY_TRIES)])
def test_how_long_it_goes_on_for_a_tenant(busy: bool, tries: int) -> None:
    connection = Held(InProcess())
    connection.remote.tenant = True
    search = Search(connection.remote, connection, Interrupts())
    held = []
    while search.goes_on("b", busy, {}):
        assert search.begun
        held.append(connection.held)
    assert held == [1, 1, 2, 2, 3, 3, 4, 4][:tries]  # each second try, one environment
    search.found()
    assert not search.begun


def test_what_cannot_be_held_is_no_failure() -> None:
    def refuse(*_: object) -> Any:
        raise errors.Throttled("Lambda throttled `fake`")

    remote = InProcess(refuse)
    remote.session.connection.hold(remote.session.remote.event("attach")).join()
    remote.close()


@pytest.mark.parametrize(("pause", "asked"), [(SURE_SECONDS - 10, 0), (SURE_SECONDS + 1, 1)])
def test_after_a_pause_it_is_asked_for_before_a_command_is_sent(pause: float, asked: int) -> None:
    with proxied_session() as remote:
        remote.run("x=1")
        remote.jump(pause)
        ran = remote.run("echo $x")
        assert (ran.out, ran.usage.invocations, ran.notices) == ("1\n", 1 + asked, [])
        assert remote.run("echo $x").usage.invocations == 1


def test_an_environment_that_ended_in_a_pause_costs_no_command() -> None:
    ahead = [0.0]
    with proxied_session(idle_s=600, clock=lambda: time.monotonic() + ahead[0]) as remote:
        remote.run("x=1")
        remote.jump(1200)
        ahead[0] = 1200
        ran = remote.run("echo $x")
        assert (ran.out, ran.usage.replaced, ran.usage.invocations) == ("1\n", True, 3)


def test_without_a_proxy_a_tenants_environment_may_be_gone_within_a_minute() -> None:
    """A proxy could have sent the command twice, the first time to an environment that nobody finds again."""
    remote = InProcess()
    remote.run("x=1")
    remote.session.remote.tenant, remote.session.connection.direct = True, True
    remote.replace()
    ran = remote.run("echo $x")
    assert (ran.out, ran.usage.replaced, len(ran.shell_notices)) == ("1\n", True, 1)
    remote.close()
