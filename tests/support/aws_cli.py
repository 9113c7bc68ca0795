"""The AWS CLI, whose versions 1 and 2 differ: each of them, as far as it is on the path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

VERSIONS = (1, 2)
# Their first releases that read AWS_ENDPOINT_URL_LAMBDA, and that have --tenant-id. Debian 12 has 2.9.
ENDPOINT_VARIABLE = {1: (1, 29), 2: (2, 13)}
TENANT_ID = {1: (1, 43), 2: (2, 32)}


@dataclass(frozen=True)
class AwsCli:
    version: tuple[int, int]
    program: str

    def knows(self, since: dict[int, tuple[int, int]]) -> bool:
        return self.version >= since[self.version[0]]

    def variables(self, directory: Path) -> dict[str, str]:
        """For a command that says `aws`. Version 2 takes a payload for base64 unless told."""
        config = directory / "config"
        config.write_text("[default]\ncli_binary_format = raw-in-base64-out\n" if self.version[0] == 2 else "")
        path = f"{self._bin(directory)}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "AWS_CONFIG_FILE": str(config)}

    def _bin(self, directory: Path) -> Path:
        if self.knows(ENDPOINT_VARIABLE):
            return Path(self.program).parent
        wrapper = directory / "bin" / "aws"
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(f'#!/bin/sh\nexec {self.program} ${{AWS_ENDPOINT_URL_LAMBDA:+--endpoint-url}} '
                           '$AWS_ENDPOINT_URL_LAMBDA "$@"\n')  # fmt: skip
        wrapper.chmod(0o755)
        return wrapper.parent


def aws_cli(version: int) -> AwsCli:
    """Skips the test where there is none of that version."""
    if version not in programs():
        pytest.skip(f"needs version {version} of the AWS CLI on the path")
    return programs()[version]


@cache
def programs() -> dict[int, AwsCli]:
    """The first of each version on the path, where /bin may be /usr/bin."""
    found: dict[int, AwsCli] = {}
    directories = dict.fromkeys(os.path.realpath(directory) for directory in os.get_exec_path())
    for program in filter(None, (shutil.which("aws", path=directory) for directory in directories)):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        if match := re.match(r"aws-cli/(\d+)\.(\d+)", said.stdout + said.stderr):
            version = int(match[1]), int(match[2])
            found.setdefault(version[0], AwsCli(version, program))
    return found
