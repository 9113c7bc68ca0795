"""What a fleet may cost: `%cost --warn` and `%cost --limit`, on functions with and without tenant isolation."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.report import Report
from lambda_kernel.session.cell import InputRequest
from tests.magics.test_fleet import FleetRunner
from tests.magics.test_repeat import rows, table
from tests.support.in_process_session import Ran
from tests.support.waiting import wait_until

TWENTY = "%%fleet 3 --map -\ntrue\n--\n" + "\n".join(map(str, range(20)))


class DearFleets(FleetRunner):
    """Each invocation is billed with so many ms of 1 GB. Invocations go on at the same time.

    answers: what the user types, and after it the end of the input; questions: what was asked. meanwhile: is called in
    each invocation of a run, with their number so far. most: how many of them were under way at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.faults = self.bill
        self.workspace.use(Target("shell", "eu-west-1"))
        self.billed_ms = 600_000.0  # a cent
        self.answers: list[str] = []
        self.questions: list[str] = []
        self.meanwhile: Callable[[int], None] = lambda number: None
        self.lock = threading.Lock()
        self.runs = self.under_way = self.most = 0

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        transport = super().__call__(target, read_timeout)
        transport.function, transport.region = target.function, target.region or "us-east-1"
        return transport

    def bill(self, event: Event, invoke: Callable[[], Reply]) -> Reply:
        if not self.is_run(event):
            return self.billed(invoke())
        with self.lock:
            self.runs += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            number = self.runs
        try:
            self.meanwhile(number)
            return self.billed(invoke())
        finally:
            with self.lock:
                self.under_way -= 1

    def is_run(self, event: Event) -> bool:
        return event["op"] == "run" if self.isolated else "FLEET" in (event.get("restore") or "")

    def billed(self, reply: Reply) -> Reply:
        return replace(reply, report=Report(reply.request_id, 9.0, self.billed_ms, 1024, 80))

    def ask(self, question: InputRequest) -> None:
        self.questions.append(question.prompt)
        self.control.answer(self.answers.pop(0) if self.answers else "")

    def run(self, text: str, *, interactive: bool = False) -> Ran:
        self.runs = self.most = 0
        return super().run(text, interactive=interactive)

    @property
    def made(self) -> int:
        assert self.workspace.experiment is not None
        return len(self.workspace.experiment.rows)


class DearOneShots(DearFleets):
    isolated = False


@pytest.fixture(params=[DearFleets, DearOneShots])
def either(request: pytest.FixtureRequest) -> Iterator[DearFleets]:
    yield from running(request.param())


@pytest.fixture
def tenants() -> Iterator[DearFleets]:
    yield from running(DearFleets())


@pytest.fixture
def one_shots() -> Iterator[DearFleets]:
    yield from running(DearOneShots())


def running(made: DearFleets) -> Iterator[DearFleets]:
    yield made
    made.close()


def together(count: int) -> Callable[[int], None]:
    """The first so many runs go on until all of them have begun."""
    barrier = threading.Barrier(count)

    def wait(number: int) -> None:
        if number <= count:
            barrier.wait(10)

    return wait


def test_who_refuses_is_asked_once_and_what_runs_may_end(either: DearFleets) -> None:
    either.meanwhile = together(3)
    with pytest.raises(errors.TooCostly, match=r"will cost about .* in all: it was stopped after 3 of 20 runs, as you"):
        either.run(TWENTY, interactive=True)
    assert len(either.questions) == 1
    assert either.runs == either.made == 3
    experiment = either.workspace.experiment
    assert (experiment.number("ok"), experiment.limit, experiment.waiting) == (3, "", 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "run"]


def test_who_agrees_is_asked_once_and_all_runs_are_made(either: DearFleets) -> None:
    either.answers = ["y"]
    ran = either.run(TWENTY, interactive=True)
    assert len(rows(ran)) == 20
    assert len(either.questions) == 1


def test_where_nobody_can_be_asked_the_number_of_runs_is_right(either: DearFleets) -> None:
    either.meanwhile = together(3)
    with pytest.raises(errors.TooCostly, match=r"needs your word: it was stopped after 3 of 20 runs\. Add --yes"):
        either.run(TWENTY)
    assert either.made == 3


def test_an_interrupt_while_it_asks_ends_the_fleet(either: DearFleets) -> None:
    either.ask = lambda question: either.control.interrupt()  # type: ignore[method-assign]
    assert either.run(TWENTY, interactive=True).result.interrupted
    assert either.made < 20


def test_the_first_run_is_a_pilot_where_more_could_cost_too_much(either: DearFleets) -> None:
    either.run("%cost --warn 0.0000005")
    with pytest.raises(
        errors.TooCostly, match=r"%%fleet 20 will cost about .*: it was stopped after 1 of 20 runs\. Add"
    ):
        either.run("%%fleet 20\ntrue")
    assert (either.runs, either.most, either.made) == (1, 1, 1)
    assert len(rows(either.run("%%fleet 20 --yes\ntrue"))) == 20


@pytest.mark.parametrize(
    ("made", "head"),
    [(DearFleets, ""), (DearOneShots, "%timeout 60\n"), (DearOneShots, "%cost --warn none\n")],
)
def test_what_cannot_cost_too_much_begins_together(made: type[DearFleets], head: str) -> None:
    for fleets in running(made()):
        fleets.billed_ms = 100.0
        fleets.meanwhile = together(20)
        assert len(rows(fleets.run(f"{head}%%fleet 20\ntrue"))) == 20


def test_only_as_many_are_held_back_as_could_cost_too_much(one_shots: DearFleets) -> None:
    """Each could cost 3 cents, if it went on for half an hour."""
    one_shots.billed_ms = 100.0
    first, others, made = threading.Barrier(3), threading.Barrier(17), []

    def wait(number: int) -> None:
        if number > 3:
            made.append(one_shots.made)
        (first if number <= 3 else others).wait(10)

    one_shots.meanwhile = wait
    assert len(rows(one_shots.run("%%fleet 20\ntrue"))) == 20
    assert min(made) >= 1


def test_it_tells_what_the_others_wait_for(one_shots: DearFleets) -> None:
    workspace, seen = one_shots.workspace, []

    def look(number: int) -> None:
        if number == 1:
            wait_until(lambda: workspace.experiment and workspace.experiment.running)
            seen.append((workspace.experiment.waiting, workspace.experiment.limit))

    one_shots.run("%cost --warn 0.01")
    one_shots.meanwhile = look
    one_shots.billed_ms = 100.0
    ran = one_shots.run("%%fleet 20\ntrue")
    assert seen == [(19, "the others wait until a run shows what they cost")]
    assert "wait" not in table(ran)


@pytest.mark.parametrize("interactive", [False, True])
def test_shells_that_have_cost_too_much_are_interrupted(tenants: DearFleets, interactive: bool) -> None:
    why = "as you wished" if interactive else r"Add --yes"
    with pytest.raises(errors.TooCostly, match=rf"%%fleet 3 has cost about .* so far.* after 0 of 3 runs.* {why}"):
        tenants.run("%%fleet 3\nsleep 600", interactive=interactive)
    assert tenants.workspace.experiment.number("interrupted") == 3
    assert len(tenants.questions) == interactive


def test_the_emulator_holds_nothing_back() -> None:
    fleets = FleetRunner()
    wait = together(4)
    numbers = itertools.count(1)

    def meet(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "run":
            wait(next(numbers))
        return invoke()

    fleets.faults = meet
    fleets.run("%cost --warn 0")
    assert len(rows(fleets.run("%%fleet 4\ntrue"))) == 4
    fleets.close()


MINUTE_USD = 60 * 0.0000166667 + 0.0000002  # of 1 GB, with the request


def test_no_more_begin_together_than_the_limit_has_room_for(one_shots: DearFleets) -> None:
    """Each of them takes as long as it may: a minute."""
    one_shots.billed_ms = 0.0
    one_shots.run("true")
    one_shots.billed_ms = 60_000.0
    one_shots.run(f"%cost --limit {3.5 * MINUTE_USD:.7f}\n%timeout 60")
    one_shots.meanwhile = together(3)
    with pytest.raises(errors.CostLimit):
        one_shots.run("%%fleet 20 --yes\ntrue")
    assert one_shots.most == 3
    assert one_shots.workspace.costs.spent_usd < 4.51 * MINUTE_USD


def test_short_commands_all_run_below_the_limit(one_shots: DearFleets) -> None:
    one_shots.billed_ms = 1.0
    one_shots.run(f"%cost --limit {3.5 * MINUTE_USD:.7f}\n%timeout 60\ntrue")
    one_shots.meanwhile = together(3)
    ran = one_shots.run("%%fleet 20\ntrue")
    assert [row["outcome"] for row in rows(ran)] == ["ok"] * 20
    assert one_shots.most == 3
    assert "at a time: `%cost --limit`" in table(ran)


def test_one_alone_begins_however_little_is_left(one_shots: DearFleets) -> None:
    one_shots.billed_ms = 1.0
    one_shots.run("%cost --limit 0.00001\ntrue")
    assert len(rows(one_shots.run("%%fleet 5\ntrue"))) == 5
    assert one_shots.most == 1


def test_shells_are_interrupted_at_the_limit(tenants: DearFleets) -> None:
    tenants.billed_ms = 5_000.0
    tenants.run("%cost --limit 0.005")
    with pytest.raises(errors.CostLimit, match="the cell was interrupted"):
        tenants.run("%%fleet 4\nsleep 600")
    assert tenants.workspace.experiment.number("interrupted") == 4
