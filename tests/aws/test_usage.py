"""Sums over invocations, and over parts that were summed by themselves."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel.aws.usage import ENDS, Usage
from lambda_kernel.report import Report

FIGURE = st.none() | st.integers(0, 9_000).map(float)
REPORTS = st.none() | st.builds(
    Report,
    st.just("id"),
    st.integers(0, 9_000).map(float),
    billed_duration_ms=FIGURE,
    memory_size_mb=st.none() | st.integers(128, 10_240),
    max_memory_used_mb=st.none() | st.integers(0, 10_240),
    init_duration_ms=FIGURE,
    restore_duration_ms=FIGURE,
    measured=st.booleans(),
)


@settings(max_examples=40)
@given(st.lists(st.lists(REPORTS, max_size=ENDS), max_size=8))
def test_parts_come_to_the_same_as_all_together(parts: list[list[Report | None]]) -> None:
    whole, summed, number = Usage(), Usage(), 0
    for part in parts:
        usage = Usage(environment_id=f"environment {number}", machine="aarch64", tenant=True)
        for report in part:
            number += 1
            for one in (whole, usage):
                one.add(f"request {number}", report)
        summed.include(usage)
    if parts:
        whole.environment_id, whole.machine, whole.tenant = summed.environment_id, "aarch64", True
    assert summed == whole


def test_what_is_known_of_the_environment_stays() -> None:
    usage = Usage(environment_id="one", machine="x86_64", replaced=True)
    usage.include(Usage())
    assert usage == Usage(environment_id="one", machine="x86_64", replaced=True)
