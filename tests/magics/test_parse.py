"""How a cell's head is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import KNOWN, parse
from tests.magics.conftest import CellRunner


def test_line_magics_then_shell_text(runner: CellRunner) -> None:
    assert runner.run("%report off\n  %redact on\r\n\necho body").out.endswith("body\n")
    assert runner.workspace.settings.report == "off"
    assert runner.run("\n# why\n\n%report full\n# a comment\n").out == "Report: full\n"


@pytest.mark.parametrize("text", ["%1", "%%", "%?sleep", "%+", "%-", "echo %help", " # %help", "%"])
def test_what_is_bashs(text: str) -> None:
    assert parse(text, KNOWN).body == text


def test_only_the_head_is_ours() -> None:
    assert parse("echo a\n%help", KNOWN).lines == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%rest", "did you mean %reset"),
        ("%xyzzy", "%help lists them"),
        ("%output f", "%output does not exist: use %%output FILE"),
        ("%%reset", "%%reset does not exist: use %reset"),
        ("%timeout 'x", "quotation"),
        ("%help\n%nope\ntrue", "no magic %nope"),
    ],
)
def test_an_error_in_the_head_comes_before_anything_runs(runner: CellRunner, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        runner.run(text + "\necho no")
    assert runner.sent == []


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    try:
        head = parse(text, KNOWN)
    except UsageError:
        return
    assert text.endswith(head.body)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo x\n%status", "%status in line 2: put magics at the head"),
        ("%report line\n# why\n\necho x\n%status", "%status in line 5"),
        ("for i in 1 2; do\n  %top -n 1\ndone", "%top in line 2"),
        ("true && %reset", "%reset in line 1"),
        ("echo x\n%%output f\nls", "%%output in line 2: it takes all lines below it"),
        ("%%output f\nls\n%status", "%status in line 3: put it above %%output, which takes all lines below it"),
        (
            "%%fleet 2\n%%output f\nls",
            "%%output in line 2: a cell can have one such magic, and %%fleet takes all lines below it",
        ),
        ("%%watch\nls\n%status", "%status in line 3"),
        ("echo x\n%%bash\nls", "%%bash in line 2: it takes"),
        ("ls\n%cd /tmp", "the bash command is `cd /tmp`"),
        ("ls\n%time ls -l", "the bash command is `time ls -l`"),
    ],
)
def test_a_magic_below_commands_is_told_before_anything_runs(runner: CellRunner, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as told:
        runner.run(text)
    assert str(told.value).endswith("Nothing was run.")
    assert runner.sent == []


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("cat <<E\n%status\nE", "%status\n"),
        ("echo '\n%status'", "\n%status\n"),
        ("echo x # \\\n# %status", "x\n"),
        ("sleep 300 &\nkill %1; wait %1; echo $?", "143\n"),
        ("%%writefile /dev/stdout\nx\n%status", "\\d+ bytes .*\n"),
    ],
)
def test_what_only_looks_like_a_magic_runs(runner: CellRunner, text: str, out: str) -> None:
    assert re.fullmatch(out, runner.run(text).out)


def test_a_job_of_that_name_is_bashs(runner: CellRunner) -> None:
    """Whether it still lives is for bash to say."""
    assert runner.run("top() { sleep 1; }; top &\necho x\n%top").out.startswith("x\n")
    runner.run("status() { sleep 1; }; status &")
    assert runner.run("echo x\n%status").out.startswith("x\n")
    with pytest.raises(UsageError, match="%limit in line 2"):
        runner.run("echo x\n%limit")


def test_a_job_that_no_magic_is_called_as(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="no magic %slowly"):
        runner.run("%slowly")
    runner.run("slowly() { sleep 1; }; slowly &")
    ran = runner.run("%slowly")
    assert ran.out == "slowly\n" or "no such job" in ran.err


def test_a_job_that_a_file_has_started_is_known_from_the_shell(runner: CellRunner, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("top() { sleep 300; }\ntop &\n")
    runner.run(f". {tmp_path}/jobs")
    assert "no such job" not in runner.run("kill %1; true\n%top >/dev/null; true").err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("10k 50  # small", ["10k", "50"]),
        ("10k;", ["10k"]),
        ("10k ; # small", ["10k"]),
        ("'a # b' \"; c\" d\\;e f#g", ["a # b", "; c", "d;e", "f#g"]),
        ("# small", []),
        (";", []),
    ],
)
def test_a_line_has_words_and_a_comment(line: str, words: list[str]) -> None:
    head = parse(f"%%bash {line}\necho", KNOWN)
    assert head.cell
    assert head.cell.options.words == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%status; echo hi", "%status: a magic needs a line of its own: put what follows `;`"),
        ("%status && echo hi", "put what follows `&&`"),
        ("%status&", "put what follows `&`"),
        ("%history | grep x", "cannot be piped or redirected"),
        ("%history>f", "cannot be piped or redirected"),
        ("%%output f; echo\nls", "%%output: a magic needs a line"),
    ],
)
def test_a_magic_is_no_command(runner: CellRunner, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        runner.run(text)
    assert runner.sent == []


def test_a_semicolon_alone_ends_a_magic(runner: CellRunner) -> None:
    assert runner.run("%reset;").out == "This is a new shell.\n"


@pytest.mark.parametrize("text", ["%nosuch; echo hi", "%nosuch|x", "%status)", "%status\\", "%a.b"])
def test_what_may_be_a_job_goes_to_bash(text: str) -> None:
    assert parse(text, KNOWN).body == text


def test_lines_may_end_as_those_of_windows(runner: CellRunner) -> None:
    code = "%report line\r\nif true; then\r\n  cat <<E\r\nin\r\nE\r\nfi\r\necho 'a\r\nb'\r\n"
    assert runner.run(code).out == "Report: line\nin\na\nb\n"
    assert runner.run("printf 'a\\r\\n'; echo b\rc").out == "a\r\nb\rc\n"
