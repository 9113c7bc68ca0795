"""A session in a process of its own: an ordinary user, whom limits bind as they bind in Lambda."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_kernel.function.index import PRIVATE

ROOT = Path(__file__).parents[2]
START = """
import ctypes, os, resource, sys
sys.path.insert(0, {root!r})
from tests.support.in_process_session import InProcess
from lambda_kernel import errors
from lambda_kernel.function import index
from lambda_kernel.session.remote_shell import shell_code
index.load(shell_code())  # an ordinary user may not read Python's modules
remote = InProcess(reports=False)  # and so it measures, which also has to work
os.chdir("/tmp")
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, which setuid has taken away
"""
MOUNT = f'mkdir -p {PRIVATE} && mount -t tmpfs -o mode=1777 none {PRIVATE} && exec "$@"'


def apart(script: str) -> list[str]:
    """The lines that a script prints which has a session in `remote`."""
    command = [sys.executable, "-c", START.format(root=str(ROOT)) + script]
    if os.getuid() == 0:
        unshare = shutil.which("unshare")
        if not unshare or subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode:
            pytest.skip("needs a mount namespace for root")
        command = [unshare, "-m", "sh", "-c", MOUNT, "sh", *command]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()
