"""What a cell leaves to the next one, and what it is told of where it stands."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.session import replacement
from tests.support.cpu_quota import quota
from tests.support.in_process_session import InProcess, Ran
from tests.support.waiting import wait_until

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
def test_the_exit_statuses_of_the_cell_before(remote: InProcess, code: str, left: str) -> None:
    remote.run(code)
    assert remote.run('echo "$? (${PIPESTATUS[@]})"').out == f"{left}\n"
    assert remote.run('echo "$? (${PIPESTATUS[@]})"').out == "0 (0)\n"


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
def test_the_last_word_of_the_cell_before(remote: InProcess, code: str, left: str) -> None:
    remote.run(code)
    assert remote.run('echo "$_"').out.endswith(f"{left}\n")


@pytest.mark.parametrize("code", ["x=1", "trap 'true' USR1; x=1"])
def test_lines_are_numbered_within_the_cell(remote: InProcess, code: str) -> None:
    remote.run(code)
    remote.run("f() {\n  echo f $LINENO\n}")
    ran = remote.run("echo $LINENO\n\necho $LINENO; f\neval 'echo $LINENO'\ncat <<X\n$LINENO\n")
    assert ran.out.startswith("1\n3\nf 2\n4\n")
    assert "here-document at line 5" in ran.err
    assert remote.run("trap 'echo line $LINENO' ERR\ntrue\nfalse").out == "line 3\n"
    assert remote.run("\n\nfalse").out == "line 3\n"
    assert remote.run("trap - ERR\ntrap 'echo at $LINENO' DEBUG\n:\n:").out == "at 3\nat 4\n"


@pytest.mark.parametrize(
    ("code", "line"),
    [("echo a\nif true; then\n", 3), ("echo a\n\necho b )", 3), ('echo\necho "open', 2), ("echo 1\ndone\necho 2", 2)],
)
def test_an_error_of_syntax_names_its_line(remote: InProcess, code: str, line: int) -> None:
    assert remote.run(code).err.startswith(f"bash: line {line}: ")


def test_a_trace_shows_no_level_of_ours(remote: InProcess) -> None:
    ran = remote.run('set -x\necho a\nx=$(echo b)\nf() { echo c; }; f; eval "echo d"')
    assert ran.err.splitlines() == [
        *("+ echo a", "++ echo b", "+ x=b", "+ f", "+ echo c", "+ eval 'echo d'", "++ echo d"),
    ]
    assert remote.run("echo e; echo +++ f >&2").err == "+ echo e\n+ echo +++ f\n++ f\n"
    remote.run("set +x")
    assert remote.run("echo +++ g >&2").err == "+++ g\n"


def test_no_message_about_jobs_gets_into_the_users_files(remote: InProcess, tmp_path: Path) -> None:
    dies, files = "bash -c 'kill -TERM $$'", [tmp_path / name for name in ("job", "dead")]
    ran = remote.run(f"{{ sleep 10 & }} 2>&1; {{ sleep 10 & }} 2>{files[0]}; {dies} 2>{files[1]}; {{ {dies}; }} 2>&1")
    assert ran.out == "Terminated\n"
    assert [file.read_text() for file in files] == ["", ""]
    assert len(ran.notices) == 2
    remote.run("kill %1 %2; wait")
    written = remote.run("sleep 0.01 & wait 2>&1; exec 2>$TMPDIR/errors; sleep 10 & cat $TMPDIR/errors").out
    assert not re.search(r"^\[\d+\] \d|tcsetattr", written, re.MULTILINE)


def test_jobs_are_told_of_in_the_order_in_which_things_happen(remote: InProcess) -> None:
    ran = remote.run("sleep 100 & jobs")
    pid = remote.run("echo $!").out.strip()
    assert ran.notices == [f"[1] {pid}"]
    assert [type(cell_event).__name__ for cell_event in ran.cell_events] == ["Notice", "Output"]
    # Of a job that is dead by then, `wait` alone says nothing (wait_for_background_pids in bash's jobs.c).
    ran = remote.run("kill %1; wait %1")
    assert (ran.out, ran.err) == ("", "")
    assert ran.notices == ["[1]+  Terminated              sleep 100"]
    ended = remote.run("(sleep 0.05; exit 3) & echo $!").out.strip()
    wait_until(lambda: not Path("/proc", ended).exists())
    assert remote.run("echo next").notices == ["[1]+  Exit 3                  ( sleep 0.05; exit 3 )"]


LONG_COMMANDS = {
    "for i in 1 2; do echo $i; done": "for i in 1 2;\ndo\n    echo $i;\ndone",
    "while read x; do echo; done <<<5": "while read x; do\n    echo;\ndone <<< 5",
    "until ((1)); do :; done": "until ((1)); do\n    :;\ndone",
    "((1)) && for ((i=0;i<2;i++)); do :; done": "((1)) && for ((i=0; i<2; i++))\ndo\n    :;\ndone",
    "(if false; then :; elif true; then :; fi)": (
        "( if false; then\n    :;\nelse\n    if true; then\n        :;\n    fi;\nfi )"
    ),
    "case x in x) echo y;; *) ;; esac": "case x in \n    x)\n        echo y\n    ;;\n    *)\n    ;;\nesac",
    "echo 1 | while read x; do echo; done": "echo 1 | while read x; do\n    echo;\ndone",
    "{ g() { :; }; g; }": "{ function g () \n{ \n    :\n}; g; }",
    "echo 'if (' \"{\" \\(": "echo 'if (' \"{\" \\(",
    "echo done fi }": "echo done fi }",
}


def ends(*cells: Ran) -> str:
    """What is told of jobs that have ended."""
    return "\n".join(notice for ran in cells for notice in ran.notices if not re.fullmatch(r"\[\d\] \d+", notice))


@pytest.mark.parametrize("command", LONG_COMMANDS)
def test_a_message_about_a_job_has_all_lines_of_its_command(remote: InProcess, command: str) -> None:
    """As bash prints it (print_cmd.c), but for empty lines. What the cell itself prints next is no part of it."""
    ran = remote.run(f"{command} &\nwait $!; echo '    mine' >&2; echo done >&2")
    assert ends(ran, remote.run("true")) == f"[1]+  Done                    {LONG_COMMANDS[command]}"
    assert ran.err == "    mine\ndone\n"


@pytest.mark.parametrize("text", ["(", "a\n\nb", "    done\nfi"])
def test_a_message_about_a_job_has_its_here_document(remote: InProcess, text: str) -> None:
    ran = remote.run(f"cat <<X >/dev/null &\n{text}\nX\nwait $!; echo >&2; echo X >&2")
    shown = text.replace("\n\n", "\n")
    assert ends(ran, remote.run("true")) == f"[1]+  Done                    cat <<X > /dev/null\n{shown}\nX"
    assert ran.err == "\nX\n"


def test_a_message_that_comes_between_cells_has_all_lines(remote: InProcess) -> None:
    remote.run("while sleep 50; do date; done & group=$!")
    cells = [remote.run("kill %1"), remote.run("while kill -0 $group; do :; done 2>/dev/null"), remote.run("echo next")]
    assert ends(*cells) == "[1]+  Terminated              while sleep 50; do\n    date;\ndone"
    assert [(ran.out, ran.err) for ran in cells] == [("", ""), ("", ""), ("next\n", "")]


@pytest.mark.parametrize(
    "command", ["fg %1", "fg 1", "fg %sleep\\ 77", "fg %?77", "%1", "bg %1; fg %1 2>/dev/null", "fg %-"]
)
def test_an_interrupt_hits_the_job_in_the_foreground_and_no_other(remote: InProcess, command: str) -> None:
    remote.run("sleep 77 & first=$!; sleep 88 & second=$!")
    ran = remote.run(command, interrupts=[1])
    assert ran.result.interrupted
    assert remote.run("kill -0 $first 2>/dev/null; echo $?; kill -0 $second; echo $?").out == "1\n0\n"
    assert remote.run("compgen -A function").out == "command_not_found_handle\n"


def test_only_the_foreground_asks_the_user(remote: InProcess) -> None:
    ran = remote.run("cat & sleep 0.5; echo over", stdin=True)
    assert (ran.out, ran.control.questions) == ("over\n", [])
    ran = remote.run("sleep 5 & cat; kill %1", lines=["typed\n", ""], stdin=True)
    assert ran.out == "typed\n"


@pytest.mark.parametrize("name", ["vim", "less", "top"])
def test_a_program_that_wants_a_terminal_ends_with_a_word(remote: InProcess, tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/bash\nwhile read -r x; do :; done\nread -r x <&0\n")
    program.chmod(0o755)
    ran = remote.run(f"{program}; echo $?", stdin=True, lines=[None] * 50)
    assert ran.out == "129\n"
    assert f"bash: {name}: a cell is no terminal" in ran.err
    assert ran.control.questions == []


def test_a_question_comes_with_its_prompt_at_lambdas_cpu_quota(remote: InProcess) -> None:
    """A password would be shown, and saved, if the question were asked before `read` has said how."""
    remote.run("true")
    with quota(remote.environment.shells["test"].pid):
        for number in range(20):
            ran = remote.run(f"read -sp 'Password {number}: ' x; echo ${{#x}}", lines=["secret\n"], stdin=True)
            assert ran.out == "6\n"
            assert [(ask.prompt, ask.secret) for ask in ran.control.questions] == [(f"Password {number}: ", True)]


@pytest.mark.timeout(60)
def test_an_interrupt_reaches_the_command_that_bash_is_about_to_start(remote: InProcess, tmp_path: Path) -> None:
    """bash has got it, and neither ends for it nor waits for a job yet. On a slow machine it starts one meanwhile."""
    remote.run("true")

    def go_on(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event.get("signals"):
            (tmp_path / "go").touch()
        return reply

    remote.transport.faults = go_on
    code = f"trap : INT; echo started; until [ -e {tmp_path}/go ]; do :; done; sleep 1000"
    ran = remote.run(code, cue="started")
    assert (ran.out.split(), ran.exit_code, ran.result.interrupted) == (["started"], 130, True)


@pytest.mark.timeout(240)
def test_a_cell_never_ends_well_without_having_run(remote: InProcess, tmp_path: Path) -> None:
    """bash may end at any moment between two cells, or as the next one comes: TMOUT does so, too."""
    log, chance = tmp_path / "log", random.Random(4)
    outcomes = set()
    for number in range(150):
        remote.run("trap 'exit 3' USR1")
        pid = remote.environment.shells["test"].pid
        killer = threading.Timer(chance.uniform(0, 0.004), os.kill, (pid, signal.SIGUSR1))
        killer.start()
        ran = remote.run(f"echo {number} >>{log}; echo ran; read -t 0.003 x </dev/zero")
        killer.join()
        times = log.read_text().split().count(str(number)) if log.exists() else 0
        assert times <= 1
        if ran.exit_code == 0 or ran.out:
            assert (ran.out, times) == ("ran\n", 1)
        outcomes.add((ran.exit_code, ran.result.ended))
    assert len(outcomes) > 1, outcomes


def test_a_debug_trap_sees_one_command_of_the_kernel_and_the_user_is_told(remote: InProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ran = remote.run(f"trap 'echo \"$BASH_COMMAND\" >>{log}' DEBUG")
    assert ran.notices == ["The DEBUG trap also runs once for the command that starts each cell."]
    for _ in range(3):
        assert remote.run("true").notices == []
    commands = log.read_text().splitlines()
    assert commands.count("true") == 3
    assert len(commands) == 6


def test_a_return_trap_does_not_see_the_end_of_a_cell(remote: InProcess) -> None:
    remote.run("trap 'echo R' RETURN")
    assert remote.run("echo x; f() { :; }; f").out == "x\n"
    assert remote.run("set -T; f").out == "R\n"


def test_an_exit_trap_is_heard_when_an_error_ends_the_shell(remote: InProcess) -> None:
    ran = remote.run("set -e; trap 'echo bye' EXIT; echo work; false")
    assert (ran.out, ran.exit_code) == ("work\nbye\n", 1)
    remote.run("trap 'echo bye' EXIT")
    assert remote.run("exit 3").out == "bye\n"


def test_no_path_of_ours_stands_in_the_call_stack(remote: InProcess) -> None:
    remote.run('f() { caller 0; echo "${BASH_SOURCE[@]}|${FUNCNAME[@]}"; }')
    assert remote.run("f").out == "main|f\n"
    remote.run("unset -f f; PS4='+${BASH_SOURCE}:${LINENO}: '; set -x")
    assert remote.run("echo b").err == "+:1: echo b\n"


def test_a_cell_that_runs_is_no_failure_with_few_descriptors(remote: InProcess) -> None:
    remote.run("ulimit -n 16")
    ran = remote.run("true")
    assert (ran.exit_code, ran.err) == (0, "")


def test_a_command_that_is_not_found_without_builtins_is_one_process(remote: InProcess) -> None:
    for text in ("enable -n builtin", "enable -n printf echo return local"):
        ran = remote.run(f"{text}; nosuch; echo $?", seconds=20)
        assert not ran.result.timed_out
        remote.run("exit")


@pytest.mark.parametrize("ifs", ["$'\\1'", "$'\\2'", "$'\\177'", "$' \\t\\n'"])
def test_control_characters_between_fields_harm_nothing(remote: InProcess, ifs: str) -> None:
    remote.run(f"IFS={ifs}; x=1")
    assert remote.run("true | false").exit_code == 1
    assert remote.run("echo next $x").out == "next 1\n"


def test_a_cell_that_bash_cannot_start_is_said_not_to_have_run(remote: InProcess) -> None:
    remote.run("enable -n .")
    ran = remote.run("echo hi")
    assert (ran.out, ran.exit_code, ran.notices) == ("", 1, [replacement.UNSTARTED])
