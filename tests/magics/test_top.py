"""%top"""

from __future__ import annotations

import re
from typing import Any

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics.top import Histories, drawn
from lambda_kernel.output.live_view import Line, plain_lines
from lambda_kernel.session.cell import Shown
from lambda_kernel.session.session import Session
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import Ran

ROW: dict[str, Any] = {
    "pid": 7,
    "user": "sbx_user1051",
    "state": "R",
    "threads": 3,
    "cpu_percent": 99.5,
    "rss_kb": 2048,
    "command": "yes",
    "runtime": False,
}
TOLD: dict[str, Any] = {
    "cpu_percent": 75.0,
    "cpus": 2,
    "disk": [0.0, 2_500_000.0],
    "network": [1000.0, 0.0],
    "load": ["0.1", "0.2", "0.3"],
    "memory_size_mb": 128,
    "memory_used_mb": 64,
    "MemTotal": 204_800,
    "MemAvailable": 102_400,
    "processes": [ROW],
    "count": 1,
    "threads": 3,
}
UNKNOWN = dict.fromkeys(("cpu_percent", "disk", "network", "memory_size_mb", "MemTotal", "MemAvailable"))


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


def frames(ran: Ran) -> list[Shown]:
    return [shown for shown in ran.cell_events if isinstance(shown, Shown)]


def draw(**told: Any) -> list[Line]:
    histories = Histories()
    histories.add(TOLD | told)
    return drawn(TOLD | told, histories)


def test_a_frame() -> None:
    lines = texts(draw())
    assert lines[0].split() == ["CPU", "75.0", "%", "of", "2", "CPUs", "▆"]
    assert lines[1].split(maxsplit=1)[1].split("  ")[0] == "64 of 128 MB, machine 100 of 200 MB"
    assert "0.0 kB/s read, 2.5 MB/s written" in lines[2]
    assert lines[-1] == "      7 sbx_user1051 R    3   99.5    2.0 MB  yes"


def test_what_is_not_known_says_so() -> None:
    lines = texts(draw(**UNKNOWN, load=[], processes=[ROW | {"user": None}], count=3))
    assert [line.split(None, 1)[1] for line in lines[:5]] == [
        "not known",
        "64 MB                                           █",
        *["not known"] * 3,
    ]
    assert " ? " in lines[-2]
    assert lines[-1] == "… 2 more processes"


def test_what_is_below_the_processes_stays_where_it_is() -> None:
    histories, lengths = Histories(), []
    for count in (1, 3, 2):
        sample = TOLD | {"processes": [ROW] * count, "count": 9}
        histories.add(sample)
        lengths.append(len(drawn(sample, histories)))
    assert lengths == [lengths[0], lengths[0] + 2, lengths[0] + 2]


def test_the_runtimes_own_processes_are_dim_and_others_not() -> None:
    own = draw(processes=[ROW | {"runtime": True, "state": "S", "cpu_percent": 0.0}])[-1]
    assert {style for style, _ in own} == {"dim"}
    assert "dim" not in {style for style, _ in draw()[-1]}


def test_a_process_at_work_has_a_colour() -> None:
    assert ("hot", "  99.5") in draw()[-1]
    assert ("", "   0.0") in draw(processes=[ROW | {"cpu_percent": 0.0}])[-1]


def test_a_hostile_command_line_stays_in_its_line() -> None:
    [line] = texts(draw(processes=[ROW | {"command": "a\n\x1b[2Jb\x07" + "x" * 200}]))[-1:]
    assert line == plain_lines(line)[0]
    assert line.endswith("x…")
    assert len(line) < 120


def test_histories_keep_the_last_of_each() -> None:
    histories = Histories()
    for percent in range(100):
        histories.add(TOLD | {"cpu_percent": percent})
    assert len(histories.spark("cpu", 100)) == 30
    assert histories.spark("none") == ""


def test_rounds_are_drawn_in_one_place_from_one_invocation_each(runner: CellRunner) -> None:
    runner.run("cd /usr; sleep 1000 &")
    sent = len(runner.sent)
    ran = runner.run("%top -d 0.1 -n 2")
    assert runner.sent[sent:] == ["call", "call"]
    assert ran.usage.invocations == 2
    first, second = frames(ran)
    assert first.key == second.key
    assert " COMMAND" in second.data["text/plain"]
    assert second.data["text/html"].startswith("<pre")
    assert runner.run("pwd; jobs").out.startswith("/usr\n[1]+  Running")


def test_another_order(runner: CellRunner) -> None:
    runner.run("sleep 1000 & sleep 1001 &")
    [frame] = frames(runner.run("%top -d 0.1 -o pid"))
    _, _, table = frame.data["text/plain"].partition("COMMAND")
    pids = [int(found) for found in re.findall(r"^\W*(?:\[2m)?\s*(\d+) ", table, re.MULTILINE)]
    assert len(pids) >= 3
    assert pids == sorted(pids)


def test_it_measures_no_longer_than_a_slice_since_an_interrupt_waits_for_that(runner: CellRunner) -> None:
    runner.run("true")
    [remote] = runner.remotes.values()
    session = runner.workspace.current
    assert isinstance(session, Session)
    slice_seconds = session.connection.slice
    runner.run("%top -d 3600 -n 1")
    assert remote.transport.events[-1]["arguments"]["seconds"] == min(slice_seconds, 1.0)
    runner.run("%top -d 0.1 -n 1")
    assert remote.transport.events[-1]["arguments"]["seconds"] == 0.1


def test_it_starts_a_shell_and_is_drawn_once_where_nobody_can_stop_it(runner: CellRunner) -> None:
    assert len(frames(runner.run("%top -d 0.1"))) == 1
    assert runner.sent == ["hello", "call"]


def test_a_new_environment_is_told_and_looked_into(runner: CellRunner) -> None:
    runner.run("x=1")
    [remote] = runner.remotes.values()
    remote.replace()
    ran = runner.run("%top -d 0.1 -n 1\necho $x")
    assert len(frames(ran)) == 1
    assert "is another one" in ran.notices[0]
    assert ran.out == "1\n"


def test_the_time_limit_is_the_end_of_it(runner: CellRunner) -> None:
    runner.run("%timeout 0.3")
    assert 1 <= len(frames(runner.run("%top -d 0.1 -n 9"))) < 9


def test_other_words(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage: %top"):
        runner.run("%top -x 1")
    assert runner.sent == []
