"""What a kernel's invocations may cost together."""

from __future__ import annotations

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function.index import Op
from lambda_kernel.report import Report
from lambda_kernel.workspace.costs import Costs
from lambda_kernel.workspace.metered import longest_seconds

WHERE = ("shell", "eu-west-1")


def used(seconds: float, *, tenant: bool = False) -> Usage:
    usage = Usage(machine="x86_64", tenant=tenant)
    usage.add("id", Report("id", 1.0, seconds * 1000, 1024, 80))
    return usage


def test_what_is_under_way_is_reckoned_in() -> None:
    costs = Costs(limit_usd=1.0)
    first, second = costs.begin(0.4), costs.begin(0.6)
    with pytest.raises(errors.Throttled, match=r"all that is left of this kernel's limit of \$1\.00") as raised:
        costs.begin(0.001)
    assert raised.value.limit == "`%cost --limit`"
    costs.end(first, *WHERE, None)
    third = costs.begin(0.3)
    for key in (second, third):
        costs.end(key, *WHERE, used(1_000))
    assert costs.spent_usd == pytest.approx(2 * 0.0166669)
    costs.end(costs.begin(5.0), *WHERE, used(100_000))  # one alone
    with pytest.raises(errors.CostLimit, match="nothing was run"):
        costs.begin(0.0)
    costs.begin(5.0, ends=True)


def test_it_is_reached_when_all_but_one_may_take_it_there() -> None:
    costs = Costs(limit_usd=1.0, spent_usd=0.5)
    keys = [costs.begin(usd, ends=True) for usd in (0.4, 0.7)]
    found = [costs.reached]
    keys.append(costs.begin(0.1, ends=True))
    found.append(costs.reached)
    costs.end(keys[0], *WHERE, None)
    found.append(costs.reached)
    assert found == [False, True, False]


def test_without_a_limit_everything_begins() -> None:
    costs = Costs()
    costs.begin(1e9)
    costs.begin(1e9)
    assert not costs.reached


def test_what_costs_nothing_is_not_under_way() -> None:
    costs = Costs(limit_usd=0.1)
    costs.begin(0.0, ends=True)  # on the emulator
    costs.begin(1.0)


def test_what_an_invocation_may_cost() -> None:
    costs = Costs()
    assert costs.expected_usd(*WHERE, 1.0) is None
    costs.add(*WHERE, used(1, tenant=True))
    assert costs.expected_usd(*WHERE, 60.0) == pytest.approx(60 * 0.0000166667 + 0.0000002)
    assert costs.expected_usd(*WHERE, 0.0, starts=True) == pytest.approx(0.000166667 + 0.0000002)
    assert costs.expected_usd("shell", "mars-west-1", 1.0) is None


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        ({"op": Op.RUN, "wait": 5.0}, 5.0),
        ({"op": Op.HELLO, "hold": 2.0}, 2.0),
        ({"op": Op.HELLO, "wait": 86_400.0}, 1_800.0),
        ({"op": Op.CALL}, 0.0),
        ({"cmd": "true"}, 1_800.0),
    ],
)
def test_how_long_the_function_may_keep_its_answer(event: dict[str, object], seconds: float) -> None:
    assert longest_seconds(event) == seconds
