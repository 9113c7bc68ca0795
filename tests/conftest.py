"""No test reaches an AWS account, the network or the developer's own Jupyter, whatever this machine has configured.

The environment is pinned before any test module is imported and children inherit it, with a proxy that lets nothing
out; in this process an audit hook refuses every connection beyond loopback. Whoever tried, in this process or in a
child, fails the test even where a library swallows the error.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.way_out import WayOut

if TYPE_CHECKING:
    from tests.far import Far

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
FOREIGN_PREFIXES = ("AWS_", "BOTO_", "IPYTHON", "JUPYTER", "JPY_", "LAMBDA_KERNEL_", "XDG_")


def private_environment(home: Path, proxy: str) -> dict[str, str]:
    """Return what every test and its children see instead of the developer's own settings."""
    proxies = {spelling: proxy for name in PROXIES for spelling in (name, name.lower())}
    return {
        **proxies,
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
    }


class NetworkGuard:
    """An audit hook, which Python cannot remove: it is told when to begin and when to end."""

    def __init__(self) -> None:
        self.active = False
        self.refused: list[str] = []
        self.way_out: WayOut | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or event not in {"socket.connect", "socket.getaddrinfo"}:
            return
        host = arguments[0] if event == "socket.getaddrinfo" else _host(arguments[1])
        if not _is_here(host):
            self.refused.append(f"{event} {host!r}")
            raise PermissionError(f"tests stay on this machine: {event} {host!r}")

    def take(self) -> list[str]:
        """Return what was refused since the last time, here and at the proxy."""
        taken, self.refused = self.refused, []
        return taken + (self.way_out.take() if self.way_out else [])


def _host(address: object) -> object:
    """Return the host of a socket address; a Unix socket's path has none."""
    return address[0] if isinstance(address, tuple) else None


def _is_here(host: object) -> bool:
    if host in {None, "", b"", "localhost", b"localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


guard = NetworkGuard()
sys.addaudithook(guard)
stashed_environment = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="DIRECTORY", help="keep the pictures of the browser tests there")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[stashed_environment] = os.environ.copy()
    home = Path(tempfile.mkdtemp(prefix="lambda-kernel-tests-"))
    for name in os.environ:
        if name.startswith(FOREIGN_PREFIXES):
            del os.environ[name]
    guard.way_out = WayOut()
    os.environ.update(private_environment(home, guard.way_out.url))
    guard.active = True


def pytest_unconfigure(config: pytest.Config) -> None:
    guard.active = False
    if guard.way_out:
        guard.way_out.close()
    shutil.rmtree(os.environ["HOME"], ignore_errors=True)
    before = config.stash[stashed_environment]
    os.environ.clear()
    os.environ.update(before)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for what was refused outside of tests: while they were collected, or in a thread left over."""
    refused = guard.take()
    if refused:
        print(f"\nconnections beyond this machine were tried: {refused}", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def outer_environ(pytestconfig: pytest.Config) -> dict[str, str]:
    """The environment that the tests were started in: for pip, which has to find its index."""
    return pytestconfig.stash[stashed_environment]


@pytest.fixture
def far() -> Iterator[Far]:
    """A session over a function in this process."""
    # Imported here: boto3 must find the environment pinned.
    from tests.far import Far

    made = Far()
    yield made
    made.close()


@pytest.fixture
def network_guard() -> NetworkGuard:
    return guard


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    yield
    refused = guard.take()
    assert not refused, "a test tried to leave this machine"
