"""%%repeat and %last"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.commands.comparison.outputs import text_of
from lambda_kernel.experiments.experiment import Experiment
from lambda_kernel.experiments.plan import repetitions
from lambda_kernel.kernel.run_cell import Execution
from lambda_kernel.output import runs_view
from lambda_kernel.output.amount import left_out
from lambda_kernel.session.cell import CellEvent, Notice, Output, Shown, Truncated
from tests.magics.conftest import CellRunner, PricedRunner
from tests.support.in_process_session import Interrupts, Ran
from tests.support.rows import ROW


def rows(ran: Ran) -> list[dict[str, Any]]:
    [found] = [shown.metadata["lambda_runs"] for shown in tables(ran)]
    return list(found)


def table(ran: Ran) -> str:
    return tables(ran)[-1].data["text/plain"]


def tables(ran: Ran) -> list[Shown]:
    return [shown for shown in ran.cell_events if isinstance(shown, Shown) and "lambda_runs" in shown.metadata]


def told(ran: Ran) -> list[str]:
    """Headings and outputs, in their order."""
    kinds = [one for one in ran.cell_events if isinstance(one, Notice | Output)]
    return [one.text if isinstance(one, Notice) else f"{one.stream} {one.data.decode()}" for one in kinds]


def test_one_shell_runs_it_and_equal_outputs_are_shown_once(runner: CellRunner) -> None:
    runner.run("n=0")
    ran = runner.run("%%repeat 4\necho same; echo $((n += 1)) >&2; [[ $n != 3 ]]")
    assert told(ran) == [
        *("runs 1-2,4: 3 of 4", "stdout same\n"),
        *("run 1, stderr", "stderr 1\n", "run 2, stderr", "stderr 2\n", "run 4, stderr", "stderr 4\n"),
        *("run 3, exit code 1", "stdout same\n", "run 3, exit code 1, stderr", "stderr 3\n"),
    ]
    assert [(row["repetition"], row["outcome"], row["exit_code"]) for row in rows(ran)] == [
        *((1, "ok", 0), (2, "ok", 0), (3, "failed", 1), (4, "ok", 0))
    ]
    assert len({row["stdout_sha256"] for row in rows(ran)}) == len({row["environment_id"] for row in rows(ran)}) == 1
    assert ran.exit_code == 1
    assert table(ran).startswith("%%repeat 4: 4 of 4 runs, 1 failed\nrun  outcome      init ms")
    assert "\nwall ms          4  " in table(ran)
    assert ran.usage.invocations == sum(row["invocations"] for row in rows(ran)) == 4
    assert runner.run("echo $n").out == "4\n"


def test_a_run_in_a_new_environment(runner: CellRunner) -> None:
    """One that Lambda has made for somebody else, which a session without tenants may get. There is no REPORT line."""
    runner.run("n=5")
    [remote] = runner.remotes.values()
    session = runner.workspace.session()
    before = session.remote and session.remote.environment

    def another(event: Event, invoke: Any) -> Reply:
        if event["op"] == "hello":
            remote.replace()
        reply: Reply = invoke()
        return reply

    remote.transport.faults, remote.transport.reports = another, False
    ran = runner.run("%%repeat --cold 1\necho ${n-none}")
    assert told(ran) == ["run 1", "stdout none\n"]
    assert rows(ran)[0]["environment_id"] not in (None, before)
    assert "1 of the new environments had been started before" in table(ran)
    assert "the function has no tenant isolation" in table(ran)


def test_rows_in_a_file_and_again(runner: CellRunner, tmp_path: Path) -> None:
    assert "No runs yet" in runner.run("%last").out
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    ran = runner.run(f"%%repeat 3 --csv {one}\ntrue")
    assert told(ran) == ["runs 1-3: 3 of 3, no output"]
    again = runner.run(f"%last --csv {two}")
    assert rows(again) == rows(ran)
    assert table(again) == table(ran)
    assert again.out == f"3 rows were written to {two}\n"
    assert one.read_text() == two.read_text()
    with one.open() as file:
        assert [row["repetition"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_how_far_it_is_is_no_output(runner: CellRunner) -> None:
    """Whoever compares notebooks finds the same, however many went on at once and whose limit that was."""
    told = [one for one in runner.run("%%repeat 2\ntrue").cell_events if isinstance(one, Shown)]
    first, *_, last = [
        {"data": one.data, "metadata": one.metadata} for one in told if "lambda_runs" not in one.metadata
    ]
    assert (first["data"]["text/plain"], last["data"]["text/plain"]) == ("0 of 2 runs", "2 of 2 runs")
    assert text_of([first], str) == text_of([last], str) == ""


@pytest.mark.parametrize("cell", ["%%repeat 3 --csv {}\nls", "%last --csv {}"])
def test_a_file_for_rows_is_a_regular_one(runner: CellRunner, tmp_path: Path, cell: str) -> None:
    """To open a pipe that nobody reads would wait for ever."""
    runner.run("%%repeat 1\ntrue")
    sent, pipe = len(runner.sent), tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, "/dev/null", tmp_path):
        with pytest.raises(errors.UsageError, match=r"cannot write .* on this machine: it is no regular file"):
            runner.run(cell.format(place))
    assert len(runner.sent) == sent


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%repeat 3 --csv {}\nls", "cannot write {} on this machine: No such file"),
        ("%%fleet 3 --map {}\nls", "cannot read {} on this machine: No such file"),
        ("%environment --diff {}", "cannot read {} on this machine: No such file"),
    ],
)
def test_the_home_of_a_user_who_does_not_exist(runner: CellRunner, cell: str, said: str) -> None:
    path = "~no.such.user/rows.csv"
    with pytest.raises(errors.UsageError, match=re.escape(said.format(path))):
        runner.run(cell.format(path))


def test_an_old_file_is_replaced_by_the_first_row(priced: PricedRunner, tmp_path: Path) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old\n" * 100)
    priced.workspace.costs.limit_usd = 0.0
    for path in (old, new):
        with pytest.raises(errors.CostLimit):
            priced.run(f"%%repeat 3 --csv {path}\ntrue")
    assert old.read_text() == "old\n" * 100
    assert not new.exists()
    priced.workspace.costs.limit_usd = None
    priced.run(f"%%repeat 1 --csv {old}\ntrue")
    with old.open() as file:
        assert [row["repetition"] for row in csv.DictReader(file)] == ["1"]


@pytest.mark.parametrize("magic", ["%%repeat 2", "%%compare local local:512 --runs 1"])
def test_what_is_left_out_of_a_run_is_told(runner: CellRunner, magic: str) -> None:
    """The report line says nothing of it: an experiment shows equal outputs once."""
    events: list[CellEvent] = []
    text = f"%limit 8k\n{magic}\nseq 9000"
    execution = Execution(text, 1, runner.workspace, events.append, Interrupts(), Usage())
    execution.run()
    [gap] = [one for one in events if isinstance(one, Truncated)]
    assert left_out(gap).text.endswith("left out: show more with %limit above the magic")
    assert execution.amount.cut == ""


def test_a_plot_comes_after_the_table(runner: CellRunner) -> None:
    """Without a picture: nobody waits here until it is drawn."""
    runner.workspace.pictures = True
    pytest.importorskip("vl_convert")
    ran = runner.run("%%repeat 5\ntrue")
    *_, rows, plot = [shown for shown in ran.cell_events if isinstance(shown, Shown)]
    assert "lambda_runs" in rows.metadata
    assert plot.data["text/plain"].startswith("\nHow long the runs took: %%repeat 5\nDuration  ")
    assert plot.data["application/vnd.vegalite.v5+json"]
    [_, again] = [shown for shown in runner.run("%last").cell_events if isinstance(shown, Shown)]
    assert again.data == plot.data


@pytest.mark.parametrize("cell", ["%%repeat 3 --csv /no/such/place\nls", "%%repeat 3\n \n", "%%repeat 3 --csv /\nls"])
def test_what_is_found_out_before_anything_runs(runner: CellRunner, cell: str) -> None:
    with pytest.raises(errors.UsageError):
        runner.run(cell)
    assert runner.sent == []


def test_a_lost_run_does_not_stop_the_others(runner: CellRunner) -> None:
    runner.run("n=0")
    [remote] = runner.remotes.values()

    def crash(event: Event, invoke: Any) -> Reply:
        if event["op"] == "run" and event["seq"] == 3:
            raise errors.FunctionFailed("the runtime ended", "Runtime.ExitError", "id", None)
        reply: Reply = invoke()
        return reply

    remote.transport.faults = crash
    with pytest.raises(errors.CommandLost, match=r"1 of 4 runs were lost\. The last one: .*the runtime ended"):
        runner.run("%%repeat 4\necho $((n += 1))")
    experiment = runner.workspace.experiment
    assert experiment is not None
    assert [row.outcome for row in experiment.rows] == ["ok", "lost", "ok", "ok"]


def test_the_time_limit_is_of_all_runs_and_keeps_the_rows(runner: CellRunner) -> None:
    runner.run("%timeout 0.7")
    ran = runner.run("%%repeat 100\nsleep 0.3")
    assert ran.result.timed_out
    *before, last = [row["outcome"] for row in rows(ran)]
    assert (set(before) <= {"ok"}, last in ("ok", "timed out"), len(before) < 3) == (True, True, True)
    assert "timed out: the rows so far are kept, and `%last` shows them again" in told(ran)
    assert rows(runner.run("%last")) == rows(ran)


@pytest.mark.parametrize("count", [1_000, 1_001])
def test_a_notebook_keeps_a_thousand_rows(count: int) -> None:
    experiment = Experiment(repetitions("%%repeat", count), [ROW] * count)
    [kept] = runs_view.saved(experiment.rows).values()
    text, page = (runs_view.table(experiment, in_file=False)[kind] for kind in ("text/plain", "text/html"))
    assert kept == [ROW.data()] * 1_000
    for shown in (text, page):
        assert ("the notebook keeps the first 1,000 rows; `%last --csv FILE` writes all" in shown) == (count > 1_000)
        assert f"and {count - 20:,} more" in shown
        assert shown.count("abc") == 20
    assert ("the CSV file has all" in runs_view.table(experiment, in_file=True)["text/plain"]) == (count > 1_000)


def test_what_comes_from_outside_is_text_in_a_page() -> None:
    experiment = Experiment(repetitions("%%repeat", 1), [replace(ROW, environment_id="<b>&")])
    assert "<td>&lt;b&gt;&amp;</td>" in runs_view.table(experiment, in_file=False)["text/html"]
