"""Two kernels on one function: what each sees is its own, and it is told when Lambda hands it about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lambda_kernel import errors
from lambda_kernel.local import LocalEngine
from tests.support.in_process_session import Interrupts
from tests.support.proxied_session import ProxiedSession, shell_engine
from tests.support.proxy import Fault


@pytest.fixture
def shared() -> Iterator[LocalEngine]:
    """Without tenants: whoever comes gets an environment that is idle."""
    with shell_engine(tenancy=False) as engine:
        yield engine


class Patient(ProxiedSession):
    """Its clock runs slowly: a busy machine lets few tries meet the environment while the other client rests."""

    def now(self) -> float:
        return super().now() / 5


def pair(engine: LocalEngine, make: type[ProxiedSession] = ProxiedSession) -> list[ProxiedSession]:
    return [make(engine.start(), name) for name in ("ann", "ben")]


def together(*calls: Callable[[], None]) -> None:
    """Each in a thread of its own; what one of them raises is raised."""
    failures: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_in_turns_they_share_an_environment_and_nothing_else(shared: LocalEngine) -> None:
    """As two users of one machine: each has its shell, its variables and its jobs; /tmp is common."""
    lines = pair(shared)
    for number in range(10):
        for remote in lines:
            ran = remote.run(f"x=$((x + 1)); echo {remote.name} $x; sleep 100 &")
            assert ran.out == f"{remote.name} {number + 1}\n"
            assert (ran.shell_notices, ran.usage.replaced) == ([], False)
    assert lines[0].session.remote.environment == lines[1].session.remote.environment
    lines[0].run("kill %1 %2 %3; wait %1 %2 %3")
    assert [remote.run("jobs -r | wc -l").out for remote in lines] == ["7\n", "10\n"]
    for remote in lines:
        remote.leave()


def test_leaving_ends_one_and_spares_the_other(shared: LocalEngine) -> None:
    ann, ben = pair(shared)
    ann.run("sleep 100 & x=1")
    ben.run("sleep 100 & x=2")
    ann.leave()
    assert ben.run("echo $x; jobs -r | wc -l").out == "2\n1\n"
    ben.leave()


def test_at_the_same_time_nothing_is_mixed_or_run_twice(shared: LocalEngine) -> None:
    """Each cell counts: what a cell prints is its own and the next number, wherever it ran."""
    lines = pair(shared, Patient)
    told: dict[str, list[str]] = {remote.name: [] for remote in lines}
    lost: dict[str, int] = {remote.name: 0 for remote in lines}

    def use(remote: ProxiedSession) -> None:
        count = 0
        for number in range(15):
            pause = f"sleep 0.{number % 5}; "  # an invocation or two
            # The other one may keep the environment busy: nobody's clock runs ahead of it.
            control = Interrupts(sleep=time.sleep)
            code = f"x=$((x + 1)); {pause}echo {remote.name} $x; echo {remote.name} >&2"
            ran, error = remote.attempt(code, control=control)
            told[remote.name] += ran.notices
            if error:
                assert isinstance(error, errors.CommandLost)
                assert ran.out in ("", f"{remote.name} {count + 1}\n")
                lost[remote.name] += 1
                count = int(remote.run("echo ${x:-0}").out)
            else:
                count += 1
                assert (ran.out, ran.err) == (f"{remote.name} {count}\n", f"{remote.name}\n")

    together(*(lambda remote=remote: use(remote) for remote in lines))
    assert sum(lost.values()) == 0, (lost, told)
    for remote in lines:
        remote.leave()


def test_a_notebook_that_is_handed_about_is_told_so_each_time(shared: LocalEngine) -> None:
    """Every other cell comes while a second user keeps the environment busy."""
    ann, ben = pair(shared)
    for remote in (ann, ben):
        remote.run("x=0")
    known, notices = {ann.session.remote.environment}, [""]
    for number in range(1, 41):
        home, sent = ann.session.remote.environment, threading.Event()
        blocker = threading.Thread(target=ben.run, args=("sleep 0.15", Fault(meanwhile=sent.set)), daemon=True)
        if number % 2:
            blocker.start()
            assert sent.wait(10)
        ran = ann.run("x=$((x + 1)); echo $x")
        if number % 2:
            blocker.join()
        assert ran.out == f"{number}\n"
        # It may be there and back within a cell.
        assert len(ran.notices) in ((1,) if ann.session.remote.environment != home else (0, 2))
        notices += ran.notices
        assert ("Something else uses `shell`" in notices[-1]) == (len(notices) > 2), notices
        known.add(ann.session.remote.environment)
        if len(notices) > 4:
            break
    assert len(notices) > 2
    assert len(known) == 2
    for remote in (ann, ben):
        remote.leave()


def test_with_tenants_each_keeps_its_own() -> None:
    with shell_engine(tenancy=True) as engine:
        lines = pair(engine)

        def use(remote: ProxiedSession) -> None:
            remote.run(f"echo {remote.name} >/tmp/mine; x=0; sleep 100 &")
            home = remote.session.remote.environment
            for number in range(15):
                ran = remote.run("x=$((x + 1)); sleep 0.0$((RANDOM % 9)); echo $x; cat /tmp/mine; jobs -r | wc -l")
                assert ran.out == f"{number + 1}\n{remote.name}\n1\n"
                assert (ran.notices, ran.usage.replaced) == ([], False)
                assert remote.session.remote.environment == home

        together(*(lambda remote=remote: use(remote) for remote in lines))
        assert lines[0].session.remote.environment != lines[1].session.remote.environment
        for remote in lines:
            remote.leave()


def test_two_kernels_of_one_name_the_older_one_is_told(shared: LocalEngine) -> None:
    """The newer one, which knows nothing of the shell, takes it over; the older one runs nothing there."""
    old, new = ProxiedSession(shared.start(), "same"), ProxiedSession(shared.start(), "same")
    old.run("x=old")
    new.session.remote.epoch = 7
    assert new.run("echo ${x-none}").out == "none\n"
    ran, error = old.attempt("echo $x >/tmp/wrong; echo mine")
    assert error is not None
    assert ran.out == ""
    assert new.run("cat /tmp/wrong 2>/dev/null; echo $?").out == "1\n"
    for remote in (old, new):
        remote.leave()
