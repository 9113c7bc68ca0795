"""%cost --warn: an experiment that will cost more asks first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.errors import TooCostly
from tests.magics.conftest import CellRunner, PricedRunner
from tests.magics.test_repeat import rows
from tests.support.in_process_session import Interrupts, Ran

# Each run costs $0.0000169, and the hello before the first as much.
DEAR = "%%repeat 1000\ntrue"


@pytest.fixture
def careful(priced: PricedRunner) -> PricedRunner:
    priced.run("%cost --warn 0.01")
    return priced


def questions(ran: Ran) -> list[str]:
    return [question.prompt for question in ran.control.questions]


def made(runner: CellRunner) -> int:
    assert runner.workspace.experiment is not None
    return len(runner.workspace.experiment.rows)


def test_where_nobody_can_be_asked_it_stops_after_the_pilot(careful: PricedRunner) -> None:
    with pytest.raises(
        TooCostly, match=r"more than \$0\.01 needs your word: it was stopped after 1 of 1,000 runs\. Add"
    ):
        careful.run(DEAR)
    assert careful.sent == ["hello", "run"]
    assert made(careful) == 1


def test_the_answer_decides(careful: PricedRunner) -> None:
    for lines in (["n"], [""], ["what?"]):
        with pytest.raises(TooCostly, match=r"stopped after 1 of 1,000 runs, as you wished"):
            careful.run_with(Interrupts(lines=lines), DEAR)
        assert made(careful) == 1
    careful.run("%cost --warn 0.0001")
    ran = careful.run_with(Interrupts(lines=[None, "y"]), "%%repeat 10\ntrue")
    assert len(rows(ran)) == 10
    [first, again] = questions(ran)  # None: it is asked again when nothing was typed for long
    assert first == again == ("%%repeat 10 will cost about $0.000169 in all, by 1 of its 10 runs. Go on? [y/N] ")


def test_it_asks_again_when_it_becomes_twice_as_dear(careful: PricedRunner) -> None:
    careful.run("%cost --warn 0.0001\ntrue")
    billed = iter([1_000.0] * 5 + [20_000.0] * 10)

    def bill(event: Event, invoke: Callable[[], Reply]) -> Reply:
        careful.billed_ms = next(billed)
        return careful.bill(event, invoke)

    careful.remotes[careful.workspace.target].transport.faults = bill
    control = Interrupts(lines=["y", "n"])
    with pytest.raises(TooCostly, match="as you wished"):
        careful.run_with(control, "%%repeat 20\ntrue")
    assert len(control.questions) == 2
    assert made(careful) == 6


def test_yes_says_what_it_will_cost_and_goes_on(careful: PricedRunner) -> None:
    careful.run("%cost --warn 0.0001")
    ran = careful.run_with(Interrupts(), "%%repeat 10 --yes\ntrue")
    assert len(rows(ran)) == 10
    assert questions(ran) == []
    [notice] = [text for text in ran.notices if "cost" in text]
    assert notice.startswith("%%repeat 10 will cost about $0.000")


@pytest.mark.parametrize("head", ["%cost --warn none", "%cost --warn 1"])
def test_what_costs_no_more_asks_nothing(priced: PricedRunner, head: str) -> None:
    ran = priced.run(f"{head}\n%%repeat 3\ntrue")
    assert len(rows(ran)) == 3


def test_a_comparison_asks_as_well(careful: PricedRunner) -> None:
    careful.run("%cost --warn 0.0001")
    with pytest.raises(TooCostly, match="%%compare a b will cost about"):
        careful.run("%%compare a b --runs 20\ntrue")
    assert careful.sent == ["hello", "run", "hello"]  # each function's own, one after the other


def test_the_last_run_asks_nothing(careful: PricedRunner) -> None:
    careful.run("%cost --warn 0")
    assert len(rows(careful.run("%%repeat 1\ntrue"))) == 1


def test_the_emulator_never_asks(runner: CellRunner) -> None:
    runner.run("%cost --warn 0")
    assert len(rows(runner.run("%%repeat 5\ntrue"))) == 5


def test_an_interrupt_while_it_asks_ends_it(careful: PricedRunner) -> None:
    careful.run("true")
    control = Interrupts(after=[1])
    careful.remotes[careful.workspace.target].transport.control = control
    ran = careful.run_with(control, DEAR)
    assert ran.result.interrupted
    assert made(careful) == 1
