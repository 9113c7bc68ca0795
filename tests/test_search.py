"""A command's environment is found again, though Lambda prefers another one."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.cell import Control, Happening
from lambda_kernel.remote import HOLD_SECONDS, Remote
from lambda_kernel.search import AWAY_SECONDS, BUSY_SECONDS, HELD_TRIES, Search
from tests.far import Far, Interrupts, wait_until
from tests.line import Line, line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local engine does")


def used_last(far: Line) -> str:
    """Have Lambda use another environment later than the session's own, which is idle; its name."""
    session = far.session
    attach = session.event("attach") | session.here() | {"seq": session.seq + 1, "had": 0, "wait": 0}
    attach |= {"have": None, "measure": False}

    def ask(**more: Any) -> dict[str, Any]:
        reply: dict[str, Any] = session.transport.invoke(attach | more).payload
        return reply

    def start(hold: float) -> threading.Thread:
        thread = threading.Thread(target=ask, kwargs={"hold": hold})
        thread.start()
        return thread

    own = start(1.0)
    wait_until(lambda: ask()["environment"] != session.environment)  # its own is busy
    other = start(1.5)
    own.join()
    other.join()
    answer = ask()
    assert answer["state"] == "elsewhere"
    return str(answer["environment"])


def test_lambda_prefers_another_environment_while_a_command_runs() -> None:
    preferred: list[str] = []

    def see(_: Happening) -> None:
        if not preferred:
            preferred.append(used_last(far))

    with line() as far:
        far.run("x=1")
        # Time is real here: an environment is held for as long as that.
        ran, lost = far.attempt("echo on; sleep 1; echo end", see=see, control=Interrupts(sleep=time.sleep))
        assert (lost, ran.out, ran.tally.replaced) == (None, "on\nend\n", False)
        assert preferred != [far.session.environment]
        assert far.run("echo $x").out == "1\n"


class Held(Remote):
    """Notes what is held, in place of a function."""

    def __init__(self, far: Far) -> None:
        super().__init__(far.transport, lambda: self.now)
        self.now, self.held = 0.0, 0

    def hold(self, event: dict[str, Any]) -> None:
        self.held += 1


@pytest.mark.parametrize(("busy", "seconds"), [(True, BUSY_SECONDS), (False, AWAY_SECONDS)])
def test_how_long_it_goes_on(busy: bool, seconds: float) -> None:
    session = Held(Far())
    waits: list[float] = []

    def sleep(wait: float) -> None:
        waits.append(wait)
        session.now += wait

    control: Control = Interrupts(sleep=sleep)
    search = Search(session, control)
    answers = 0
    while search.goes_on("ab"[answers % 2], busy, {}):
        answers += 1
    assert seconds < session.now < seconds + 1
    wait_until(lambda: session.held == 2 * HELD_TRIES)  # each of the two, in threads
    assert waits[-HELD_TRIES:] == [HOLD_SECONDS / 4] * HELD_TRIES
    search.found()
    assert search.goes_on("c", busy, {}), "it begins anew"


def test_what_cannot_be_held_is_no_failure() -> None:
    def refuse(*_: object) -> Any:
        raise errors.Throttled("Lambda throttled `fake`")

    far = Far(refuse)
    far.session.hold(far.session.event("attach"))
    far.close()
