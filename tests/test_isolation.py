"""The guard of conftest.py holds: what it promises is tried here, in this process and in a child."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pexpect
import pytest
from botocore.config import Config
from botocore.exceptions import ProxyConnectionError
from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

if TYPE_CHECKING:
    from tests.conftest import NetworkGuard

ROOT = Path(__file__).parent.parent
# For documentation only, so that not even a failing guard reaches anyone (RFC 5737, RFC 3849).
NOWHERE = "192.0.2.1"
NOWHERE_6 = "2001:db8::1"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, NOWHERE), (socket.AF_INET6, NOWHERE_6)])
def test_a_connection_beyond_loopback_is_refused(network_guard: NetworkGuard, family: int, host: str) -> None:
    with socket.socket(family) as outward, pytest.raises(PermissionError, match="stay on this machine"):
        outward.connect((host, 443))
    assert network_guard.take() == [f"socket.connect {host!r}"]


def test_a_name_is_not_looked_up(network_guard: NetworkGuard) -> None:
    with pytest.raises(PermissionError, match="stay on this machine"):
        socket.getaddrinfo("lambda.us-east-1.amazonaws.com", 443)
    assert network_guard.take() == ["socket.getaddrinfo 'lambda.us-east-1.amazonaws.com'"]


def test_a_swallowed_refusal_is_remembered(network_guard: NetworkGuard) -> None:
    with contextlib.suppress(OSError), socket.create_connection((NOWHERE, 443), timeout=1):
        pass
    assert network_guard.take()


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()


def test_boto3_has_no_account_and_no_way_out(network_guard: NetworkGuard) -> None:
    session = boto3.Session(region_name="us-east-1")
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.access_key == "testing"
    assert session.available_profiles == []
    client = session.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ProxyConnectionError):
        client.list_functions()
    assert network_guard.take() == ["CONNECT lambda.us-east-1.amazonaws.com:443"]


def test_a_child_has_no_way_out_and_its_try_is_remembered(network_guard: NetworkGuard) -> None:
    code = f"import urllib.request; urllib.request.urlopen('http://{NOWHERE}/', timeout=5)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "403: Tests stay on this machine" in child.stderr
    assert network_guard.take() == [f"GET http://{NOWHERE}/"]


def test_a_child_that_says_nothing_is_remembered(network_guard: NetworkGuard) -> None:
    proxy = urllib.parse.urlsplit(urllib.request.getproxies()["https"])
    assert proxy.hostname is not None
    assert proxy.port is not None
    socket.create_connection((proxy.hostname, proxy.port)).close()
    assert len(network_guard.take()) == 1


def test_home_and_jupyter_are_private() -> None:
    home = Path.home()
    assert home.name.startswith("lambda-kernel-tests-")
    for path in (jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir()):
        assert Path(path).is_relative_to(home)
    assert not [name for name in os.environ if name.startswith(("AWS_ENDPOINT", "AWS_PROFILE", "LAMBDA_KERNEL_"))]


def test_the_terminal_has_no_part_in_it() -> None:
    """pytest loads readline, which tells the workers how large the terminal is."""
    asked = ["-m", "pytest", "-q", "-n", "1", "tests/function/test_terminal_commands.py", "-k", "shown and cols"]
    child = pexpect.spawn(sys.executable, asked, cwd=ROOT, dimensions=(30, 111), encoding="utf-8", timeout=50)
    assert "1 passed" in child.read()
