"""A script: its output to the byte, its exit code, its input, and its report."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.commands.run.script import FAILED, INTERRUPTED, TIMED_OUT, USAGE
from lambda_kernel.commands.run.streams import Streams
from lambda_kernel.output import display
from tests.commands.run.conftest import ScriptRunner


@pytest.mark.parametrize("code", [0, 1, 3, 124, 130, 255])
def test_the_exit_code_is_the_commands(runner: ScriptRunner, code: int) -> None:
    ended = runner.run(f"(exit {code})")
    assert (ended.status, ended.said) == (code, [])
    assert ("exit code" in ended.report) == bool(code)


@pytest.mark.parametrize("text", ["exit 3; echo no", "set -e; (exit 3); echo no", "kill -KILL $$"])
def test_a_shell_that_ends_ends_the_script_quietly(runner: ScriptRunner, text: str) -> None:
    ended = runner.run(text)
    assert (ended.status, ended.out, ended.said) == (137 if "KILL" in text else 3, b"", [])


def test_output_is_passed_on_to_the_byte(runner: ScriptRunner) -> None:
    ended = runner.run(r"printf 'a\xff\0\r\n\xc3'; printf '\xfe' >&2")
    assert ended.out == b"a\xff\0\r\n\xc3"
    assert ended.err.startswith("\udcfe\nlambda-kernel: ")


def test_output_has_no_bound(runner: ScriptRunner) -> None:
    assert len(runner.run("head -c 3000000 /dev/zero; seq 20000").out) == 3_000_000 + 108_894


def test_credentials_are_replaced(runner: ScriptRunner) -> None:
    assert b"wJalrXUtnFEMI" not in runner.run("echo $AWS_SECRET_ACCESS_KEY").out


def test_messages_of_bash_are_its_own(runner: ScriptRunner) -> None:
    ended = runner.run("nosuchcommand; fi")
    assert (ended.status, ended.said) == (2, [])
    assert ended.err.startswith("bash: line 1: syntax error near unexpected token `fi'\n")


def test_a_hint_tells_why_a_command_fails(runner: ScriptRunner) -> None:
    [hint] = runner.run("echo 'cat: /dev/fd/63: No such file or directory' >&2").said
    assert hint.startswith("AWS Lambda has no /dev/fd")


def test_the_report_is_a_line_after_the_output(runner: ScriptRunner) -> None:
    ended = runner.run("echo -n unfinished >&2")
    assert ended.err.startswith("unfinished\nlambda-kernel: ")
    assert ended.report.endswith(" ms · local")
    assert "invocations" not in ended.report  # two are usual


def test_as_json_it_has_the_names_of_the_metadata(runner: ScriptRunner) -> None:
    ended = runner.run("exit 4", as_json=True)
    figures = json.loads(ended.err)
    assert figures.keys() == display.KEYS.keys()
    assert (figures["exit_code"], figures["region"], figures["invocations"]) == (4, "local", 2)


def test_the_time_limit(runner: ScriptRunner) -> None:
    ended = runner.run("echo before; sleep 60", seconds=0.2)
    assert (ended.status, ended.out) == (TIMED_OUT, b"before\n")
    assert ended.said == ["interrupted after 0.2 s, the limit of --timeout"]


def test_an_interrupt_ends_the_command(runner: ScriptRunner) -> None:
    def press(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "attach" and not runner.control.interrupts:
            runner.control.interrupt()
        return invoke()

    ended = runner.run("trap 'echo trapped; exit 0' INT; sleep 60 & wait", press)
    assert (ended.status, ended.out) == (INTERRUPTED, b"trapped\n")
    assert INTERRUPTED == -signal.SIGINT


def test_a_reader_that_has_ended_ends_the_command(runner: ScriptRunner) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "wb", buffering=0) as out, pytest.raises(BrokenPipeError):
        runner.script("while echo y; do :; done", Streams(out.fileno(), 2)).run()
    assert runner.workspace.current is not None
    [shell] = runner.remote.environment.shells.values()
    assert shell.cell.done


def test_input_is_given_when_it_is_read(runner: ScriptRunner) -> None:
    runner.typed = ["unread\n"]
    assert runner.run("echo hi", stdin=True).out == b"hi\n"
    assert runner.typed == ["unread\n"]


def test_input_is_passed_on_to_the_byte(runner: ScriptRunner) -> None:
    data = bytes(range(256)) * 1000
    runner.typed = [data[at : at + 65_536].decode("utf-8", "surrogateescape") for at in range(0, len(data), 65_536)]
    assert runner.run("cat", stdin=True).out == data


def test_the_end_of_the_input_stays_the_end(runner: ScriptRunner) -> None:
    runner.typed = ["one\ntwo"]
    assert runner.run("read x; read y; echo $x $y; cat; echo end", stdin=True).out == b"one two\nend\n"


def test_without_input_a_read_is_told(runner: ScriptRunner) -> None:
    ended = runner.run("cat")
    assert (ended.status, ended.said) == (0, [display.INPUT_ENDED])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("the function is\nstrange"), USAGE),
        (errors.AccessDenied("you may not"), FAILED),
        (errors.FunctionFailed("the runtime ended", "Runtime.ExitError", "1", None), FAILED),
    ],
)
def test_what_fails_is_told_in_one_line(runner: ScriptRunner, error: errors.KernelError, status: int) -> None:
    def fail(event: Event, invoke: Callable[[], Reply]) -> Reply:
        raise error

    ended = runner.run("true", fail)
    assert ended.status == status
    assert [line for line in ended.err.splitlines() if " ".join(str(error).split()) in line] == [
        line for line in ended.err.splitlines() if not line.endswith("local")
    ]


def test_who_ends_the_process_is_told_no_reason(runner: ScriptRunner) -> None:
    def end(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event["op"] == "run":
            runner.control.close()
        return reply

    ended = runner.run("sleep 60", end)
    assert (ended.status, ended.said) == (INTERRUPTED, [])


def test_control_characters_of_the_function_are_shown_as_such(runner: ScriptRunner) -> None:
    def fail(event: Event, invoke: Callable[[], Reply]) -> Reply:
        raise errors.Refused("\x1b[2J no")

    assert r"\x1b[2J no" in runner.run("true", fail).err
