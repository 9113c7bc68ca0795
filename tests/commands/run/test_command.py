"""`lambda-kernel run` as a user runs it: what its options mean, and how its process ends."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_kernel.aws.target import FUNCTION_VARIABLE, LOCAL, Emulator, Target
from lambda_kernel.cli import build_parser
from lambda_kernel.commands.run.command import NOTHING, reads, shell_text, target_of, text_of
from lambda_kernel.errors import UsageError
from tests.support.engine_client import commands_with

ENDPOINT = "http://127.0.0.1:1"


def wish(*words: str) -> argparse.Namespace:
    return build_parser(only_run=True).parse_args(["run", *words])


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("", LOCAL),
        ("--on local:512", Target("local", emulator=Emulator(memory_mb=512))),
        ("--on shell:live", Target("shell:live")),
        ("--on shell@eu-north-1", Target("shell", "eu-north-1")),
        ("--on shell@eu-north-1 --region eu-north-1", Target("shell", "eu-north-1")),
        (f"--on shell --profile p --endpoint-url {ENDPOINT}", Target("shell", None, "p", ENDPOINT)),
    ],
)
def test_targets(words: str, target: Target) -> None:
    assert target_of(wish(*words.split())) == target


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--on shell-*", "is a pattern"),
        ("--on local:1", "choose 128 to 10240 MB"),
        ("--region eu-west-1", "add --on NAME"),
        (f"--on local --endpoint-url {ENDPOINT}", "add --on NAME"),
        ("--on local:512 --profile p", "add --on NAME"),
        ("--on shell@eu-north-1 --region eu-west-1", "leave one of them out"),
        ("--on a/b", "not the name of a function"),
    ],
)
def test_wrong_targets(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("*", r"\*")):
        target_of(wish(*words.split()))


def test_the_environment_names_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FUNCTION_VARIABLE, "mine")
    assert target_of(wish("--region", "eu-west-1")) == Target("mine", "eu-west-1")
    assert target_of(wish("--on", "local")) == LOCAL


@pytest.mark.parametrize("words", [("-c", "true", "a.sh"), ("--timeout", "0", "-c", "true"), ("--nosuch",)])
def test_wrong_usage(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        wish(*words)
    assert ended.value.code == 2


def test_texts(tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_bytes("#!/bin/bash\r\necho ü\r\n".encode())
    assert text_of(wish(str(file))) == "#!/bin/bash\necho ü\n"
    assert text_of(wish("-c", "echo 1")) == "echo 1"
    assert [reads(wish(*words)) for words in (("-c", ""), ("a.sh",), ("-",), ())] == [True, True, False, False]


def test_wrong_texts(tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_bytes(b"echo \xff")
    for words, message in (
        (str(file), r"a\.sh is not UTF-8 \(byte 5\)"),
        (str(tmp_path / "none"), "cannot read .*No such file"),
        (str(tmp_path), "cannot read .*Is a directory"),
        ("-c\udcff", "the text of -c is not UTF-8"),
    ):
        with pytest.raises(UsageError, match=message):
            text_of(wish(words))


def test_a_magic_is_no_shell_text() -> None:
    for text, name in (("%%fleet 3\ntrue", "%%fleet"), ("# a script\n\n  %get x", "%get"), ("%status;", "%status")):
        with pytest.raises(
            UsageError, match=f"^{name} is a magic, for a notebook or the console: give `run` shell text$"
        ):
            shell_text(text)
    for text in ("%1", "%sleep &", "%%", "%get-it", "%getit", "echo %get", "true\n%get x", "", "#"):
        assert shell_text(text) == text


# --- the process

COMMAND = (sys.executable, "-m", "lambda_kernel.cli", "run")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the local emulator runs on Linux")


def run(*words: str, piped: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload]
        [*COMMAND, *words], input=piped, capture_output=True, text=True, check=False, timeout=40, **options
    )


def test_without_a_text_on_a_terminal() -> None:
    user, program = os.openpty()
    ended = subprocess.run(COMMAND, stdin=program, capture_output=True, text=True, check=False, timeout=40)
    for side in (user, program):
        os.close(side)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"lambda-kernel: {NOTHING}\n")


def test_an_error_is_one_line() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    words = ("--on", "shell", "--region", "eu-west-1", "--endpoint-url", ENDPOINT, "--timeout", "1", "-c", "true")
    ended = run(*words, env=os.environ | keys)
    assert (ended.returncode, ended.stdout) == (125, "")
    assert [line[:15] for line in ended.stderr.splitlines()] == ["lambda-kernel: "] * len(ended.stderr.splitlines())
    assert "Traceback" not in ended.stderr


@needs_linux
def test_a_script_from_a_pipe_on_the_local_emulator(tmp_path: Path) -> None:
    mark = f"left-{os.getpid()}"
    ended = run("--on", "local:256", "--json", piped=f"echo $AWS_LAMBDA_FUNCTION_MEMORY_SIZE; exec -a {mark} sleep 0.1")
    figures = json.loads(ended.stderr.splitlines()[-1])
    assert (ended.returncode, ended.stdout) == (0, "256\n")
    assert (figures["exit_code"], figures["memory_size_mb"], figures["region"]) == (0, 256, "local")
    assert commands_with(mark) == []


@needs_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_the_emulator_and_the_process(number: signal.Signals) -> None:
    mark = f"mark-{os.getpid()}-{number}"
    text = f"echo ready; exec -a {mark} sleep 300"
    with subprocess.Popen([*COMMAND, "-c", f"({text})"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -number  # so a shell's loop ends as well
    assert b"Traceback" not in err
    assert commands_with(mark) == []


@needs_linux
def test_a_reader_that_has_ended_ends_it() -> None:
    line = f"{subprocess.list2cmdline(COMMAND)} -c 'while echo y; do :; done' | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=40)
    assert ended.stdout == f"y\n{128 + signal.SIGPIPE}\n"
    assert "Traceback" not in ended.stderr
