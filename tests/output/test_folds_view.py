"""How the outputs of many runs are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.folding import Collector, Folds
from lambda_kernel.experiments.plan import Plan, fleet, mapped
from lambda_kernel.experiments.row import Ending
from lambda_kernel.function.sent.display import pieces
from lambda_kernel.output import folds_view
from lambda_kernel.output.folds_view import LINE_CHARACTERS, LINES, SHOWN, SHOWN_BYTES, WHERE
from lambda_kernel.session.cell import Notice, Output, Shown, Truncated
from tests.support.rows import ROW

OK = Ending("ok", 0)


def carried_out(
    written: list[bytes], plan: Plan | None = None, ending: Ending = OK, gap: Truncated | None = None
) -> Experiment:
    """One whose runs have written this."""
    plan = plan or fleet("%%fleet", len(written), 1, "shell")
    folds = Folds()
    for number, data in enumerate(written, plan.number(0, 1)):
        output = Collector(lambda passed: None, set())
        output(Output("stdout", data))
        output.left_out = gap
        folds.add(number, output, ending)
    return Experiment(plan, [replace(ROW) for _ in written], folds)


def told(
    written: list[bytes], plan: Plan | None = None, ending: Ending = OK, gap: Truncated | None = None
) -> list[str]:
    """What is shown of it."""
    shown = []
    for one in folds_view.outputs(carried_out(written, plan, ending, gap)):
        assert isinstance(one, Notice | Output | Shown | Truncated)
        shown += [one.text] if isinstance(one, Notice) else []
        shown += [one.data.decode()] if isinstance(one, Output) else []
        shown += one.data["text/plain"].splitlines() if isinstance(one, Shown) else []
        shown += ["a gap"] if isinstance(one, Truncated) else []
    return shown


def different(count: int, after: str = "") -> list[bytes]:
    return [f"{number} is here{after}\n".encode() for number in range(count)]


def test_so_many_are_shown_one_by_one() -> None:
    assert told(different(SHOWN))[:4] == ["shell 0", "0 is here\n", "shell 1", "1 is here\n"]
    assert len(told(different(SHOWN))) == 2 * SHOWN


def test_more_are_in_a_table() -> None:
    lines = told([*different(SHOWN + 1), b"0 is here\n"])
    assert lines[:3] == ["shells  stdout", "  0,21  0 is here", "     1  1 is here"]
    assert len(lines) == SHOWN + 2
    assert told(different(LINES + 2))[-1] == f"and 2 other outputs. {WHERE}"


def test_what_is_displayed_is_no_line() -> None:
    displays = [pieces(f'{{"data": {number}}}', f"{number:012x}", "0a0a0a0a")[0] for number in range(SHOWN + 1)]
    assert told([*(one.encode() for one in displays), b"text"])[:5] == [
        "shells  stdout",
        "    21  text",
        "shell 0",
        displays[0],
        "shell 1",
    ]


def test_a_page_has_the_lines_as_they_are() -> None:
    """JupyterLab sets cells flush right, and a page has one blank for many."""
    [shown] = folds_view.outputs(carried_out(different(SHOWN + 1)))
    assert isinstance(shown, Shown)
    for start in ("th", "td"):
        assert shown.data["text/html"].count(f'<{start} style="text-align: left; white-space: pre-wrap">') > 1
        assert f"<{start}>" not in shown.data["text/html"]


def test_the_table_names_the_items() -> None:
    items = ["https://example.com/\x1b", *map(str, range(SHOWN))]
    lines = told(different(SHOWN + 1), mapped("%%fleet --map", items, 1))
    assert lines[0].split() == ["items", "item", "stdout"]
    assert lines[1].split(maxsplit=2) == ["1", "https://example.com/\\x1b", "0 is here"]


@pytest.mark.parametrize("item", ["x" * folds_view.ITEM_CHARACTERS, "x" * (folds_view.ITEM_CHARACTERS + 1)])
def test_one_output_names_its_item(item: str) -> None:
    cut = item if len(item) == folds_view.ITEM_CHARACTERS else f"{item[:-1]}…"
    plan = mapped("%%fleet --map", [item, "two", "three"], 1)
    assert told([b"a\n", b"b\n", b"b\n"], plan) == [f"item 1 ({cut})", "a\n", "items 2-3: 2 of 3", "b\n"]


def test_what_is_no_line_stands_below_the_table() -> None:
    long = b"x" * (LINE_CHARACTERS + 1)
    lines = told([*different(SHOWN), b"two\nlines\n", long, b"no end"])
    assert len(lines) == 1 + SHOWN + 1 + 4
    assert lines[-4:] == ["shell 20", "two\nlines\n", "shell 21", long.decode()]


def test_runs_that_failed_or_have_a_gap_are_never_in_the_table() -> None:
    for lines in (told(different(SHOWN + 2), ending=Ending("failed", 3)), told(different(22), gap=Truncated(5, 1))):
        assert lines[-1] == f"shells 20-21: other outputs, which are not shown. {WHERE}"
        assert sum(line.endswith("is here\n") for line in lines) == SHOWN


def test_the_bound_of_a_cell() -> None:
    """The first has it alone."""
    big = SHOWN_BYTES * b"x"
    assert [len(line) for line in told([big, b"a", b"b"])][1] == SHOWN_BYTES
    assert told([big, b"a", b"b"])[2:] == [f"shells 1-2: other outputs, which are not shown. {WHERE}"]
    assert told([b"a", big, b"b"])[2:] == ["shell 2", "b", f"shell 1: other outputs, which are not shown. {WHERE}"]


def test_outputs_without_room_are_named() -> None:
    plan = fleet("%%fleet", 3, 1, "shell")
    experiment = Experiment(plan, [ROW], Folds(unkept=[1, 2]))
    [one] = folds_view.outputs(experiment)
    assert one == Notice("shells 1-2: other outputs, for which there was no room", "runs")
