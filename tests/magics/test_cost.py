"""%cost"""

from __future__ import annotations

import pytest

from lambda_kernel.aws.prices import cost_usd
from lambda_kernel.aws.usage import Usage
from lambda_kernel.errors import UsageError
from lambda_kernel.report import Report
from lambda_kernel.workspace.costs import Costs
from tests.magics.conftest import CellRunner

REQUEST = 0.0000002


def usage(*, init: float | None = None, tenant: bool = False, machine: str = "x86_64", reports: int = 1) -> Usage:
    made = Usage(machine=machine, tenant=tenant)
    for number in range(reports):
        made.add(str(number), Report("id", 100, 100, 512, 80, init))
    return made


def test_nothing_yet_and_no_words(runner: CellRunner) -> None:
    assert "No cost yet" in runner.run("%cost").out
    with pytest.raises(UsageError):
        runner.run("%cost all")


def test_functions_are_summed_each_by_itself(runner: CellRunner) -> None:
    costs = runner.workspace.costs = Costs()
    for _ in range(2):
        costs.add("shell", "eu-west-1", usage(reports=3))
        costs.count_cell("shell", "eu-west-1")
    costs.add("shell", "mars-west-1", usage())
    costs.add("shell", "local", usage())
    lines = runner.run("%cost").out.splitlines()
    usd = 0.6 * 0.5 * 0.0000166667 + 6 * REQUEST
    assert lines[0] == (f"shell, eu-west-1: 2 cells, 6 invocations, 0 cold starts, billed 0.600 s: about ${usd:.7f}")
    assert lines[1].endswith("the price is not known")
    assert lines[2].endswith("free")
    assert "Estimated" in lines[3]


def test_what_has_no_figures_is_counted_too(runner: CellRunner) -> None:
    costs = runner.workspace.costs = Costs()
    costs.add("shell", "eu-west-1", usage())
    costs.count_cell("shell", "eu-west-1")
    unmeasured = Usage(machine="x86_64")
    unmeasured.add("id", None)
    costs.add("shell", "eu-west-1", unmeasured)
    line = runner.run("%cost").out.splitlines()[0]
    assert line.startswith("shell, eu-west-1: 1 cell, 2 invocations, ")
    assert line.endswith("not counting 1 invocation whose price is not known")


def test_a_tenants_new_environment_is_charged() -> None:
    warm, cold = usage(tenant=True).cost_usd("us-east-1"), usage(init=90, tenant=True).cost_usd("us-east-1")
    assert warm is not None
    assert cold == pytest.approx(warm + 0.5 * 0.000166667)
    assert usage(init=90).cost_usd("us-east-1") == pytest.approx(warm)
    arm = usage(init=90, tenant=True, machine="aarch64").cost_usd("us-east-1")
    assert arm == pytest.approx(0.1 * 0.5 * 0.0000133334 + REQUEST + 0.5 * 0.000133333)


@pytest.mark.parametrize(
    ("region", "architecture", "rate", "request_rate"),
    [
        ("us-east-1", "x86_64", 0.0000166667, REQUEST),
        ("eu-central-1", "arm64", 0.0000133334, REQUEST),
        ("af-south-1", "x86_64", 0.0000221, 0.00000027),
        ("ap-east-1", "arm64", 0.0000183, 0.00000028),
    ],
)
def test_prices_differ_by_region(region: str, architecture: str, rate: float, request_rate: float) -> None:
    assert cost_usd(2000, 1024, architecture, region) == pytest.approx(2 * rate + request_rate)


@pytest.mark.parametrize(
    ("billed_ms", "memory_mb", "architecture", "region", "environments"),
    [
        (None, 128, "x86_64", "us-east-1", 0),
        (1, None, "x86_64", "us-east-1", 0),
        (1, 128, None, "us-east-1", 0),
        (1, 128, "riscv64", "us-east-1", 0),
        (1, 128, "x86_64", "mars-west-1", 0),
        (1, 128, "x86_64", "local", 0),
        (1, 128, "x86_64", "af-south-1", 1),
    ],
)
def test_what_is_not_known_has_no_figure(
    billed_ms: float | None, memory_mb: int | None, architecture: str | None, region: str, environments: int
) -> None:
    assert cost_usd(billed_ms, memory_mb, architecture, region, tenant_environments=environments) is None
