"""What users of IPython type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import KNOWN, MAGICS
from lambda_kernel.magics.help import about
from lambda_kernel.magics.ipython import HABITS, leaving, question, without_bangs
from tests.magics.conftest import CellRunner


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("%cd /tmp\n%pwd\necho $PWD", "/tmp\n/tmp\n"),
        ("cd /tmp; mkdir -p lk/a; touch lk/b\n", ""),
        ("%ls /etc/hos*s | head -1", "/etc/hosts\n"),
        ("x=/etc/hosts", ""),
        ("%env A_B=$HOME/x\necho $A_B", "/root/x\n"),
        ("%env A_B 'c d' # why\nbash -c 'echo \"$A_B\"'", "c d\n"),
        ("%env A_B=\nbash -c 'echo \"<$A_B>\"'", "<>\n"),
        ("A_B=c\n", ""),
        ("%time echo it", "it\n"),
        ("%%time\necho it\ncat <<E\nit's\nE", "it\nit's\n"),
        ("%%bash\necho it", "it\n"),
        ("%%bash -s 'a b' c\necho \"$1|$2\"", "a b|c\n"),
        ('%%sh\necho "it\'s $0"', "it's sh\n"),
        ("%%script python3 - 'a b'\nimport sys\nprint(sys.argv[1:], 'x' * 3)", "['a b'] xxx\n"),
        ("%%script wc -l\none\n\ntwo\n", "3\n"),
        ("%%python3\nprint('\\\\')", "\\\n"),
        ("!echo it", "it\n"),
        ("! false\n!echo it; [ ! -f x ] && echo that", "it\nthat\n"),
        ("%pwd extra 2>/dev/null; echo that", None),
    ],
)
def test_the_evident_is_done(runner: CellRunner, text: str, out: str | None) -> None:
    runner.run("export HOME=/root")
    ran = runner.run(text)
    assert out is None or ran.out == out
    assert ran.exit_code == 0


def test_they_act_on_the_shell_and_in_their_order(runner: CellRunner, tmp_path: Path) -> None:
    runner.run(f"%cd {tmp_path}\n%report line\n%%writefile f\nx")
    assert (tmp_path / "f").read_text() == "x\n"
    assert runner.run("%%bash\ny=5; cd /").exit_code == 0
    assert runner.run("echo $y $PWD").out == "5 /\n"


def test_a_fresh_process_leaves_the_shell_as_it_was(runner: CellRunner) -> None:
    runner.run("%%sh\nz=1; cd /")
    assert runner.run("%%sh\nexit 3").exit_code == 3
    assert runner.run('echo "<$z>"').out == "<>\n"


def test_what_fails_keeps_the_rest_from_running(runner: CellRunner) -> None:
    ran = runner.run("%cd /nosuch\necho no")
    assert (ran.out, ran.exit_code) == ("", 1)


def test_how_long_it_took_is_told(runner: CellRunner) -> None:
    for text in ("%time true", "%%time\ntrue"):
        assert re.search(r"^real\t", runner.run(text).err, re.MULTILINE)
    assert runner.run("%%time\n(exit 3)").exit_code == 3


def test_file_is_writefile(runner: CellRunner, tmp_path: Path) -> None:
    assert "2 bytes written" in runner.run(f"%%file {tmp_path}/f\nx").out
    assert "2 bytes appended" in runner.run(f"%%file -a {tmp_path}/f\ny").out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%time", "usage: %time COMMAND"),
        ("%%time ls\nls", "%%time: 'ls' is one word too many (commands go on the lines below); usage: %%time"),
        ("%env A=b c", "use `export A="),
        ("%env A=b; rm x", "use `export A="),
        ("%%script\nls", "usage: %%script PROGRAM"),
        ("%%bash --out x\nls", "--out needs IPython"),
        ("%%sh --bg\nls", "--bg needs IPython"),
        ("%%cd /tmp", "use %cd"),
        ("%bash", "use %%bash"),
        ("%timeit ls", "did you mean %time COMMAND"),
    ],
)
def test_what_cannot_be_is_a_sentence(runner: CellRunner, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        runner.run(text)
    assert "run" not in runner.sent


def test_an_empty_cell_runs_nothing(runner: CellRunner) -> None:
    for text in ("%%bash", "%%sh\n", "%%time\n\n", "%%script cat\n"):
        runner.run(text)
    assert runner.sent == []


@pytest.mark.parametrize("text", ["%top?", "?%top", "%top??", "# how\n\n%top? "])
def test_a_question_about_a_magic(runner: CellRunner, text: str) -> None:
    assert runner.run(text).out == about(MAGICS["top"])
    assert runner.sent == []


def test_a_question_about_a_command(runner: CellRunner) -> None:
    ran = runner.run("true?")
    assert ran.out.startswith("true: true\n")
    assert "--help" in ran.notices[-1]
    runner.run("greet() { echo hello; }")
    assert "echo hello" in runner.run("?greet").out
    assert "/env" in runner.run("env?").out
    assert runner.run("nosuchcommand?").err == "bash: type: nosuchcommand: not found\n"


@pytest.mark.parametrize("text", ["ls ?", "echo x\nls?", "ls a?", "?", "%?", "%sleep?", "?x?", "ls???", "./a?", "!ls?"])
def test_what_is_no_question(text: str) -> None:
    assert question(text, KNOWN) is None


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("!ls", "ls"),
        ("a\n  !./x\n!~/y", "a\n  ./x\n~/y"),
        ("if x; then\n\t!ls\nfi", "if x; then\n\tls\nfi"),
        *(
            (text, text)
            for text in ("! ls", "!!", "!5", "!$", "!(a|b)", "a; !ls", "'\n!ls'", "cat <<E\n!ls\nE", "[ !x ]")
        ),
    ],
)
def test_bangs(text: str, made: str) -> None:
    assert without_bangs(text) == made


@pytest.mark.parametrize("text", ["quit now", "logout 3", "echo quit", "quit\nls", "exit"])
def test_other_ends_stay(text: str) -> None:
    assert leaving(text) == text


@pytest.mark.parametrize("text", ["quit", " quit ;", "logout # bye", "exit"])
def test_in_a_notebook_they_mean_a_new_shell(runner: CellRunner, text: str) -> None:
    runner.run("kept=no")
    ran = runner.run(text)
    assert (ran.err, ran.exit_code) == ("", 0)
    assert runner.run('echo "<$kept>"').out == "<>\n"


def test_a_command_named_quit_is_run(runner: CellRunner) -> None:
    runner.run("quit() { echo mine; }")
    assert runner.run("quit").out == "mine\n"


def test_names_do_not_clash() -> None:
    assert not MAGICS.keys() & HABITS.keys()
    assert len({magic.called for magic in KNOWN.values()}) == len(KNOWN)
