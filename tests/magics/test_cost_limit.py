"""%cost --limit: nothing begins beyond it, and what runs is interrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.session.cell import ThreadControl
from lambda_kernel.workspace.costs import Costs
from lambda_kernel.workspace.limited_control import LimitedControl
from tests.magics.conftest import CellRunner, PricedRunner

SECOND_USD = 0.0000166667 + 0.0000002  # a second of 1 GB, and its request


def test_nothing_begins_beyond_it(priced: PricedRunner) -> None:
    told = priced.run("%cost --limit 0.00005").out
    assert "No cost yet" in told
    assert "The limit of this kernel is $0.00005: about $0.00005 is left." in told
    assert priced.run("echo one").out == "one\n"  # a hello and a run: $0.0000337
    assert priced.run("echo two").out == "two\n"  # beyond it
    with pytest.raises(errors.CostLimit, match=r"cost about \$0\.0000506, .* limit is \$0\.00005: nothing was run"):
        priced.run("echo three")
    assert priced.sent == ["hello", "run", "run"]
    assert "about $0.00 is left" in priced.run("%cost").out
    priced.workspace.ping()
    assert priced.sent == ["hello", "run", "run"]
    assert priced.run("%cost --limit none\necho three").out.endswith("three\n")


def test_exactly_at_it_is_beyond_it(priced: PricedRunner) -> None:
    priced.run("true")
    priced.workspace.costs.limit_usd = priced.workspace.costs.spent_usd
    with pytest.raises(errors.CostLimit):
        priced.run("true")
    priced.workspace.costs.limit_usd = priced.workspace.costs.spent_usd + 1e-12
    priced.run("true")


def test_what_runs_is_interrupted(priced: PricedRunner) -> None:
    priced.run("true")
    priced.workspace.costs.limit_usd = 3.5 * SECOND_USD
    with pytest.raises(errors.CostLimit, match="the cell was interrupted"):
        priced.run("sleep 600; sleep 600")
    assert priced.sent[2:5] == ["run", "attach", "attach"]
    assert set(priced.sent[5:]) <= {"attach"}  # a busy machine takes longer to end it
    assert priced.run("%cost --limit none\necho ${x-alive}").out.endswith("alive\n")


def test_a_command_that_will_not_end_is_killed(priced: PricedRunner) -> None:
    priced.run("true")
    [remote] = priced.remotes.values()

    def bill(event: Event, invoke: Callable[[], Reply]) -> Reply:
        remote.sleep(1.0)
        return priced.bill(event, invoke)

    remote.transport.faults = bill
    priced.workspace.clock = remote.session.connection.clock
    priced.workspace.costs.limit_usd = 2.5 * SECOND_USD
    with pytest.raises(errors.CostLimit):
        priced.run("trap '' INT TERM; while :; do sleep 600; done")
    assert remote.transport.events[-1]["signals"][-1][1] == "KILL"
    assert len(remote.transport.events) < 12


def test_the_emulator_is_free(runner: CellRunner) -> None:
    runner.run("%cost --limit 0")
    assert runner.run("echo free").out == "free\n"
    assert runner.run("%cost --limit 0 --warn none\necho free").out.endswith("free\n")
    told = runner.run("%cost").out
    assert "No experiment asks first. The limit of this kernel is $0.00: about $0.00 is left." in told


def test_a_cell_that_costs_nothing_is_not_interrupted() -> None:
    costs, control, now = Costs(spent_usd=1.0), ThreadControl(), [0.0]
    limited = LimitedControl(control, costs, lambda: now[0])
    costs.limit_usd = 0.5
    assert (limited.interrupts, limited.reached) == (0, False)
    costs.spent_usd = 1.1
    assert (limited.interrupts, limited.reached) == (1, True)
    now[0] = 1.9
    assert limited.interrupts == 1
    now[0] = 2.0
    assert limited.interrupts == 2
    now[0] = 900.0
    assert limited.interrupts == 3
    control.interrupt()
    assert (limited.interrupts, limited.reached) == (4, False)


def test_a_view_that_it_ends_has_failed(priced: PricedRunner) -> None:
    priced.run("true")
    priced.workspace.costs.limit_usd = 4.5 * SECOND_USD
    with pytest.raises(errors.CostLimit, match="the cell was interrupted"):
        priced.run("%%watch -n 0.1 -c 100\ntrue")
    assert len(priced.sent) == 5


def test_completions_invocations_are_counted(priced: PricedRunner) -> None:
    priced.run("true")
    session = priced.workspace.session()
    [cost] = priced.workspace.costs
    before = cost.invocations
    with priced.workspace.aside() as context:
        session.ping(context)
    assert (cost.invocations, cost.cells) == (before + 1, 0)
    assert cost.usd == priced.workspace.costs.spent_usd == pytest.approx(3 * SECOND_USD)
