"""%%repeat --idle, with a clock that goes on when somebody sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.target import LOCAL
from lambda_kernel.aws.transport import Reply
from lambda_kernel.output.display import on_screen
from lambda_kernel.session.cell import Notice, Shown
from tests.magics.conftest import CellRunner
from tests.magics.test_repeat import table
from tests.support.in_process_session import Interrupts, Ran


class IdleRunner(CellRunner):
    """Its environment ends after so many idle seconds."""

    def __init__(self, lives_s: float) -> None:
        super().__init__()
        self.now, self.lives_s, self.left_at = 0.0, lives_s, 0.0
        self.workspace.clock = lambda: self.now
        self.sent_at: list[float] = []

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        transport = super().__call__(*arguments, **options)
        self.remotes[LOCAL].transport.faults = self.answer
        return transport

    def answer(self, event: Any, invoke: Any) -> Reply:
        if self.now - self.left_at > self.lives_s:
            self.remotes[LOCAL].replace()
        self.sent_at.append(self.now)
        reply: Reply = invoke()
        self.left_at = self.now
        return reply

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def idle() -> Iterator[IdleRunner]:
    made = IdleRunner(lives_s=400)
    yield made
    made.close()


def tables(ran: Ran) -> list[Shown]:
    return [one for one in ran.cell_events if isinstance(one, Shown) and "lambda_runs" in one.metadata]


def test_it_tells_for_which_pauses_an_environment_lives(idle: IdleRunner) -> None:
    idle.workspace.warm_until = 1e9
    ran = idle.run_with(Interrupts(sleep=idle.sleep), "%%repeat 2 --idle 1m,5m,10m", stdin=False)
    first = next(one for one in ran.cell_events if isinstance(one, Notice))
    assert first.text == "7 runs, with pauses of 32 min in all. An interrupt keeps the table"
    lines = table(ran).splitlines()
    assert [line.split("  ")[0] for line in lines[2:5]] == ["1 min", "5 min", "10 min"]
    assert ["2 (100 %)" in line for line in lines[2:5]] == [True, True, False]
    assert "0 (0 %)" in lines[4]
    assert idle.left_at == pytest.approx(2 * (60 + 300 + 600), abs=1)
    gaps = {round(after - before) for before, after in pairwise(idle.sent_at)}
    assert gaps == {0, 60, 300, 600}  # nothing is invoked in a pause


def test_equal_pauses_are_one_row(idle: IdleRunner) -> None:
    ran = idle.run_with(Interrupts(sleep=idle.sleep), "%%repeat 2 --idle 60s,5m,1m", stdin=False)
    lines = table(ran).splitlines()
    assert lines[0].startswith("%%repeat 2 --idle 1m,5m,1m: 7 of 7 runs")
    assert [line.split()[:3] for line in lines[2:4]] == [["1", "min", "4"], ["5", "min", "2"]]
    assert lines[4].startswith("pauses: ")


def test_the_table_so_far_is_there_after_each_run(idle: IdleRunner) -> None:
    ran = idle.run_with(Interrupts(sleep=idle.sleep), "%%repeat 1 --idle 1m,5m\necho same", stdin=False)
    shown = tables(ran)
    assert len({one.key for one in shown}) == 1
    assert [len(one.metadata["lambda_runs"]) for one in shown] == [1, 2, 3, 3]
    assert "1 of 3 runs" in shown[0].data["text/plain"]
    assert "6 min in all, 6 min to go" in shown[0].data["text/plain"]
    assert ran.out == "same\n"
    [again] = tables(idle.run("%last"))
    assert again.data == shown[-1].data
    assert again.key != shown[-1].key


def test_the_whole_table_is_there_in_a_narrow_terminal(idle: IdleRunner) -> None:
    """The last one is a live view, too, and a live view is cut at the edge."""
    idle.workspace.columns = 60
    ran = idle.run_with(Interrupts(sleep=idle.sleep), "%%repeat 1 --idle 1m\ntrue", stdin=False)
    text = on_screen(tables(ran)[-1].data, 60)["text/plain"]
    assert "…" not in text
    assert "10 min idle" in " ".join(text.split())


def test_an_interrupt_in_a_pause_keeps_the_table(idle: IdleRunner) -> None:
    idle.run("true")
    control = Interrupts(sleep=idle.sleep)

    def sleep(seconds: float) -> None:
        idle.sleep(seconds)
        if idle.now > 100:
            control.after.append(0)

    control.sleep = sleep
    ran = idle.run_with(control, "%%repeat 3 --idle 1m", stdin=False)
    assert ran.result.interrupted
    assert "2 of 4 runs, interrupted" in table(ran)
    assert "1 min        1  1 (100 %)" in table(ran)
    assert idle.now == pytest.approx(120, abs=1)


def test_what_can_tell_nothing_is_refused_first(idle: IdleRunner) -> None:
    idle.workspace.session()
    idle.workspace.use_article()
    with pytest.raises(errors.UsageError, match="does not tell which environment answers"):
        idle.run("%%repeat 3 --idle 1m\ntrue")
    assert idle.sent == []
