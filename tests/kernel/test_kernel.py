"""A real kernel process on the real local emulator, as a front end sees it."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.function import index
from lambda_kernel.output.pages import QUIET
from tests.support.kernel_client import Notebook, notebook
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(120),
]

KEYS = {
    "function",
    "region",
    "environment_id",
    "request_ids",
    "invocations",
    "duration_ms",
    "billed_duration_ms",
    "init_duration_ms",
    "memory_size_mb",
    "max_memory_used_mb",
    "wall_ms",
    "exit_code",
    "cost_usd",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Notebook]:
    with notebook() as made:
        yield made


@pytest.fixture
def book(shared: Notebook) -> Notebook:
    """The shared kernel with a clean shell and the settings that it starts with."""
    shared.run("%report line\n%timeout none\n%limit 1M 10000\n%redact on\n%exit-status error\n%reset")
    return shared


def test_the_articles_commands(book: Notebook) -> None:
    assert re.search(r"total +used +free", book.run("free").out)
    assert "Filesystem" in book.run("df").out
    assert "NAME=" in book.run("cat /etc/*-release").out


def test_a_cell_and_its_report(book: Notebook) -> None:
    shown = book.run("echo hello; echo oops >&2")
    assert (shown.out, shown.err, shown.error) == ("hello\n", "oops\n", None)
    assert re.fullmatch(r"[\d.]+ ms · billed \d+ ms · \d+ of 128 MB · local", shown.report)
    figures = shown.figures
    assert set(figures) >= KEYS
    assert (figures["function"], figures["region"], figures["exit_code"]) == ("shell", "local", 0)
    assert (figures["invocations"], figures["init_duration_ms"]) == (1, None)
    assert 0 < figures["duration_ms"] <= figures["billed_duration_ms"] <= figures["duration_ms"] + 1
    assert figures["memory_size_mb"] == 128
    assert len(figures["request_ids"]) == 1
    assert shown.reply["metadata"]["lambda"] == figures
    [display] = shown.contents("display_data")
    assert display["data"]["text/html"].startswith(QUIET.partition("{}")[0])


def test_state_is_kept_between_cells(book: Notebook) -> None:
    book.run("cd /tmp; x=5")
    assert book.run("pwd; echo $x").out == "/tmp\n5\n"


def test_output_comes_while_the_command_runs(book: Notebook) -> None:
    shown = book.run("for i in 1 2 3; do echo $i $(date +%s.%N); sleep 1; done")
    texts = [(m["content"]["text"], m["header"]["date"]) for m in shown.messages if m["msg_type"] == "stream"]
    assert [text.split()[0] for text, _ in texts] == ["1", "2", "3"]
    # Each was shown before the next one was printed.
    for (_, date), (following, _) in itertools.pairwise(texts):
        assert date.timestamp() < float(following.split()[1])


def test_a_failing_command_fails_the_cell(book: Notebook) -> None:
    shown = book.run("echo why >&2; (exit 3)")
    assert shown.err == "why\n"
    assert shown.error == ("ExitCode", "3")
    assert shown.reply["content"]["status"] == "error"
    assert shown.reply["content"]["execution_count"] > 0
    assert shown.contents("error")[0]["traceback"] == ["exit code 3"]
    assert "exit code" not in shown.report  # once is enough
    assert shown.figures["exit_code"] == 3
    kinds = [message["msg_type"] for message in shown.messages]
    assert kinds.index("stream") < kinds.index("error") < kinds.index("display_data")


def test_run_all_stops_at_a_failing_cell(book: Notebook) -> None:
    # The first cell lasts until the others have been sent, however busy the machine is.
    requests = [book.client.execute(code) for code in ("sleep 1", "false", "echo not reached")]
    replies = [book.client.get_shell_msg(timeout=30) for _ in requests]
    assert [reply["content"]["status"] for reply in replies] == ["ok", "error", "aborted"]


def test_exit_status_ignore(book: Notebook) -> None:
    book.run("%exit-status ignore")
    shown = book.run("false")
    assert (shown.error, shown.reply["content"]["status"]) == (None, "ok")
    assert "exit code 1" in shown.report
    assert book.run("echo $?").out == "1\n"


@pytest.mark.parametrize("code", ["sleep 30", "while true; do sleep 1; done", "while true; do echo x; done"])
def test_an_interrupt_is_back_at_once_and_keeps_the_state(book: Notebook, code: str) -> None:
    book.run("state=kept")
    request = book.start(f"echo started; {code}")
    shown = book.collect(request, interrupt_at="stream")
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.contents("error")[0]["traceback"] == ["Interrupted"]
    assert "exit code" not in shown.report
    assert shown.reply["content"]["status"] == "error"
    assert book.run("echo $state").out == "kept\n"


def test_interrupts_again_and_again_and_when_idle(book: Notebook) -> None:
    for _ in range(3):
        book.interrupt()
        shown = book.collect(book.start("echo started; sleep 30"), interrupt_at="stream")
        assert shown.error == ("KeyboardInterrupt", "")
    assert book.run("echo alive").out == "alive\n"


def test_a_background_job_is_frozen_between_cells(book: Notebook) -> None:
    book.run("(while :; do echo >>/tmp/ticks; sleep 0.02; done) &")
    count = "wc -l </tmp/ticks"
    first = int(book.run(f"sleep 0.3; {count}").out)
    time.sleep(1)  # nothing is waited for: this is the time in which a thawed job would tick fifty times
    second = int(book.run(count).out)
    assert first > 3
    assert second - first < 25
    book.run("kill %1")


@pytest.mark.parametrize("to", ["", " >&2"])
@pytest.mark.parametrize(
    ("before", "cell"),
    [
        ("true", 'STOP; printf "mine-$letter"; echo from a job{} & wait; echo last; CONT'),
        (
            "(until [ -e /tmp/go ]; do sleep 0.01; done; echo from a job{}) &",
            'printf "mine-$letter"; sleep 0.1; STOP; touch /tmp/go; wait; echo last; CONT',
        ),
    ],
)
def test_what_a_job_prints_breaks_no_word(book: Notebook, before: str, cell: str, to: str) -> None:
    """The last letter may begin a credential, so it is held back. The function is stopped, as a busy machine stops it,
    and finds all the rest at once."""
    letter = book.run("rm -f /tmp/go; letter=${AWS_SECRET_ACCESS_KEY:0:1}; echo $letter").out.strip()
    book.run(before.format(to))
    shown = book.run(cell.format(to).replace("STOP", "kill -STOP $PPID").replace("CONT", "kill -CONT $PPID"))
    text = "".join(content["text"] for content in shown.contents("stream"))
    assert f"mine-{letter}" in text
    assert "from a job" in text
    assert text.count("last") == 1


@pytest.mark.parametrize(
    "code", ["exit 3", "exec true", "kill -9 $$", "set -e; false", "exec 1>&-; echo x", "if then", "\x00\x07\x1b[31m"]
)
def test_the_kernel_outlives_every_cell(book: Notebook, code: str) -> None:
    book.run(code)
    assert book.run("echo next").out == "next\n"


def test_a_shell_that_has_ended_is_told(book: Notebook) -> None:
    shown = book.run("exit 3")
    assert shown.error == ("ExitCode", "3")
    assert "The shell ended" in shown.noticed
    assert book.run("true").noticed == ""
    assert book.run("enable -n printf").error == ("ShellEnded", "the shell ended before it reported the exit code")
    assert "This is a new shell" in book.run("true").noticed


def test_reading_input_gets_its_end_and_a_hint(book: Notebook) -> None:
    shown = book.run("cat; read x; echo done")
    assert shown.out == "done\n"
    assert "there is no input" in shown.noticed


def test_credentials_are_redacted(book: Notebook) -> None:
    shown = book.run("env | grep -E '^AWS_(SE|LAMBDA_R)'")
    assert "AWS_SECRET_ACCESS_KEY=[AWS_SECRET_ACCESS_KEY redacted]" in shown.out
    assert re.search(r"^AWS_LAMBDA_RUNTIME_API=[0-9.:]+/\[secret path redacted\]$", shown.out, re.M)
    book.run("%redact off")
    assert "redacted" not in book.run("env | grep ^AWS_SE").out


def test_a_memory_hog_kills_the_environment_and_the_cell_says_so(book: Notebook) -> None:
    hog = "echo before; python3 -c 'x = bytearray(10**9); import time; time.sleep(20)'"
    for _ in range(4):  # the end may come between two invocations: then Lambda starts the runtime again without a word
        shown = book.run(hog, timeout=60)
        assert shown.out in ("before\n", "")
        assert shown.error is not None
        name, message = shown.error
        assert name == "CommandLost"
        if "memory of 128 MB" in message:
            break
    assert "memory of 128 MB" in message
    after = book.run("echo after")
    assert after.out == "after\n"
    assert "files in /tmp are kept" in after.noticed


def test_a_fork_bomb_kills_the_environment_at_most(book: Notebook) -> None:
    # bash would try for 15 seconds to start one more than the limit.
    bomb = "import os, time; [os.fork() or (time.sleep(50), os._exit(0)) for _ in range(1200)]"
    shown = book.run(f"python3 -c '{bomb}'", timeout=60)
    assert shown.error is not None
    assert book.run("echo after", timeout=60).out == "after\n"


def test_output_beyond_the_bound(book: Notebook) -> None:
    shown = book.run("seq 100000")
    assert shown.out.startswith("1\n2\n")
    assert shown.out.endswith("99999\n100000\n")
    assert "90,000 lines" in shown.noticed
    assert shown.out.count("\n") < 10_010


def test_a_terminals_escapes_nul_bytes_and_invalid_text(book: Notebook) -> None:
    assert book.run(r"printf 'a\0b\033[31mred\033[0m\377\n'").out == "a\0b\x1b[31mred\x1b[0m\ufffd\n"


def test_a_character_cut_in_two_is_shown_whole(book: Notebook) -> None:
    assert book.run(r"printf '\342\230'; sleep 0.4; printf '\203\n'").out == "☃\n"


def test_ten_megabytes_without_a_newline(book: Notebook) -> None:
    book.run("%limit none")
    shown = book.run("head -c 10000000 /dev/zero | tr '\\0' x", timeout=60)
    assert len(shown.out) == 10_000_000


def test_a_silent_request_shows_nothing(book: Notebook) -> None:
    shown = book.run("echo hidden", silent=True)
    assert [message["msg_type"] for message in shown.messages] == ["status", "status"]
    assert shown.reply["content"]["status"] == "ok"


def test_an_empty_cell_invokes_nothing(book: Notebook) -> None:
    assert book.run("  \n\t").contents("display_data") == []


def test_a_function_that_is_not_there(book: Notebook) -> None:
    shown = book.run("%use shell --region local --endpoint-url http://127.0.0.1:1\ntrue")
    assert shown.error is not None
    assert "cannot reach" in shown.error[1]
    assert book.run("%use local\necho back").out.endswith("back\n")


def test_emulators_of_two_sizes_are_compared(book: Notebook) -> None:
    shown = book.run("%%compare local:128 local:256 --runs 2 --warmup 0\necho $AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    assert shown.error is None
    [table] = shown.displays  # no report line: it ran on two functions
    rows = table["metadata"]["lambda_runs"]
    assert [(row["target"], row["memory_size_mb"]) for row in rows] == [("local:128", 128), ("local:256", 256)] * 2
    assert "-128\n+256\n" in shown.out
    assert "lambda" not in shown.reply["metadata"]


def test_a_restarted_kernel_is_the_same_tenant_with_a_clean_shell(book: Notebook) -> None:
    with notebook() as other:
        before = other.run("x=1; echo $LAMBDA_TENANT_ID").out
        for _ in range(5):
            other.run("%reset")
        other.run("x=1")
        other.manager.restart_kernel()
        other.client.wait_for_ready(timeout=30)
        assert other.run("echo $LAMBDA_TENANT_ID${x-}").out == before
    assert book.run("echo $LAMBDA_TENANT_ID").out != before


def test_a_killed_kernel_leaves_no_process() -> None:
    with notebook() as doomed:
        mark = doomed.run("sleep 600 & setsid sleep 600 & echo $LAMBDA_KERNEL_SHELL").out.strip()
        assert any(mark in index.peek(f"/proc/{p.pid}/environ") for p in index.processes())
        doomed.client.stop_channels()
        doomed.manager.signal_kernel(9)
        wait_until(lambda: not any(mark in index.peek(f"/proc/{p.pid}/environ") for p in index.processes()), 20)


def test_the_environment_names_the_function() -> None:
    with notebook("--LambdaKernel.function=bad name") as wrong:
        shown = wrong.run("echo no")
        assert shown.error is not None
        assert "not the name of a function" in shown.error[1]
        assert wrong.run("%use local\necho yes").out.endswith("yes\n")


class TestMagics:
    def test_help_lists_them_all(self, book: Notebook) -> None:
        text = book.run("%help").out
        for name in ["help", "status", "use", "reset", "timeout", "limit", "report", "exit-status", "redact"]:
            assert f"%{name}" in text
        assert "%%output " in text
        assert "%%output FILE" in book.run("%%output --help").out

    def test_an_unknown_one_sends_nothing(self, book: Notebook) -> None:
        shown = book.run("%rest\necho no")
        assert shown.error is not None
        assert shown.error[0] == "UsageError"
        assert "%reset" in shown.error[1]
        assert shown.contents("display_data") == []

    def test_jobs_specs_are_bashs(self, book: Notebook) -> None:
        book.run("sleep 100 &")  # a short one may be over before the shell is asked
        assert "sleep" in book.collect(book.start("%1"), interrupt_at="stream").out

    def test_reset(self, book: Notebook) -> None:
        book.run("x=1; touch /tmp/file")
        assert "new shell" in book.run("%reset").out
        assert book.run("echo ${x-gone}; ls /tmp/file").out == "gone\n/tmp/file\n"

    def test_reset_cold_is_a_new_environment(self, book: Notebook) -> None:
        before = book.run("touch /tmp/file").figures["environment_id"]
        shown = book.run("%reset --cold")
        assert "cold start" in shown.report
        after = book.run("ls /tmp/file")
        assert after.error == ("ExitCode", "2")
        assert after.figures["environment_id"] != before
        assert not after.contents("stream")[0]["text"].startswith("[")

    def test_timeout(self, book: Notebook) -> None:
        shown = book.run("%timeout 0.5\nbash -c 'trap \"exit 3\" INT; sleep 30 & wait'")
        assert shown.figures["exit_code"] in (3, 130)
        assert shown.error == ("CellTimeout", "interrupted after 0.5 s, the limit of %timeout")
        assert "exit code" not in shown.report
        assert book.run("%timeout none\nsleep 0.6; echo slept").out.endswith("slept\n")

    def test_status(self, book: Notebook) -> None:
        book.run("cd /tmp")
        text = book.run("%status").out
        assert "local emulator" in text
        assert re.search(r"directory +/tmp\n", text)

    def test_report(self, book: Notebook) -> None:
        assert book.run("%report off\ntrue").contents("display_data") == []
        assert book.run("true").reply["metadata"]["lambda"]["exit_code"] == 0
        assert "environment" in book.run("%report full\ntrue").report

    def test_output_goes_whole_into_a_file(self, book: Notebook, tmp_path: Path) -> None:
        shown = book.run(f"%%output {tmp_path}/all.txt\nseq 200000; echo seen >&2")
        assert (tmp_path / "all.txt").read_text() == "".join(f"{n}\n" for n in range(1, 200_001))
        assert shown.out == ""
        assert "seen\n" in shown.err
        assert "bytes were written" in shown.noticed

    def test_output_into_a_place_that_cannot_be(self, book: Notebook) -> None:
        shown = book.run("%%output /nowhere/x\necho no")
        assert shown.error is not None
        assert "cannot write /nowhere/x" in shown.error[1]


@pytest.fixture
def in_ascii(book: Notebook) -> Iterator[Notebook]:
    """What it sends is in ASCII, as JavaScript does it."""
    session = book.client.session
    assert session is not None
    usual, session.pack = session.pack, lambda content: json.dumps(content, default=str).encode()
    yield book
    session.pack = usual


@pytest.mark.parametrize("code", ["echo \ud800", "%%writefile /tmp/x\n\ud800", "%history \udc00"])
def test_half_a_character_gets_a_reply(in_ascii: Notebook, code: str) -> None:
    assert in_ascii.run(code).reply["content"]["status"] in ("ok", "error")
    assert in_ascii.run("echo fine").out == "fine\n"


def test_jupyters_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / "lambda_kernel_config.py").write_text('c.LambdaKernel.report = "off"\n')
    with notebook(env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path)}) as book:
        assert book.run("echo 1").contents("display_data") == []


def test_after_a_reset_the_directory_is_not_the_one_before(book: Notebook) -> None:
    book.run("cd /usr")
    assert "/usr" in book.run("%status").out
    assert "/usr" not in book.run("%reset\n%status").out
