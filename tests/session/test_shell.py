"""What a cell's text does in the session's bash: the real function, the real session, no network."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function import index
from lambda_kernel.report import Report
from lambda_kernel.session import replacement
from lambda_kernel.session.cell import Bound
from lambda_kernel.session.context import Context
from tests.support.engine_client import commands_with
from tests.support.in_process_session import InProcess, as_bash_5_2
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


@pytest.mark.parametrize(
    ("code", "out", "err", "exit_code"),
    [
        ("echo hi", "hi\n", "", 0),
        ("", "", "", 0),
        ("false", "", "", 1),
        ("echo e >&2; (exit 7)", "", "e\n", 7),
        ("echo 'a  b' \"c\nd\" e\\ f", "a  b c\nd e f\n", "", 0),
        ("cat <<X\n$((1+1)) 'q'\nX", "2 'q'\n", "", 0),
        ("if true; then", "", "bash: line 2: syntax error: unexpected end of file\n", 2),
        ('echo "unclosed', "", "bash: line 1: unexpected EOF while looking for matching `\"'\n", 2),
        ("f() { local x=1; echo $x; return 4; }; f", "1\n", "", 4),
        ("a=(1 2 '3 4'); printf '<%s>' \"${a[@]}\"", "<1><2><3 4>", "", 0),
        ("echo ünïcødé ☃", "ünïcødé ☃\n", "", 0),
        ("printf 'no newline'", "no newline", "", 0),
        ("echo a # comment", "a\n", "", 0),
        ("echo a | tr a b | cat; echo ${PIPESTATUS[*]}", "b\n0 0 0\n", "", 0),
        ("diff <(echo 1) <(echo 1) && echo same", "same\n", "", 0),
        ("echo !! !x", "!! !x\n", "", 0),
        ("kill -TERM $$; echo still", "still\n", "", 0),
        ("nosuchcommand", "", "bash: line 1: nosuchcommand: command not found\n", 127),
        ("\0echo\0 nul", "nul\n", "", 0),
        ("echo \ud800", "?\n", "", 0),
    ],
)
def test_a_cell_is_shell_text(remote: InProcess, code: str, out: str, err: str, exit_code: int) -> None:
    ran = remote.run(code)
    assert (ran.out, as_bash_5_2(ran.err), ran.exit_code) == (out, err, exit_code)
    assert remote.run("echo next").out == "next\n"


def test_the_shell_lives_on_between_cells(remote: InProcess) -> None:
    remote.run("cd /tmp; x=5; y=(1 2); f() { echo f$1; }; alias a='echo alias'; set -f; umask 077")
    ran = remote.run("pwd; echo $x ${y[1]}; f 1\na; echo *; umask")
    assert ran.out == "/tmp\n5 2\nf1\nalias\n*\n0077\n"
    assert remote.session.remote.cwd == "/tmp"


def test_the_exit_status_of_the_cell_before(remote: InProcess) -> None:
    remote.run("(exit 42)")
    assert remote.run("echo $?").out == "42\n"
    assert remote.run("echo $?").out == "0\n"
    remote.run("trap 'echo trapped' ERR; (exit 3)")
    assert remote.run("echo $?").out == "3\n"


def test_a_short_command_is_one_invocation_and_the_first_one_two(remote: InProcess) -> None:
    assert remote.run("true").usage.invocations == 2
    assert remote.run("true").usage.invocations == 1


def test_facts_of_the_invocation(remote: InProcess) -> None:
    ran = remote.run(
        "echo $LAMBDA_REQUEST_ID; echo $((LAMBDA_DEADLINE_MS > 1600000000000)); env | grep -c ^LAMBDA_TENANT_ID=$"
    )
    assert ran.out == "6bc28136-xmpl-4365-b021-0ce6b2e64ab0\n1\n1\n"


def test_the_cold_start_of_the_environment(remote: InProcess) -> None:
    """Lambda reports it for the invocation before the cell's own."""
    inits = [181.54]
    look = "echo $LAMBDA_COLD_START,$LAMBDA_INIT_MS"

    def report(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        return replace(reply, report=Report("id", 1.0, init_duration_ms=inits.pop() if inits else None))

    remote.transport.faults = report
    assert [remote.run(look).out for _ in range(2)] == ["1,181.54\n", "0,181.54\n"]
    remote.session.reset(
        Context(lambda cell_event: None, remote.transport.control, Usage())
    )  # a new shell in the old environment
    assert remote.run(look).out == "0,181.54\n"
    remote.replace()
    inits.append(95.0)
    assert remote.run(look).out == "1,95\n"
    remote.replace()
    assert remote.run(f"{look}; declare -p LAMBDA_INIT_MS").out == '0,\ndeclare -x LAMBDA_INIT_MS=""\n'


def test_variables_that_the_runtime_leaves_unset(remote: InProcess) -> None:
    assert remote.run('echo "$TERM $TMPDIR ${HOME:?}"; echo $PATH').out.endswith(f":{index.PRIVATE}/bin\n")


@pytest.mark.parametrize(
    ("code", "out"),
    [
        ("exec >/dev/null; echo gone", ""),
        ("exec 1>&- 2>&-", ""),
        ("set -u; unset PROMPT_COMMAND PWD PS1", ""),
        ("PROMPT_COMMAND='echo prompt'", ""),
        ("eval() { echo mine; }; printf() { echo mine; }; alias eval=foo printf=bar builtin=baz", ""),
        ("trap 'echo error' ERR; false", "error\n"),
        ("trap 'echo debug' DEBUG; :", "debug\n"),
        ("set -x", ""),
        ("shopt -s extdebug", ""),
        ("set -C; set -f; set -o posix", ""),
        ("readonly x=1; x=2; echo no", ""),
        ("unset HOME PATH IFS", ""),
        ("trap 'echo got it' INT", ""),
        ("kill -STOP $$; echo went on", "went on\n"),
        ("kill -INT $$; echo no", ""),
    ],
)
def test_nothing_that_a_cell_does_to_its_shell_harms_later_cells(remote: InProcess, code: str, out: str) -> None:
    assert remote.run(code).out == out
    ran = remote.run("echo next")
    assert ran.out in ("next\n", "debug\nnext\n")
    assert ran.err in ("", "+ echo next\n")
    assert ran.exit_code == 0


def test_nothing_of_ours_shows_up_in_traps_and_traces(remote: InProcess) -> None:
    remote.run("trap 'echo \"<$BASH_COMMAND>\"' DEBUG; set -x; trap 'echo E' ERR")
    ran = remote.run("true")
    assert ran.out == "<true>\n"
    assert [line for line in ran.err.splitlines() if "true" not in line] == []


@pytest.mark.parametrize(
    ("code", "exit_code", "notice"),
    [
        ("exit 3", 3, "`exit`"),
        ("exec echo replaced", 0, "`exit`"),
        ("exec bash", 0, "`exit`"),
        ("set -e; false", 1, "`exit`"),
        ("set -t", 0, "`set -t`"),
        ("kill -9 $$", 137, "was killed"),
        ("trap false DEBUG; shopt -s extdebug", 137, "DEBUG trap that fails"),
        ("builtin() { :; }", 137, "A function with the name of a builtin"),
        ("enable -n printf", 137, "bash says: `bash: builtin: printf: not a shell builtin`"),
        ("set -r", 137, "restricted: cannot redirect output"),
        ("exec 10>&- 11>&- 12>&-; sleep 0.1", None, "closed the descriptors"),
        ('for fd in {3..300}; do eval "exec $fd>&-"; done', None, "closed the descriptors"),
        ("exec 11>&-; echo d", None, "closed the descriptors"),
        ("ulimit -v 8000; x=$(printf %9000000s); echo $x", 2, "ran out of memory"),
    ],
)
def test_a_cell_that_ends_its_shell_says_so(remote: InProcess, code: str, exit_code: int | None, notice: str) -> None:
    """exit_code: None where it depends on how much bash had read."""
    remote.run("kept=1")
    ran = remote.run(code)
    assert exit_code is None or ran.exit_code == exit_code
    assert len(ran.notices) == 1
    assert notice in ran.notices[0]
    after = remote.run("echo ${kept-gone}")
    clean = "clean one" in ran.notices[0]  # after a deliberate end nothing is restored
    assert after.out == ("gone\n" if clean else "1\n")
    assert [notice.partition(".")[0] for notice in after.notices] == ([] if clean else ["This is a new shell"])
    assert remote.run("echo calm").notices == []


def test_a_shell_that_dies_between_two_cells(remote: InProcess) -> None:
    remote.run("true")
    pid = remote.environment.shells["test"].pid
    os.kill(pid, signal.SIGKILL)  # by a job it might come while the cell runs
    wait_until(lambda: index.peek(f"/proc/{pid}/stat").partition(") ")[2][:1] in ("Z", ""))
    after = remote.run("echo alive")
    assert after.out == "alive\n"
    assert "was killed" in after.notices[0]


@pytest.mark.parametrize("code", ["cat", "read x", "python3 -c 'import sys; sys.stdin.read()'", "head -1", "cat | cat"])
def test_reading_the_input_gives_its_end_at_once_and_a_hint(remote: InProcess, code: str) -> None:
    ran = remote.run(f"{code}; echo done")
    assert ran.out == "done\n"
    assert ran.input_ended
    assert not remote.run("echo x | cat").input_ended


@pytest.mark.parametrize(
    "code",
    [
        "sleep 30",
        "while true; do sleep 1; done",
        "while :; do :; done",
        "x=$(sleep 30)",
        "sleep 30 | cat",
        "cat <(sleep 30)",
        "sleep 30 & wait",
        "for i in 1 2 3; do sleep 30; done",
        "f() { sleep 30; }; f",
        "python3 -c 'import time; time.sleep(30)'",
        "bash -c 'sleep 30; sleep 30'",
        "set -e; sleep 30",
        "(sleep 30)",
        "{ sleep 30; echo no; }",
    ],
)
def test_an_interrupt_ends_the_cell_and_keeps_the_shell(remote: InProcess, code: str) -> None:
    remote.run("state=kept")
    ran = remote.run(f"{code}; echo not reached", interrupts=[1])
    assert ran.result.interrupted
    assert "not reached" not in ran.out
    assert not re.search(r"tcsetattr|ioctl", ran.err)
    if "set -e" not in code:
        assert ran.exit_code == 130
        assert remote.run("echo $state").out == "kept\n"


def test_an_interrupt_spares_background_jobs(remote: InProcess) -> None:
    remote.run("sleep 50 & first=$!")
    remote.run("sleep 60 & second=$!; sleep 30", interrupts=[1])
    assert remote.run("kill -0 $first $second && jobs -r | wc -l").out == "2\n"


def test_an_interrupted_program_that_goes_on_is_not_interrupted_twice(remote: InProcess) -> None:
    program = (
        "import signal,time; signal.signal(2, lambda *a: print('caught', flush=True)); "
        "print('ready', flush=True); time.sleep(1); print('end')"
    )
    ran = remote.run(f'python3 -c "{program}"; echo after', cue="ready")
    assert ran.out == "ready\ncaught\nend\n"
    assert ran.exit_code == 130


def test_three_interrupts_end_what_ignores_the_first_two(remote: InProcess) -> None:
    ran = remote.run("trap '' INT TERM; sleep 30; sleep 30; sleep 30", interrupts=[1, 2, 3])
    assert ran.result.ended == "killed"
    assert ["SIGTERM" in notice for notice in ran.notices] == [True, True]
    assert "Interrupt again to kill it" in ran.notices[0]
    assert "it was killed" in ran.notices[1]
    assert "ignored SIGINT and SIGTERM" in remote.run("true").notices[0]


def test_a_time_limit_interrupts(remote: InProcess) -> None:
    ran = remote.run("sleep 30", seconds=0.3)
    assert (ran.result.timed_out, ran.result.interrupted, ran.exit_code) == (True, False, 130)
    assert ran.notices == []
    assert not remote.run("sleep 0.1", seconds=5).result.timed_out


def test_a_time_limit_says_what_it_does_to_what_goes_on(remote: InProcess) -> None:
    remote.run("trap '' INT")
    ran = remote.run("sleep 30; sleep 30", seconds=0.1)
    assert ran.result.timed_out
    assert "In 2 s" in ran.notices[0]


def test_a_background_jobs_later_output_is_told_apart(remote: InProcess, tmp_path: Path) -> None:
    remote.run(f"cd {tmp_path}; mkfifo go told")
    remote.run("(read <go; echo late; echo worse >&2; echo >told) & echo now", execution_count=7)
    ran = remote.run("echo >go; read <told; echo next", execution_count=8)
    assert ran.out == "next\n"
    assert ran.text("stdout", job=True) == "late\nworse\n"
    assert {output.job for output in ran.outputs if output.job is not None} == {7}


def test_a_flooding_background_job_does_not_keep_the_cell(remote: InProcess) -> None:
    ran = remote.run("yes & echo started")
    assert "started\n" in ran.out
    assert remote.run("kill %1; echo killed").out.endswith("killed\n")


@pytest.mark.parametrize(("lines", "whole"), [(79, True), (80, True), (81, False), (10_000, False)])
def test_both_sides_of_the_bound_in_lines(remote: InProcess, lines: int, whole: bool) -> None:
    ran = remote.run(f"seq {lines}", bound=Bound(1_000_000, 80))
    expected = "".join(f"{n}\n" for n in range(1, lines + 1))
    if whole:
        assert (ran.out, ran.gaps) == (expected, [])
    else:
        [gap] = ran.gaps
        assert gap.lines == lines - 80
        assert len(ran.out) + gap.bytes == len(expected)
        assert ran.out.startswith("1\n2\n")
        assert ran.out.endswith(f"{lines}\n")


@pytest.mark.parametrize("size", [799, 800, 801, 3_000_000])
def test_both_sides_of_the_bound_in_bytes(remote: InProcess, size: int) -> None:
    ran = remote.run(f"head -c {size} /dev/zero | tr '\\0' x", bound=Bound(800, 1000))
    dropped = sum(gap.bytes for gap in ran.gaps)
    assert len(ran.out) == min(size, 800)
    assert dropped == max(size - 800, 0)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_499_999, 1_500_000, 1_500_001, 10_000_000])
def test_unbounded_output_arrives_byte_for_byte(remote: InProcess, size: int, tmp_path: Path) -> None:
    data = os.urandom(1000) * (size // 1000) + os.urandom(size % 1000)
    (tmp_path / "data").write_bytes(data)
    ran = remote.run(f"cat {tmp_path}/data", bound=None)
    got = b"".join(output.data for output in ran.outputs)
    assert got == data


def test_each_answer_keeps_below_the_limits(remote: InProcess) -> None:
    ran = remote.run("head -c 4000000 /dev/urandom >&2 | cat", bound=None)
    assert ran.usage.invocations >= 3
    assert all(len(output.data) <= index.ANSWER_BYTES for output in ran.outputs)


def test_it_answers_before_its_deadline(remote: InProcess) -> None:
    remote.run("true")
    remote.context_seconds = 0.7
    remote.session.connection.round_trip = 1.0  # a slice of 5 s
    ran = remote.run("sleep 0.5; echo slept")
    assert ran.out == "slept\n"
    assert ran.usage.invocations >= 2


def test_a_line_of_stderr_that_is_written_in_pieces_stays_whole(remote: InProcess) -> None:
    ran = remote.run("printf 'a: ' >&2; sleep 0.02; echo out; sleep 0.02; printf 'b\n' >&2; printf end >&2")
    assert [output.data for output in ran.outputs] == [b"out\n", b"a: b\nend"]


@pytest.fixture
def shown(remote: InProcess, tmp_path: Path) -> Path:
    """A file that is there once the kernel has shown a cell's first output."""
    seen = tmp_path / "seen"

    def touch(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event.get("had"):
            seen.touch()
        return invoke()

    remote.run("true")
    remote.transport.faults = touch
    return seen


def test_an_unfinished_line_of_stderr_is_shown_live(remote: InProcess, shown: Path) -> None:
    ran = remote.run(f"printf wait... >&2; until [ -e {shown} ]; do sleep 0.01; done; printf done >&2")
    assert [output.data for output in ran.outputs] == [b"wait...", b"done"]


def test_live_output_comes_before_the_end(remote: InProcess, shown: Path) -> None:
    ran = remote.run(f"echo first; until [ -e {shown} ]; do sleep 0.01; done; echo second")
    assert [output.data for output in ran.outputs] == [b"first\n", b"second\n"]


@pytest.mark.parametrize("size", [8_000, 20_000_000])
def test_a_line_of_stderr_without_end_costs_what_it_is_long(remote: InProcess, size: int) -> None:
    ran = remote.run(f"head -c {size} /dev/zero | tr '\\0' a >&2; echo . >&2", bound=Bound(1000, 10))
    assert len(ran.err) + sum(gap.bytes for gap in ran.gaps) == size + 2
    assert ran.err.endswith("a.\n")


def test_a_shell_that_bash_itself_ends_while_idle(remote: InProcess) -> None:
    remote.run("TMOUT=1; x=1")
    pid = remote.environment.shells["test"].pid
    wait_until(lambda: index.peek(f"/proc/{pid}/stat").partition(") ")[2][:1] in ("Z", ""))
    ran = remote.run("echo $x ${TMOUT-unset}")
    assert ran.out == "1 unset\n"
    assert ran.notices[0].startswith(replacement.ENDINGS["logout"])
    assert "variable TMOUT (it ends an idle shell)" in ran.notices[0]


def test_cells_leave_no_descriptor_and_no_process(remote: InProcess) -> None:
    remote.run("true")
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(20):
        remote.run("echo x; sleep 0.001 & cat </dev/null")
    remote.run("wait")
    remote.run("true")
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 4
    pid = remote.environment.shells["test"].pid
    sleep = f"77.{os.getpid()}"  # not another worker's
    remote.run(f"setsid sleep {sleep} & nohup sleep {sleep} & (sleep {sleep} &)")
    wait_until(lambda: len(commands_with(sleep)) == 3)
    remote.close()
    assert not commands_with(sleep)
    assert not any(p.session == pid for p in index.processes())
