"""%%watch"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.session.cell import Shown
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import Ran


def frames(ran: Ran) -> list[str]:
    return [shown.data["text/plain"] for shown in ran.cell_events if isinstance(shown, Shown)]


def bodies(ran: Ran) -> list[str]:
    """Without their first lines."""
    return [frame.partition("\n")[2] for frame in frames(ran)]


def test_the_command_runs_again_in_the_same_shell_and_place(runner: CellRunner) -> None:
    runner.run("n=6")
    ran = runner.run("%%watch -n 0.5 -c 3\necho n $((n += 1))")
    assert bodies(ran) == ["n 7", "n \x1b[7m8\x1b[0m", "n \x1b[7m9\x1b[0m"]
    assert len({shown.key for shown in ran.cell_events if isinstance(shown, Shown)}) == 1
    assert "run 3 of 3" in frames(ran)[2]
    assert (ran.exit_code, ran.out, ran.err) == (0, "", "")
    assert runner.run("echo $n").out == "9\n"


def test_both_streams_in_their_order_and_the_last_exit_code(runner: CellRunner) -> None:
    ran = runner.run("%%watch -c 2\necho a; echo b >&2; echo c; : $((n += 1)); (exit $n)")
    assert bodies(ran) == ["a\nb\nc", "a\nb\nc"]
    assert ran.exit_code == 2
    assert "exit code 2" in frames(ran)[1]


def test_a_frame_has_a_bound_and_no_colours_of_its_own(runner: CellRunner) -> None:
    ran = runner.run("%%watch -c 1\nprintf '\\e[31m%s\\e[0m\\n' $(seq 10000)")
    lines = bodies(ran)[0].split("\n")
    assert (lines[0], lines[-1]) == ("1", "10000")
    assert len(lines) == 201
    assert "9,800 lines" in bodies(ran)[0]


def test_a_character_is_never_cut(runner: CellRunner) -> None:
    assert bodies(runner.run("%%watch -c 1\nprintf '\\303'; sleep 0.3; printf '\\244\\n\\377'")) == ["ä\n\ufffd"]


def test_it_runs_once_where_nobody_can_stop_it(runner: CellRunner) -> None:
    assert bodies(runner.run("%%watch\ncat; echo x")) == ["x"]


def test_the_shells_end_is_the_end(runner: CellRunner) -> None:
    ran = runner.run("%%watch -c 5\necho bye; exit 4")
    assert (bodies(ran), ran.exit_code) == (["bye"], 4)


def test_the_time_limit_ends_it(runner: CellRunner) -> None:
    runner.run("%timeout 1")
    ran = runner.run("%%watch -c 9 -n 0.1\nsleep 0.4; echo x")
    assert 1 <= len(bodies(ran)) < 9
    assert ran.exit_code == 0
    assert runner.run("%%watch\nsleep 5").result.timed_out


def test_the_jobs_of_other_cells_speak_for_themselves(runner: CellRunner) -> None:
    runner.run("(read -t 0.4 <> <(:); echo from a job) &")
    ran = runner.run("%%watch -c 1\nwait; echo x")
    assert bodies(ran)[0].endswith("x")
    assert "\nfrom a job" not in bodies(ran)[0]
    assert ran.text("stdout", job=True) == "from a job\n"


@pytest.mark.parametrize("cell", ["%%watch", "%%watch\n \n", "%%watch 5\nls", "%%watch -c 0\nls", "%watch\nls"])
def test_what_cannot_be(runner: CellRunner, cell: str) -> None:
    with pytest.raises(UsageError):
        runner.run(cell)
    assert runner.sent == []


def test_a_shell_that_dies_in_it_is_the_end(runner: CellRunner) -> None:
    ran = runner.run("%%watch -c 3\necho $((n += 1)); [[ $n = 2 ]] && kill -9 $$; true")
    assert ran.exit_code == 137
    assert bodies(ran) == ["1", "\x1b[7m2\x1b[0m"]
    assert runner.run("echo again").out == "again\n"


def test_a_new_environment_goes_on_with_the_state(runner: CellRunner) -> None:
    runner.run("n=5")
    [remote] = runner.remotes.values()
    remote.replace()
    ran = runner.run("%%watch -c 1\necho $n")
    assert bodies(ran) == ["5"]
    assert "is another one" in ran.notices[0]
