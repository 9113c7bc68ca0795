"""The environments of a fleet's runs, as a table."""

from __future__ import annotations

from dataclasses import replace

from lambda_kernel.output.environments_view import INDEX_CHARACTERS, bounded, table
from tests.support.rows import ROW


def test_indexes_that_say_nothing_of_an_environment_are_left_out() -> None:
    """Without tenant isolation the index is that of a thread of the kernel, and an item may run in any."""
    rows = [replace(ROW, slot=slot, repetition=n, environment_id=f"{n % 2}") for n, slot in enumerate((0, 1, 2, 0))]
    assert table(rows)[0][0] == "index"
    assert table(rows, items=True)[0][0] == "environment"
    shells = [replace(ROW, slot=n % 2, repetition=n, environment_id=f"{n % 2}") for n in range(4)]
    assert [line[:2] for line in table(shells, items=True)] == [("index", "environment"), ("0", "0"), ("1", "1")]


def test_many_indexes_are_bounded() -> None:
    assert bounded("0-3,5-6,8,10-12") == "0-3,5-6,8,10-12"
    assert bounded("0-3,5-6,8,10-12,100") == "0-3,5-6,8,10-12,…"
    rows = [replace(ROW, slot=slot) for slot in range(0, 999, 2)]
    assert len(table(rows)[1][0]) <= INDEX_CHARACTERS + 2
