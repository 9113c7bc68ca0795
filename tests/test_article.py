"""The 2018 article's loop, as published, against the local engine and our function."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_process import environ_for, local_engine

LOOP = Path(__file__).parent / "article" / "loop.sh"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local engine does"),
    pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS CLI on the path"),
]


def version_2() -> list[str]:
    """What version 2 of the CLI wants besides: it takes a payload for base64 unless told."""
    version = subprocess.run(["aws", "--version"], capture_output=True, text=True, check=True).stdout
    return ["raw-in-base64-out"] if version.startswith("aws-cli/2") else []


def test_the_loop_prints_what_the_article_shows(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("".join(f"[default]\ncli_binary_format = {value}\n" for value in version_2()))
    typed = "free\ncat /etc/os-release\nfalse\nexit\n"
    with local_engine() as engine:
        environ = {**environ_for(engine), "AWS_CONFIG_FILE": str(config)}
        ran = subprocess.run(["bash", LOOP], input=typed, env=environ, capture_output=True, text=True, check=True)
    free, release, failed, end = ran.stdout.split("> ")[1:]
    for text, command in ((free, "free"), (release, "cat /etc/os-release"), (failed, "false")):
        request = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        lines = re.fullmatch(
            rf"\nSTART RequestId: ({request}) Version: \$LATEST\n"
            rf"{stamp}\t\1\t\{{ cmd: '{command}' \}}\n"
            rf"{stamp}\t\1\t(?P<out>.*)\n"
            rf"END RequestId: \1\n"
            rf"REPORT RequestId: \1\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
            rf"Max Memory Used: \d+ MB\t(Init Duration: [\d.]+ ms\t)?\n\n",
            text,
            re.DOTALL,
        )
        assert lines, text
    assert "Mem:" in free
    assert "NAME=" in release
    assert end == ""
