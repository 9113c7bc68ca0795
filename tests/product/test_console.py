"""`jupyter console` on the kernel as it is installed, on a pseudo-terminal, used as a person would."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.function.sent.diagnosis import READ_CALL, SELECT_CALL
from tests.support.installed_kernel import left_over, surroundings
from tests.support.waiting import wait_until

pytest.importorskip("jupyter_console")
pexpect = pytest.importorskip("pexpect")

from tests.support.console import ENTER, MORE, UP, Console, console  # noqa: E402 - it needs both

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(120),
    # Python 3.12 warns of a fork beside threads; here the child does nothing but exec.
    pytest.mark.filterwarnings("ignore:.*use of forkpty:DeprecationWarning"),
]
REPORT = re.compile(r"^[\d.]+ m?s · billed [\d.]+ m?s · \d+ of 128 MB .*local$", re.MULTILINE)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return surroundings(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with console(surroundings(tmp_path_factory.mktemp("console"))) as made:
        made.run("true")
        yield made


@pytest.fixture
def shell(shared: Console) -> Console:
    """At an empty prompt, whatever the test before has left there."""
    shared.terminal.sendintr()
    return shared


def test_the_banner_says_where_cells_run(shared: Console) -> None:
    assert "AWS Lambda shell" in shared.banner
    assert "Cells run on the local emulator" in shared.banner
    assert "Traceback" not in shared.banner
    assert "Warning" not in shared.banner


def test_the_banner_says_how_to_leave(shared: Console) -> None:
    assert "Ctrl-D or `exit` leaves a console." in shared.banner
    assert "%help" in shared.banner
    _, ours, lines = shared.banner.partition("AWS Lambda shell")
    assert ours
    assert lines.strip().count("\n") == 2


def test_a_command_its_errors_and_its_report(shell: Console) -> None:
    out = shell.run("echo a$((40 + 2)); echo oops >&2")
    assert "a42\n" in out
    assert "oops\n" in out
    assert REPORT.search(out)
    assert out.count("\n") == 3


def test_a_failing_command_is_told_and_the_next_one_runs(shell: Console) -> None:
    out = shell.run("(exit 3)")
    assert out.startswith("exit code 3\n")
    assert REPORT.search(out)
    assert shell.run("echo $?").startswith("3\n")


def test_an_unfinished_line_is_not_continued_by_the_report(shell: Console) -> None:
    assert re.match(r"unfinished\n[\d.]+ ms · ", shell.run("printf unfinished"))
    assert re.match(r"unfinished\nexit code 1\n[\d.]+ ms · ", shell.run("printf unfinished; false"))


def test_a_notice_has_a_line_of_its_own(shell: Console) -> None:
    shell.run("(until [ -e /tmp/go ]; do sleep 0.05; done; echo from a job) &")
    number = shell.number - 1
    out = shell.run("printf mine; sleep 0.2; touch /tmp/go; wait; rm /tmp/go; printf last")
    assert f"mine\n[a background job of cell {number}]\nfrom a job\n" in out
    assert "\n[this cell]\n" in out
    assert re.search(r"\nlast\n(?:\[1\]\+  Done [^·]*\n)?[\d.]+ ms · ", out)


def test_colours_and_carriage_returns_reach_the_terminal(shell: Console) -> None:
    shell.run(r"printf '\033[1;35mred\033[0m 10%%\r20%%\r\033[K99%%\n'")
    assert "\x1b[1;35mred\x1b[0m 10%\r20%\r\x1b[K99%" in shell.terminal.raw.getvalue()


def test_a_loop_is_typed_over_several_lines_and_runs_once(shell: Console) -> None:
    shell.type("for i in 1 2", ENTER)
    shell.see(MORE)
    shell.type("do echo turn$i", ENTER)
    shell.see(MORE)
    assert re.findall(r"turn\d", shell.run("done").rpartition("done")[2]) == ["turn1", "turn2"]


def test_a_here_document_goes_on_to_its_end(shell: Console) -> None:
    shell.type("tr a-z A-Z <<END", ENTER)
    shell.see(MORE)
    shell.type("words", ENTER)
    shell.see(MORE)
    assert "WORDS\n" in shell.run("END")


def test_what_is_pasted_is_one_cell(shell: Console) -> None:
    number = shell.number
    out = shell.run("\x1b[200~echo first$((1))\ncd /tmp\npwd\x1b[201~")
    assert "first1\n/tmp\n" in out
    assert shell.number == number + 1


def test_a_cell_magic_takes_lines_up_to_an_empty_one(shell: Console) -> None:
    shell.type("%%watch -n 0.1 -c 2", ENTER)
    shell.see(MORE)
    shell.type("echo tick$((1 + 1))", ENTER)
    shell.see(MORE)
    assert "tick2" in shell.run("")


@pytest.mark.parametrize(
    ("prepared", "typed", "rest", "out"),
    [
        ("lonely_function() { echo in a function; }", "lonely_f", "unction", "in a function\n"),
        ("lonely_variable='a value'", "echo $lonely_v", "ariable", "a value\n"),
        ("cd /tmp; echo in a file >'lonely file'", "cat lonely\\ f", "ile", "in a file\n"),
        ("true", "%stat", "us", "the local emulator"),
    ],
    ids=["function", "variable", "file", "magic"],
)
def test_tab_completes(shell: Console, prepared: str, typed: str, rest: str, out: str) -> None:
    """Only the rest is seen where the screen showed already what was typed."""
    shell.run(prepared)
    shell.type(typed)
    shell.complete(rest)
    assert out in shell.run("")


def test_tab_shows_a_choice(shell: Console) -> None:
    shell.run("choice_one=1 choice_two=2")
    shell.type("echo $choice_")
    shell.complete("choice_one")
    shell.see("choice_two")


def test_ctrl_c_stops_a_command_and_the_shell_stays(shell: Console) -> None:
    shell.run("kept=yes")
    shell.type("echo st''arted; sleep 300; echo ne''ver", ENTER)
    shell.see("started\r\n")
    shell.terminal.sendintr()
    out = shell.output()
    assert "Interrupted" in out
    assert "\r\x1b[K\x1b[31mInterrupted" in shell.terminal.raw.getvalue()  # in place of the terminal's ^C
    assert "never" not in out
    assert shell.run("echo $kept").startswith("yes\n")


def test_ctrl_c_twice_stops_that_command_and_no_other(shell: Console) -> None:
    shell.type("echo st''arted; sleep 300; echo ne''ver", ENTER)
    shell.see("started\r\n")
    shell.terminal.sendintr()
    shell.terminal.sendintr()
    out = shell.output()
    assert "Interrupted" in out
    assert "never" not in out
    assert "next\n" in shell.run("echo next")


def test_ctrl_c_at_the_prompt_drops_what_was_typed(shell: Console) -> None:
    for _ in range(3):
        shell.terminal.sendintr()
    shell.type("echo dropped")
    shell.see("dropped")
    shell.terminal.sendintr()
    assert shell.run("echo taken").startswith("taken\n")


def test_ctrl_c_in_a_loop_that_is_typed_leaves_it(shell: Console) -> None:
    shell.type("while true; do", ENTER)
    shell.see(MORE)
    shell.terminal.sendintr()
    assert shell.run("echo out").startswith("out\n")


def test_arrow_up_gives_the_last_command(shell: Console) -> None:
    shell.run("count=$((count + 1)); echo count$count")
    shell.type(UP)
    shell.see("echo count")
    assert "count2\n" in shell.run("")


def test_a_command_asks(shell: Console) -> None:
    shell.type("read -p 'Your name? ' x; echo \"<$x>\"", ENTER)
    shell.see("\nYour name\\? ")
    shell.type("Bo Peep", ENTER)
    # A busy prompt_toolkit may move the cursor to the beginning of the line once more.
    assert shell.see(r"<Bo Peep>").replace("\r", "") == "Bo Peep\n"
    shell.output()


def test_a_program_asks_in_its_own_words(shell: Console) -> None:
    shell.type('python3 -c \'print(input("How " + "many? ") * 2)\'', ENTER)
    shell.see("How many\\? ")
    shell.type("42", ENTER)
    assert shell.output().startswith("42\n4242\n")


def test_what_is_asked_for_in_secret_is_not_shown(shell: Console) -> None:
    shell.type("read -sp 'Password: ' x; echo ${#x}", ENTER)
    shell.see("\nPassword: ")
    shell.type("opensesame", ENTER)
    assert "10\n" in shell.output()
    assert "opensesame" not in shell.terminal.raw.getvalue()


def test_ctrl_d_ends_the_input_and_not_the_console(shell: Console) -> None:
    shell.type("echo ask''ing; wc -l", ENTER)
    shell.see("asking\r\n")
    shell.type("one", ENTER)
    shell.see("one\r\n")
    shell.type("\x04")
    assert "1\n" in shell.output()


def waits_for_a_key(pid: int) -> bool:
    """What Ctrl-C does before that, but after the prompt, comes with the next key (Python's readline.c, its select)."""
    return Path(f"/proc/{pid}/syscall").read_text().split()[0] in (READ_CALL, SELECT_CALL)


def test_ctrl_c_while_a_command_asks(shell: Console) -> None:
    shell.type("read -p 'Really? ' x; echo ne''ver", ENTER)
    shell.see("\nReally\\? ")
    wait_until(lambda: waits_for_a_key(shell.terminal.pid))
    shell.terminal.sendintr()
    assert "never" not in shell.output()
    assert "next\n" in shell.run("echo next")


def test_magics_are_text_to_read(shell: Console) -> None:
    assert re.search(r"^  %status  +\w", shell.run("%help"), re.MULTILINE)
    assert re.search(r"^%status.*\n    \w", shell.run("%status --help"), re.MULTILINE)
    assert re.search(r"^target +the local emulator$", shell.run("%status"), re.MULTILINE)
    assert "<" not in shell.run("%environment")
    assert "did you mean %status" in shell.run("%statsu")


@pytest.fixture
def narrow(shell: Console) -> Iterator[Console]:
    shell.terminal.setwinsize(30, 60)
    yield shell
    shell.terminal.setwinsize(30, 120)


def test_a_narrow_terminal_breaks_no_word_and_no_line_is_too_long(narrow: Console) -> None:
    lines = narrow.run("%environment").splitlines()
    assert max(map(len, lines)) <= 60
    assert re.search(r"^  OS +\w.*\n {10,}", "\n".join(lines), re.MULTILINE)
    assert max(map(len, narrow.run("%help").splitlines())) <= 60
    narrow.run("%report full")
    assert max(map(len, narrow.run("true").splitlines())) <= 60
    narrow.run("%report line")


def test_the_report_is_dim(shell: Console) -> None:
    before = len(shell.terminal.raw.getvalue())
    shell.run("true")
    assert re.search(r"\x1b\[2m[\d.]+ ms · .*local\x1b\[0m", shell.terminal.raw.getvalue()[before:])


def test_top_is_drawn_over_itself_and_leaves_a_prompt(shell: Console) -> None:
    before = len(shell.terminal.raw.getvalue())
    shell.run("%top -d 0.2 -n 2")
    assert shell.terminal.raw.getvalue()[before:].count("\x1b[H\x1b[?7l") == 2
    assert "next\n" in shell.run("echo next")


def test_arrow_up_brings_back_what_an_earlier_console_ran(environ: dict[str, str]) -> None:
    with console(environ) as first:
        first.run("echo from console $((40 + 2))")
        assert first.leave() == 0
    with console(environ) as second:
        second.type(UP)
        second.see("from console")
        assert "from console 42\n" in second.run("")


@pytest.mark.parametrize("word", ["exit", "exit 3", "logout", "quit;"])
def test_words_that_leave_a_shell_leave_the_console(word: str, environ: dict[str, str]) -> None:
    with console(environ) as left:
        left.run("true")
        left.type(word, ENTER)
        left.see(pexpect.EOF)
        left.terminal.wait()
        assert left.terminal.exitstatus == 0


def test_they_leave_it_only_alone(shell: Console) -> None:
    assert "before\n" in shell.run("echo before; exit")
    assert "after\n" in shell.run("echo after")


def test_clear_clears_the_screen(shell: Console) -> None:
    before = len(shell.terminal.raw.getvalue())
    shell.run("echo above; clear; echo below")
    assert "\x1b[H\x1b[2J" in shell.terminal.raw.getvalue()[before:]


def test_a_magic_below_commands_and_history_are_told(shell: Console) -> None:
    assert "put magics at the head" in shell.run("true; %status")
    assert "`%history` lists" in shell.run("history")


@pytest.mark.parametrize("way", ["Ctrl-D", "the window is closed"])
def test_with_the_console_goes_its_kernel_and_all_it_ran(way: str, environ: dict[str, str]) -> None:
    mark = f"CONSOLE_OF_A_TEST={uuid.uuid4().hex}"
    name, _, value = mark.partition("=")
    with console({**environ, name: value}) as ended:
        out = ended.hears().run("sleep 500 & echo shell $LAMBDA_KERNEL_SHELL")
        shell = re.search(r"shell (\w+)", out)
        assert shell, out
        assert left_over(mark)
        assert left_over(f"LAMBDA_KERNEL_SHELL={shell[1]}")
        if way == "Ctrl-D":
            assert ended.leave() == 0
        else:
            ended.terminal.close(force=False)
        wait_until(lambda: left_over(mark) == left_over(f"LAMBDA_KERNEL_SHELL={shell[1]}") == [], 20)
