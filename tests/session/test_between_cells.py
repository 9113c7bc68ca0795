"""What a cell leaves to the next one, and what it is told of where it stands."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.session import replacement
from tests.support.cpu_quota import quota
from tests.support.in_process_session import InProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("false | true | (exit 3)", "3 (1 0 3)"),
        ("true", "0 (0)"),
        ("! true | false", "0 (0 1)"),
        ("set -o pipefail; false | true", "1 (1 0)"),
        ("(exit 4)", "4 (4)"),
        ("trap 'true' USR1; true | false", "1 (0 1)"),
        ("true | false # no more", "1 (0 1)"),
        ("cat <<X | (cat; false)\ntext\nX", "1 (0 1)"),
        ("if", "2 (2)"),
        ("echo a &&", "2 (2)"),
        ("echo a |", "2 (2)"),
        ("false || # no more", "2 (2)"),
        ("f()", "2 (2)"),
        ("function f", "2 (2)"),
        ("a=(1 2", "1 (1)"),
        *(
            (text, "2 (2)")
            for text in ("case x in", "case x in\na) echo a;;", "for i in 1 2", "select x in a b", "echo ${x")
        ),
        *((text, "2 (2)") for text in ("for x", "for ((i=0;i<3;i++))", "[[ -n a &&", "case x in x) echo a ;;")),
        *((text, "1 (1)") for text in ("echo $(echo a", "echo <(", 'echo "$(echo a', "x=$(cat <<X\n x\n X")),
        *(
            (text, "0 (0)")
            for text in ("cat <<@ >/dev/null\na", "cat <<-X >/dev/null\na\n X", "cat <<$X >/dev/null\na")
        ),
        ("f() { return 1; }; f; return 5; true | false", "1 (0 1)"),
        *((text, "2 (2)") for text in ("if true; then echo a; fi |", "while false; do :; done &&", "[[ a")),
        ("cat <<X >/dev/null\ntext\nX ", "0 (0)"),
        ("cat <<< text | (cat; false)", "1 (0 1)"),
    ],
)
def test_the_exit_statuses_of_the_cell_before(far: InProcess, code: str, left: str) -> None:
    far.run(code)
    assert far.run('echo "$? (${PIPESTATUS[@]})"').out == f"{left}\n"
    assert far.run('echo "$? (${PIPESTATUS[@]})"').out == "0 (0)\n"


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("echo a b", "b"),
        ("mkdir -p $TMPDIR/'a dir'; cd $TMPDIR/'a dir'", "/a dir"),
        ("echo $'two\\nlines'", "two\nlines"),
        ("echo 'it'\\''s'", "it's"),
        ("trap 'true' USR1; echo last", "last"),
        ("echo é☃", "é☃"),
        (": $'\\2\\1M9 9 h'", "\2\1M9 9 h"),
        (": $'\\2\\1U1 x'", "\2\1U1 x"),
    ],
)
def test_the_last_word_of_the_cell_before(far: InProcess, code: str, left: str) -> None:
    far.run(code)
    assert far.run('echo "$_"').out.endswith(f"{left}\n")


@pytest.mark.parametrize("code", ["x=1", "trap 'true' USR1; x=1"])
def test_lines_are_numbered_within_the_cell(far: InProcess, code: str) -> None:
    far.run(code)
    far.run("f() {\n  echo f $LINENO\n}")
    ran = far.run("echo $LINENO\n\necho $LINENO; f\neval 'echo $LINENO'\ncat <<X\n$LINENO\n")
    assert ran.out.startswith("1\n3\nf 2\n4\n")
    assert "here-document at line 5" in ran.err
    assert far.run("trap 'echo line $LINENO' ERR\ntrue\nfalse").out == "line 3\n"
    assert far.run("\n\nfalse").out == "line 3\n"
    assert far.run("trap - ERR\ntrap 'echo at $LINENO' DEBUG\n:\n:").out == "at 3\nat 4\n"


@pytest.mark.parametrize(
    ("code", "line"),
    [("echo a\nif true; then\n", 3), ("echo a\n\necho b )", 3), ('echo\necho "open', 2), ("echo 1\ndone\necho 2", 2)],
)
def test_an_error_of_syntax_names_its_line(far: InProcess, code: str, line: int) -> None:
    assert far.run(code).err.startswith(f"bash: line {line}: ")


def test_a_trace_shows_no_level_of_ours(far: InProcess) -> None:
    ran = far.run('set -x\necho a\nx=$(echo b)\nf() { echo c; }; f; eval "echo d"')
    assert ran.err.splitlines() == [
        *("+ echo a", "++ echo b", "+ x=b", "+ f", "+ echo c", "+ eval 'echo d'", "++ echo d"),
    ]
    assert far.run("echo e; echo +++ f >&2").err == "+ echo e\n+ echo +++ f\n++ f\n"
    far.run("set +x")
    assert far.run("echo +++ g >&2").err == "+++ g\n"


def test_no_message_about_jobs_gets_into_the_users_files(far: InProcess, tmp_path: Path) -> None:
    dies, files = "bash -c 'kill -TERM $$'", [tmp_path / name for name in ("job", "dead")]
    ran = far.run(f"{{ sleep 10 & }} 2>&1; {{ sleep 10 & }} 2>{files[0]}; {dies} 2>{files[1]}; {{ {dies}; }} 2>&1")
    assert ran.out == "Terminated\n"
    assert [file.read_text() for file in files] == ["", ""]
    assert len(ran.notices) == 2
    far.run("kill %1 %2; wait")
    written = far.run("sleep 0.01 & wait 2>&1; exec 2>$TMPDIR/errors; sleep 10 & cat $TMPDIR/errors").out
    assert not re.search(r"^\[\d+\] \d|tcsetattr", written, re.MULTILINE)


def test_jobs_are_told_of_in_the_order_in_which_things_happen(far: InProcess) -> None:
    ran = far.run("sleep 100 & jobs")
    pid = far.run("echo $!").out.strip()
    assert ran.notices == [f"[1] {pid}"]
    assert [type(cell_event).__name__ for cell_event in ran.cell_events] == ["Notice", "Output"]
    ran = far.run("kill %1; wait")
    assert (ran.out, ran.err) == ("", "")
    assert ran.notices == ["[1]+  Terminated              sleep 100"]
    far.run("(sleep 0.05; exit 3) &")
    time.sleep(0.1)  # the job ends between two cells
    assert far.run("echo next").notices == ["[1]+  Exit 3                  ( sleep 0.05; exit 3 )"]


@pytest.mark.parametrize(
    "command", ["fg %1", "fg 1", "fg %sleep\\ 77", "fg %?77", "%1", "bg %1; fg %1 2>/dev/null", "fg %-"]
)
def test_an_interrupt_hits_the_job_in_the_foreground_and_no_other(far: InProcess, command: str) -> None:
    far.run("sleep 77 & first=$!; sleep 88 & second=$!")
    ran = far.run(command, interrupts=[1])
    assert ran.result.interrupted
    assert far.run("kill -0 $first 2>/dev/null; echo $?; kill -0 $second; echo $?").out == "1\n0\n"
    assert far.run("compgen -A function").out == "command_not_found_handle\n"


def test_only_the_foreground_asks_the_user(far: InProcess) -> None:
    ran = far.run("cat & sleep 0.5; echo over", stdin=True)
    assert (ran.out, ran.control.questions) == ("over\n", [])
    ran = far.run("sleep 5 & cat; kill %1", lines=["typed\n", ""], stdin=True)
    assert ran.out == "typed\n"


@pytest.mark.parametrize("name", ["vim", "less", "top"])
def test_a_program_that_wants_a_terminal_ends_with_a_word(far: InProcess, tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/bash\nwhile read -r x; do :; done\nread -r x <&0\n")
    program.chmod(0o755)
    ran = far.run(f"{program}; echo $?", stdin=True, lines=[None] * 50)
    assert ran.out == "129\n"
    assert f"bash: {name}: a cell is no terminal" in ran.err
    assert ran.control.questions == []


def test_a_question_comes_with_its_prompt_at_lambdas_cpu_quota(far: InProcess) -> None:
    """A password would be shown, and saved, if the question were asked before `read` has said how."""
    far.run("true")
    with quota(far.environment.shells["test"].pid):
        for number in range(20):
            ran = far.run(f"read -sp 'Password {number}: ' x; echo ${{#x}}", lines=["secret\n"], stdin=True)
            assert ran.out == "6\n"
            assert [(ask.prompt, ask.secret) for ask in ran.control.questions] == [(f"Password {number}: ", True)]


@pytest.mark.timeout(60)
def test_an_interrupt_reaches_the_command_that_bash_is_about_to_start(far: InProcess, tmp_path: Path) -> None:
    """bash has got it, and neither ends for it nor waits for a job yet. On a slow machine it starts one meanwhile."""
    far.run("true")

    def go_on(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event.get("signals"):
            (tmp_path / "go").touch()
        return reply

    far.transport.faults = go_on
    code = f"trap : INT; echo started; until [ -e {tmp_path}/go ]; do :; done; sleep 1000"
    ran = far.run(code, cue="started")
    assert (ran.out.split(), ran.exit_code, ran.result.interrupted) == (["started"], 130, True)


@pytest.mark.timeout(240)
def test_a_cell_never_ends_well_without_having_run(far: InProcess, tmp_path: Path) -> None:
    """bash may end at any moment between two cells, or as the next one comes: TMOUT does so, too."""
    log, chance = tmp_path / "log", random.Random(4)
    outcomes = set()
    for number in range(300):
        far.run("trap 'exit 3' USR1")
        pid = far.environment.shells["test"].pid
        killer = threading.Timer(chance.uniform(0, 0.004), os.kill, (pid, signal.SIGUSR1))
        killer.start()
        ran = far.run(f"echo {number} >>{log}; echo ran; read -t 0.003 x </dev/zero")
        killer.join()
        times = log.read_text().split().count(str(number)) if log.exists() else 0
        assert times <= 1
        if ran.exit_code == 0 or ran.out:
            assert (ran.out, times) == ("ran\n", 1)
        outcomes.add((ran.exit_code, ran.result.ended))
    assert len(outcomes) > 1, outcomes


def test_a_debug_trap_sees_one_command_of_the_kernel_and_the_user_is_told(far: InProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ran = far.run(f"trap 'echo \"$BASH_COMMAND\" >>{log}' DEBUG")
    assert ran.notices == ["The DEBUG trap also runs once for the command that starts each cell."]
    for _ in range(3):
        assert far.run("true").notices == []
    commands = log.read_text().splitlines()
    assert commands.count("true") == 3
    assert len(commands) == 6


def test_a_return_trap_does_not_see_the_end_of_a_cell(far: InProcess) -> None:
    far.run("trap 'echo R' RETURN")
    assert far.run("echo x; f() { :; }; f").out == "x\n"
    assert far.run("set -T; f").out == "R\n"


def test_an_exit_trap_is_heard_when_an_error_ends_the_shell(far: InProcess) -> None:
    ran = far.run("set -e; trap 'echo bye' EXIT; echo work; false")
    assert (ran.out, ran.exit_code) == ("work\nbye\n", 1)
    far.run("trap 'echo bye' EXIT")
    assert far.run("exit 3").out == "bye\n"


def test_no_path_of_ours_stands_in_the_call_stack(far: InProcess) -> None:
    far.run('f() { caller 0; echo "${BASH_SOURCE[@]}|${FUNCNAME[@]}"; }')
    assert far.run("f").out == "main|f\n"
    far.run("unset -f f; PS4='+${BASH_SOURCE}:${LINENO}: '; set -x")
    assert far.run("echo b").err == "+:1: echo b\n"


def test_a_cell_that_runs_is_no_failure_with_few_descriptors(far: InProcess) -> None:
    far.run("ulimit -n 16")
    ran = far.run("true")
    assert (ran.exit_code, ran.err) == (0, "")


def test_a_command_that_is_not_found_without_builtins_is_one_process(far: InProcess) -> None:
    for text in ("enable -n builtin", "enable -n printf echo return local"):
        ran = far.run(f"{text}; nosuch; echo $?", seconds=20)
        assert not ran.result.timed_out
        far.run("exit")


@pytest.mark.parametrize("ifs", ["$'\\1'", "$'\\2'", "$'\\177'", "$' \\t\\n'"])
def test_control_characters_between_fields_harm_nothing(far: InProcess, ifs: str) -> None:
    far.run(f"IFS={ifs}; x=1")
    assert far.run("true | false").exit_code == 1
    assert far.run("echo next $x").out == "next 1\n"


def test_a_cell_that_bash_cannot_start_is_said_not_to_have_run(far: InProcess) -> None:
    far.run("enable -n .")
    ran = far.run("echo hi")
    assert (ran.out, ran.exit_code, ran.notices) == ("", 1, [replacement.UNSTARTED])
