"""%%compare"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.target import Emulator, Target
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.output.comparison_view import COMPARED_LINES, DIFF_LINES, difference
from tests.magics.conftest import CellRunner, PricedRunner
from tests.magics.test_repeat import rows, table, told
from tests.support.in_process_session import Interrupts

SMALL, LARGE = (Target("local", emulator=Emulator(memory_mb=mb)) for mb in (128, 512))


def test_a_cell_on_two_targets_in_turn(runner: CellRunner, tmp_path: Path) -> None:
    runner.run("n=0")
    file = tmp_path / "rows.csv"
    ran = runner.run(f"%%compare local local:512 --runs 3 --warmup 2 --csv {file}\n: $((n += 1)); echo same")
    assert told(ran) == ["stdout on local, and the same on local:512", "stdout same\n"]
    found = rows(ran)
    assert [(row["target"], row["slot"], row["repetition"]) for row in found] == [
        (target, slot, number) for number in (-1, 0, 1, 2, 3) for slot, target in enumerate(("local", "local:512"))
    ]
    assert list(runner.workspace.sessions) == [SMALL, LARGE]
    assert runner.workspace.target == SMALL
    assert runner.run("echo $n").out == "5\n"
    text = table(ran)
    assert text.startswith(
        "%%compare local local:512: 10 of 10 runs\ntarget     runs  median ms  p95 ms  min ms  ratio"
    )
    assert "it takes 6 runs on each to tell it from noise" in text
    assert "$/million" not in text
    assert max(map(len, text.splitlines()[1:4])) <= 80
    assert "local, local:512: durations do not depend on memory here" in text
    assert ran.usage.invocations == 0  # so that no report line claims them for the current target
    with file.open() as kept:
        assert [row["target"] for row in csv.DictReader(kept)] == [row["target"] for row in found]
    assert table(runner.run("%last")) == text


def test_figures_prices_and_the_same_table_again(priced: PricedRunner) -> None:
    ran = priced.run("%%compare shell-a shell-b@eu-north-1 shell-a --runs 6 --warmup 0\ntrue")
    lines = table(ran).splitlines()
    assert lines[1].split()[-3:] == ["memory", "MB", "$/million"]  # no cold start, and all outputs are the same
    assert [line.split()[:6] for line in lines[2:5]] == [
        ["shell-a", "6", "9", "9", "9", "80"],
        ["shell-b@eu-north-1", "6", "9", "9", "9", "1.00"],
        ["shell-a", "6", "9", "9", "9", "1.00"],
    ]
    assert lines[3].endswith("1.00 (1.00-1.00), noise  80 of 1024      16.87")
    either = "by these runs it may be any"
    assert f"cheapest: {either}; fastest: {either}; balanced: {either}" in lines
    assert {row["region"] for row in rows(ran)} == {"eu-west-1", "eu-north-1"}
    assert [(cost.function, cost.cells, cost.invocations) for cost in priced.workspace.costs] == [
        *(("shell-a", 1, 13), ("shell-b", 1, 7))
    ]
    assert table(priced.run("%last")) == table(ran)
    assert "since each has all of this machine's CPUs" not in table(ran)


def test_displays_that_differ_are_compared_as_text(runner: CellRunner) -> None:
    runner.run("who=one")
    runner.run("%use local:512\nwho=two")
    show = "echo before; display /etc/hostname --type text/plain; "
    same = runner.run(f"%%compare local:128 local:512 --runs 1 --warmup 0\n{show}")
    assert told(same)[0] == "stdout on local:128, and the same on local:512"
    ran = runner.run(f"%%compare local:128 local:512 --runs 1 --warmup 0\n{show}echo $who,1 | display --type text/csv")
    assert "".join(told(ran)).endswith("\n-one,1\n+two,1\n \n")
    ran = runner.run("%%compare local:128 local:512 --runs 1 --warmup 0\nprintf GIF89a$who | display")
    changes = [line for line in "".join(told(ran)).splitlines() if line.startswith(("-", "+"))]
    assert [line[:9] for line in changes[1:]] == ["-SHA-256 ", "+SHA-256 "]


def test_outputs_that_differ_are_compared(runner: CellRunner) -> None:
    runner.run("who=one")
    runner.run("%use local:512\nwho=two")
    ran = runner.run("%%compare local:128 local:512 --runs 2 --warmup 0\necho who:; echo $who; printf end")
    assert told(ran) == [
        "stdout on local:128",
        "stdout who:\none\nend",
        "stdout on local:512 differs from that on local:128",
        "stdout --- local:128\n+++ local:512\n@@ -1,3 +1,3 @@\n who:\n-one\n+two\n end\n\\ No newline at end of file\n",
    ]
    assert "different" in table(ran)
    ran = runner.run("%%compare local:128 local:512 --runs 3 --warmup 0\necho $RANDOM$RANDOM")
    assert "output: where it varies from run to run" in table(ran)


def test_a_difference_has_its_bounds() -> None:
    long = [b"".join(b"%d %d\n" % (line, side) for line in range(COMPARED_LINES)) for side in (1, 2)]
    one, two = long
    shown = difference(one, two, "a", "b").splitlines()
    assert (len(shown), shown[-1]) == (DIFF_LINES + 1, b"(and more)")
    assert difference(one + b"one more", two, "a", "b") == b"(too long to be compared here)\n"
    assert difference(None, b"", "a", "b") == b"(too long to be compared here)\n"
    assert b"\xff" in difference(b"\xff\n", b"", "a", "b")


def test_what_fails_somewhere_does_not_count(runner: CellRunner) -> None:
    runner.run("%use local:512\nfails=1")
    ran = runner.run("%%compare local:128 local:512 --runs 2 --warmup 0\necho out; echo err >&2; [[ ! $fails ]]")
    assert ran.exit_code == 1
    assert told(ran) == [
        *("stdout on local:128", "stdout out\n", "stderr on local:128", "stderr err\n"),
        *("exit code 1 on local:512: stdout", "stdout out\n", "exit code 1 on local:512: stderr", "stderr err\n"),
    ]
    assert "local:512  0 of 2" in table(ran)
    assert "runs that failed, were lost or were ended early do not count" in table(ran)


def test_stderr_names_its_targets(runner: CellRunner) -> None:
    """Runs of two targets that end alike are the same repetitions."""
    runner.run("who=one")
    runner.run("%use local:512\nwho=two")
    cell = "%%compare local:128 local:512 --runs 2\necho {} >&2; (exit {})"
    both, one, two = "local:128, local:512", "local:128", "local:512"
    assert told(runner.run(cell.format("$who", 0))) == [
        f"stdout on {one}, and the same on {two}: none",
        *(f"stderr on {one}", "stderr one\n", f"stderr on {two}", "stderr two\n"),
    ]
    assert told(runner.run(cell.format("$who", 1))) == [
        *(f"exit code 1 on {one}: stderr", "stderr one\n", f"exit code 1 on {two}: stderr", "stderr two\n")
    ]
    assert told(runner.run(cell.format("same", 1))) == [f"exit code 1 on {both}: stderr", "stderr same\n"]


class Missing(CellRunner):
    """Functions whose name begins with `no` are not there."""

    def __call__(self, target: Target, read_timeout: float = 0) -> Any:
        transport = super().__call__(target, read_timeout)
        if target.function.startswith("no"):
            self.remotes[target].transport.faults = self.refuse
        return transport

    def refuse(self, event: Event, invoke: Any) -> Reply:
        raise errors.Refused(f"no function named `{event['op']}`")

    def functions(self, target: Target) -> list[str]:
        return ["nosuch-2", "shell-512", "shell-128"]


@pytest.fixture
def missing() -> Any:
    made = Missing()
    yield made
    made.close()


def test_nothing_runs_if_one_target_is_not_there(missing: Missing, tmp_path: Path) -> None:
    file = tmp_path / "keep.csv"
    file.write_text("old\n")
    with pytest.raises(errors.Refused, match="no function named"):
        missing.run(f"%%compare local shell nosuch --csv {file}\necho ran")
    assert "run" not in missing.sent
    assert file.read_text() == "old\n"
    with pytest.raises(errors.Refused, match="no function named"):
        missing.run("%%compare local nosuch-*\necho ran")
    assert "run" not in missing.sent
    ran = missing.run("%%compare shell-* --runs 1 --warmup 0\necho ran")
    assert [row["target"] for row in rows(ran)] == ["shell-128", "shell-512"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%compare local local:512\n \n", "needs a command"),
        ("%%compare local\nls", "it takes two targets or more; name one twice in order to see the noise"),
        ("%%compare local fleet:3\nls", "fleet:3 is a shell of %%fleet, and %%compare takes functions: leave it out"),
        ("%%compare local local:\nls", "write a memory in MB or an image"),
        ("%%compare local a@b\nls", "'b' is no region"),
        ("%%compare local shell-*\nls", "no function matches 'shell-\\*'"),
        ("%%compare local local:64\nls", "the memory is 64"),
        ("%%compare local local --runs 5000\nls", r"that is 10,002 runs; it takes 10,000"),
        ("%%compare local local --csv /no/such/place\nls", "cannot write"),
    ],
)
def test_what_is_found_out_before_anything_runs(runner: CellRunner, cell: str, message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        runner.run(cell)
    assert runner.sent == []


def test_an_interrupt_keeps_the_rows(runner: CellRunner) -> None:
    runner.run("%%compare local local:512 --runs 1 --warmup 0\ntrue")
    for remote in runner.remotes.values():
        remote.transport.control = interrupts = Interrupts([5])
    ran = runner.run_with(interrupts, "%%compare local local:512 --runs 50 --warmup 0\ntrue")
    assert ran.result.interrupted
    assert 1 <= len(rows(ran)) <= 11
    assert told(ran)[-1].startswith("interrupted: the rows so far are kept")


def test_an_interrupt_in_the_first_run_names_its_target_and_those_that_follow(runner: CellRunner) -> None:
    runner.run("%%compare local:128 local:512 --runs 1 --warmup 0\ntrue")
    local = next(iter(runner.remotes.values()))
    local.transport.control = interrupts = Interrupts([1])
    ran = runner.run_with(interrupts, "%%compare local:128 local:512 --runs 3 --warmup 0\necho out; sleep 60")
    assert told(ran)[0] == "interrupted on local:128: stdout"
    assert [line.split()[:5] for line in table(ran).splitlines()[2:4]] == [
        ["local:128", "0", "of", "1", "-"],
        ["local:512", "0", "-", "-", "-"],
    ]
    assert "ended early do not count" in table(ran)
    assert table(runner.run("%last")) == table(ran)


def test_the_limit_of_costs_ends_it_with_its_rows(priced: PricedRunner) -> None:
    priced.workspace.costs.limit_usd = 0.0001
    with pytest.raises(errors.CostLimit):
        priced.run("%%compare a b --runs 10 --warmup 0\ntrue")
    assert priced.workspace.experiment is not None
    assert len(priced.workspace.experiment.rows) == 4
    assert len(priced.sent) == 6
