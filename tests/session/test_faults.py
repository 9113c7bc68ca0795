"""A network and an environment that fail at any moment: a command runs once, and no byte is lost or doubled."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.local import LocalEngine
from lambda_kernel.local.processes import numbered
from lambda_kernel.session.cell import CellEvent, Output
from tests.support.engine_client import processes_with
from tests.support.in_process_session import Interrupts
from tests.support.proxied_session import ProxiedSession, client_of, shell_engine
from tests.support.proxy import ALL, Fault, answer, cut
from tests.support.waiting import wait_until

REASONS = (
    "ConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with shell_engine(tenancy=True) as engine:
        yield engine


@pytest.fixture
def remote(engine: LocalEngine, request: pytest.FixtureRequest) -> Iterator[ProxiedSession]:
    """A session of the test's own, with environments of its own: each has its tenant."""
    made = ProxiedSession(engine.start(), re.sub(r"\W", "-", request.node.name))
    made.run(":")
    yield made
    made.leave()


@pytest.fixture(scope="module")
def long(engine: LocalEngine) -> Iterator[ProxiedSession]:
    made = ProxiedSession(engine.start(), "long")
    made.run(":")
    yield made
    made.leave()


# --- cut anywhere

STEP = 7  # bytes from one cut to the next, but for the end
TOGETHER = 10  # requests of one command that are cut: each time the kernel asks, and sends it again
END = 50  # bytes, each of which is tried: one request is longer than another, since its seconds have more digits


def test_a_part_of_a_request_runs_nothing(remote: ProxiedSession) -> None:
    """At every byte. test_connections.py cuts an answer at every byte."""
    _, lost = remote.attempt(remote.log.command("late"), Fault(deliver=0, answer=answer(403, "AccessDeniedException")))
    assert lost
    request = remote.proxy.exchanges[-1].request
    for size in range(len(request)):
        remote.proxy.send_part(request[:size])
    assert remote.log.take() == []
    assert remote.proxy.send(request).startswith(b"HTTP/1.1 200 ")
    assert remote.log.take() == ["late"]


@pytest.mark.parametrize("side", ["request", "response"])
def test_cuts_of_a_short_exchange(remote: ProxiedSession, side: str) -> None:
    assert remote.run(remote.log.command("first")).exit_code == 0
    size = len(getattr(remote.proxy.exchanges[-1], side)) + 10  # numbers grow by a digit meanwhile
    surely = range(0, size - END, STEP)
    together = TOGETHER if side == "request" else 1  # when the response comes it has run
    groups = [[*surely[at : at + together]] for at in range(0, len(surely), together)]
    groups += [[after] for after in range(size - END, size)]
    for group in groups:
        remote.proxy.exchanges.clear()
        plan = [fault for after in group for fault in (cut(side, after), Fault())][:-1]
        ran = remote.run(remote.log.command(f"{group[0]:05}"), *plan)
        assert (ran.out, ran.err, ran.exit_code) == (f"{group[0]:05}\n", "", 0)
        assert not ran.usage.replaced
        if group[0] <= size - END:
            assert any("to give up" in notice for notice in ran.notices), group
            assert len(remote.proxy.exchanges) == len(group) + 1  # so many have come through to the function
    assert remote.log.take() == ["first", *(f"{group[0]:05}" for group in groups)]


def test_cut_at_bytes_of_the_first_exchange_of_a_session(engine: LocalEngine) -> None:
    """A hello starts a shell, and is asked for again: there is one shell in the end."""
    for side, step in (("request", 1999), ("response", 149)):
        for after in range(0, 12_000 if side == "request" else 1_000, step):
            remote = ProxiedSession(engine.start(), f"hello-{side}-{after % 3}")
            ran = remote.run(remote.log.command("once"), cut(side, after), cut(side, after // 2))
            assert (ran.out, ran.exit_code, remote.log.take()) == ("once\n", 0, ["once"])
            remote.leave()


# --- long exchanges

LINES = "".join(f"{n:099}\n" for n in range(1, 2_001))
WORK = "seq -f %099.0f 2000; echo warning >&2; sleep 0.25; echo end"
CUTS = st.one_of(st.integers(0, 2_000), st.integers(0, 260_000), st.just(ALL))
FAULTS = st.one_of(
    st.builds(Fault, request=CUTS),
    st.builds(Fault, response=CUTS),
    st.just(Fault(deliver=2)),
    st.just(Fault(deliver=0, answer=answer(503, "ServiceException"))),
    st.just(Fault(answer=answer(500, "ServiceException"))),
    st.builds(lambda reason: Fault(deliver=0, answer=throttled(reason)), st.sampled_from(REASONS)),
    st.just(Fault()),
)


def throttled(reason: str) -> bytes:
    return answer(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason, retryAfterSeconds="1")


@settings(
    max_examples=16,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(FAULTS, min_size=1, max_size=6))
@example(plan=[Fault(request=ALL)] * 4)
@example(plan=[Fault(response=130_000)] * 4)
@example(plan=[Fault(), Fault(response=0), Fault(request=100), Fault(response=700)])
def test_random_faults_in_a_long_exchange(long: ProxiedSession, plan: list[Fault]) -> None:
    ran = long.run(f"{long.log.command('id')}; {WORK}", *plan)
    assert ran.out == f"id\n{LINES}end\n"
    assert (ran.err, ran.exit_code, ran.usage.replaced) == ("warning\n", 0, False)
    assert long.log.take() == ["id"]


def test_refused_connections_in_mid_command(remote: ProxiedSession) -> None:
    """Nobody listens for a while: what was printed meanwhile comes later."""
    refusal = contextlib.ExitStack()
    tries: list[float] = []
    name = f"refused-{os.getpid()}"

    def see(cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output) and not tries:
            tries.append(0)
            refusal.enter_context(remote.proxy.refusing())

    def wait(seconds: float) -> None:
        tries.append(seconds)
        remote.wait(seconds)
        for tmp in (Path("/tmp"), *(Path(f"/proc/{process}/root/tmp") for process in numbered())):
            with contextlib.suppress(OSError):
                (tmp / name).unlink()
        if len(tries) == 4:
            refusal.close()

    code = f">/tmp/{name}; echo 1; while [ -e /tmp/{name} ]; do sleep 0.05; done; echo 2; sleep 0.2; echo 3"
    ran = remote.run(code, see=see, control=Interrupts(sleep=wait))
    assert ran.out == "1\n2\n3\n"
    assert len(tries) >= 4
    assert "annot reach Lambda" in ran.notices[0]


# --- answers that are none


@pytest.mark.parametrize("reason", REASONS)
def test_throttled_a_few_times(remote: ProxiedSession, reason: str) -> None:
    ran = remote.run(remote.log.command("once"), *[Fault(deliver=0, answer=throttled(reason))] * 3)
    assert ran.out == "once\n"
    assert [notice.startswith("Throttled, retrying: ") for notice in ran.notices] == [True]
    assert remote.log.take() == ["once"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("deliver", [0, 1])
def test_a_servers_error_whether_the_function_ran_or_not(remote: ProxiedSession, status: int, deliver: int) -> None:
    ran = remote.run(
        remote.log.command("once"), *[Fault(deliver=deliver, answer=answer(status, "ServiceException"))] * 2
    )
    assert (ran.out, ran.exit_code, remote.log.take()) == ("once\n", 0, ["once"])


def test_an_error_page_that_is_not_lambdas(remote: ProxiedSession) -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<html>oops</html>\n"
    ran = remote.run(remote.log.command("once"), Fault(answer=page), Fault(deliver=0, answer=page))
    assert (ran.out, remote.log.take()) == ("once\n", ["once"])


# --- deliveries that are too many


def test_each_request_delivered_twice(remote: ProxiedSession) -> None:
    plan = [Fault(deliver=2)] * 10
    ran = remote.run(
        f"{remote.log.command('once')}; read x; read y; echo $x $y", *plan, stdin=True, lines=("a\n", "b\n")
    )
    assert ran.out == "once\na b\n"
    assert remote.log.take() == ["once"]


def test_requests_delivered_twice_at_once(remote: ProxiedSession) -> None:
    """One of the two meets another environment, since the own one is busy with the first."""
    plan = [Fault(), *[Fault(together=True)] * 2]
    ran = remote.run(f"{remote.log.command('once')}; for i in 1 2 3; do echo $i; sleep 0.25; done", *plan)
    assert ran.out == "once\n1\n2\n3\n"
    assert (remote.log.take(), remote.run("true").notices) == (["once"], [])


def test_all_requests_delivered_again_much_later(remote: ProxiedSession) -> None:
    """Also those of a shell that is over; the last cell's answer is still the same."""
    for number in range(5):
        remote.run(f"{remote.log.command(f'a{number}')}; x={number}")
    remote.run("exit 3")
    for number in range(5):
        remote.run(f"{remote.log.command(f'b{number}')}; y={number}; sleep 100 &")
    sent = [exchange.request for exchange in remote.proxy.exchanges]
    random.Random(4).shuffle(sent)
    for request in sent:
        assert remote.proxy.send(request).startswith(b"HTTP/1.1 200 ")
    ran = remote.run("echo ${x-gone} $y; jobs | wc -l")
    assert (ran.out, ran.shell_notices) == ("gone 4\n5\n", [])
    assert remote.log.take() == [*(f"a{number}" for number in range(5)), *(f"b{number}" for number in range(5))]


def test_an_interrupt_delivered_again_is_not_a_second_one(remote: ProxiedSession) -> None:
    """The first interrupt is SIGINT, a second one would be SIGTERM."""
    control = Interrupts([1], sleep=remote.wait)

    def see(_: CellEvent) -> None:
        control.answers += 1

    code = "trap 'echo term' TERM; (trap 'echo int; sleep 0.3; exit 7' INT; trap 'echo term' TERM; echo on; sleep 9)"
    ran = remote.run(code, Fault(), Fault(deliver=3), Fault(response=0), Fault(deliver=2), see=see, control=control)
    assert ran.out == "on\nint\n"
    assert ran.result.interrupted


def test_an_answer_that_comes_after_the_kernel_gave_up_on_it(engine: LocalEngine) -> None:
    remote = ProxiedSession(engine.start(), "late", make=partial(client_of, read_timeout=0.3))
    remote.run(":")
    asked_again = threading.Event()
    late = Fault(meanwhile=lambda: wait_until(asked_again.is_set, 20))
    ran = remote.run(remote.log.command("once"), late, Fault(meanwhile=asked_again.set))
    assert (ran.out, ran.exit_code, remote.log.take()) == ("once\n", 0, ["once"])
    assert "timed out" in ran.notices[0].lower() or "timeout" in ran.notices[0].lower()
    remote.leave()


# --- input


@settings(
    max_examples=6,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(st.one_of(st.just(Fault()), st.just(Fault(deliver=2)), FAULTS), min_size=3, max_size=8))
@example(plan=[Fault(), Fault(response=0), Fault(response=0), Fault(request=ALL), Fault(response=0)])
def test_what_the_user_types_arrives_once(remote: ProxiedSession, plan: list[Fault]) -> None:
    code = 'read -p "name? " a; read b; echo "$a-$b"; cat; echo end'
    ran = remote.run(code, *plan, stdin=True, lines=("ada\n", "love lace\n", "one\n", "two\n", ""))
    assert ran.out == "ada-love lace\none\ntwo\nend\n"
    assert [question.prompt for question in ran.control.questions][:2] == ["name? ", ""]


# --- environments that die


MORTAL = {"MORTAL": f"of process {os.getpid()}"}  # in the environment of all that the engine below starts


def victims(kind: str) -> list[int]:
    """all, or the shell with what it has started, the runtime, or what the command has started."""
    here = processes_with("environ", f"MORTAL={MORTAL['MORTAL']}")
    assert here
    marked = set(processes_with("environ", "LAMBDA_KERNEL_SHELL="))
    shells = set(processes_with("cmdline", "--noediting"))
    return {
        "all": here,
        "runtime": [pid for pid in here if pid not in marked],
        "bash": [pid for pid in here if pid in shells],
        "command": [pid for pid in here if pid in marked - shells],
    }[kind]


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def mortal() -> Iterator[ProxiedSession]:
    with shell_engine(tenancy=True, environment=MORTAL) as engine:
        remote = ProxiedSession(engine.start(), "mortal")
        yield remote
        remote.leave()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["all", "runtime", "bash", "command"])
def test_kill_9_at_a_random_moment(mortal: ProxiedSession, kind: str, seed: int) -> None:
    remote = mortal
    name, moment = f"{kind}{seed}", random.Random(name_seed(kind, seed))

    strikes, struck = threading.Event(), threading.Event()

    def strike() -> None:
        strikes.set()
        time.sleep(moment.uniform(0, 0.15))
        kill(victims(kind))
        struck.set()

    remote.run("here=1; sleep 100 &")
    before = remote.session.remote.shell
    plan = [Fault()] * moment.randrange(2) + [Fault(meanwhile=strike)]
    ran, lost = remote.attempt(
        f"{remote.log.command(name)}; for i in {{1..9}}; do echo $i; sleep 0.03; done; echo end", *plan
    )
    full = f"{name}\n123456789end".replace("123456789", "".join(f"{n}\n" for n in range(1, 10))) + "\n"
    assert full.startswith(ran.out)
    assert lost is None or isinstance(lost, errors.CommandLost), lost
    assert lost or ran.out == full or ran.result.ended == "signal"
    assert not strikes.is_set() or struck.wait(20)
    after, gone = remote.attempt("echo $here")
    if gone:  # it came when the cell was over, and costs the next one
        assert (lost, ran.out, type(gone), after.out) == (None, full, errors.CommandLost, "")
        after = remote.run("echo $here")
    assert after.out == "1\n"
    assert remote.log.take() in ([[name]] if ran.out else [[], [name]])
    assert bool(after.shell_notices) == (remote.session.remote.shell != before)
    assert remote.run("echo calm").shell_notices == []


def name_seed(kind: str, seed: int) -> int:
    return seed * 100 + sum(map(ord, kind))


@pytest.mark.parametrize("kind", ["all", "runtime"])
def test_kill_9_between_two_cells(mortal: ProxiedSession, kind: str) -> None:
    """The next invocation meets a runtime that is just dying, or a new one."""
    remote = mortal
    remote.run("x=7")
    kill(victims(kind))
    ran, lost = remote.attempt(f"{remote.log.command('after')}; echo $x")
    if lost is None:
        assert (ran.out, len(ran.shell_notices)) == ("after\n7\n", 1)
    else:
        assert (type(lost), ran.out) == (errors.CommandLost, "")
    assert remote.run("echo $x").out == "7\n"
    assert remote.log.take() in ([[], ["after"]] if lost else [["after"]])


# --- time that passes unseen


def test_a_kernel_that_was_suspended_goes_on(remote: ProxiedSession) -> None:
    """A laptop's lid: minutes pass between two slices, and the connection is gone."""
    jumps = iter([300.0])
    ran = remote.run(
        f"{remote.log.command('once')}; sleep 0.4; echo more",
        Fault(),
        Fault(response=0),
        see=lambda _: remote.jump(next(jumps, 0)),
    )
    assert (ran.out, ran.usage.replaced) == ("once\nmore\n", False)
    assert remote.log.take() == ["once"]


def test_suspended_while_an_answer_is_under_way(remote: ProxiedSession) -> None:
    ran = remote.run(
        f"{remote.log.command('once')}; sleep 0.3; echo more", Fault(response=0, meanwhile=lambda: remote.jump(600))
    )
    assert ran.out == "once\nmore\n"
    assert remote.log.take() == ["once"]


def test_suspended_for_longer_than_an_environment_lives() -> None:
    """Lambda has ended it meanwhile: the command is reported lost, with all output that had come."""
    ahead = [0.0]
    with shell_engine(tenancy=True, idle_s=600, clock=lambda: time.monotonic() + ahead[0]) as engine:
        remote = ProxiedSession(engine.start(), "asleep")

        def close_the_lid(_: CellEvent) -> None:
            if not ahead[0]:
                wait_until(lambda: remote.proxy.exchanges)
                remote.jump(1200)
                ahead[0] = 1200

        remote.run("cd /tmp; x=1")
        ran, lost = remote.attempt("echo started; sleep 100", see=close_the_lid)
        assert isinstance(lost, errors.CommandLost)
        assert "replaced its execution environment" in str(lost)
        assert ran.out == "started\n"
        after = remote.run("echo $x; pwd")
        assert after.out == "1\n/tmp\n"
        assert len(after.shell_notices) == 1
        remote.leave()
