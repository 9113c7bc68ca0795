"""`lambda-kernel local` as a process, and the AWS CLI against it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from lambda_kernel.local import Endpoint, Settings
from lambda_kernel.local.command import run_foreground
from tests.support.aws_cli import VERSIONS, aws_cli
from tests.support.engine_client import commands_with, make_client
from tests.support.waiting import wait_until

COMMAND = """
import sys
from pathlib import Path
from lambda_kernel.local import Settings
from lambda_kernel.local.command import run_foreground
sys.exit(run_foreground(Settings(Path(sys.argv[1])), sys.argv[2] == "json", sys.stdout))
"""


@pytest.fixture
def foreground(lab_code: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(form: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(lab_code), form],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_gets_one_line_and_a_signal_ends_it(
    foreground: Callable[[str], subprocess.Popen[str]], session: boto3.Session, number: signal.Signals
) -> None:
    process = foreground("json")
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert list(line) == ["endpoint_url", "access_key_id", "secret_access_key", "region", "function"]
    client = make_client(session, Endpoint(**line))
    mark = f"869{os.getpid()}.{int(number)}"
    event = json.dumps({"py": f"subprocess.Popen(['setsid', 'sleep', '{mark}'])"})
    client.invoke(FunctionName="shell", Payload=event)
    wait_until(lambda: commands_with(mark))  # while `setsid` becomes `sleep` it has no command line
    process.send_signal(number)
    rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "")
    assert all(text.startswith("lambda-kernel: ") for text in errors.splitlines())
    assert not commands_with(mark)


def test_impatient_signals_end_it_too(foreground: Callable[[str], subprocess.Popen[str]]) -> None:
    process = foreground("json")
    assert process.stdout is not None
    process.stdout.readline()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 20:
        process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_the_printed_line_works_with_the_aws_cli(
    foreground: Callable[[str], subprocess.Popen[str]], tmp_path: Path, version: int
) -> None:
    """As it is: without a setting that version 2 needs for the article's loop."""
    path = aws_cli(version).variables(tmp_path)["PATH"]
    process = foreground("text")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    assert "Ctrl-C" in lines[0]
    pasted = "".join(lines[2:])
    assert pasted.rstrip().endswith("base64 -d")
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(["bash", "-c", pasted], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("START RequestId: "), done.stderr
    assert "\nREPORT RequestId: " in done.stdout


def test_what_goes_wrong_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    assert run_foreground(Settings(Path("/nowhere")), True, out) == 1
    assert out.getvalue() == ""
    assert capsys.readouterr().err == (
        "lambda-kernel: the function's code /nowhere does not exist: name index.py, or its directory\n"
    )
