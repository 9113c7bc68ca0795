"""No test reaches an AWS account, the network or the developer's own Jupyter, whatever this machine has configured.

The environment is pinned before any test module is imported and children inherit it, with a proxy that lets nothing
out; in this process an audit hook refuses every connection beyond loopback. Whoever tried, in this process or in a
child, fails the test even where a library swallows the error.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import ipaddress
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.support.blocked_proxy import WayOut

if TYPE_CHECKING:
    from tests.support.in_process_session import InProcess

settings.register_profile("any machine", deadline=None)  # what an example takes says little where others are at work
settings.load_profile("any machine")

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
FOREIGN_PREFIXES = (
    *("AWS_", "BOTO_", "IPYTHON", "JUPYTER", "JPY_", "LAMBDA_KERNEL_", "XDG_"),
    *("COLUMNS", "LINES"),  # of the user's terminal: readline, which pytest loads, sets them (rl_change_environment)
    "PYTHONDONTWRITEBYTECODE",  # as images of Python have it: each worker and each kernel would compile all again
)


def private_environment(home: Path, proxy: str) -> dict[str, str]:
    """Return what every test and its children see instead of the developer's own settings."""
    proxies = {spelling: proxy for name in PROXIES for spelling in (name, name.lower())}
    return {
        **proxies,
        "PATH": os.pathsep.join([str(home / "bin"), os.environ["PATH"]]),
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
# What takes a browser, another program's start, a bad network or many seconds: `-m "not slow"` leaves it out.
SLOW = (
    "browser",
    "product",
    "aws/test_boto_session.py",
    "aws/test_invoke_only.py",
    "aws/test_renewed_credentials.py",
    "aws/test_transport.py",
    "bash/test_commands.py",
    "commands/comparison/test_command.py",
    "commands/deploy/like/test_like_runs.py",
    "commands/deploy/test_command.py",
    "commands/deploy/test_company.py",
    "commands/deploy/test_moto.py",
    "commands/deploy/test_snippets.py",
    "commands/deploy/test_template.py",
    "docs/test_tutorial.py",
    "editing/test_completion.py",
    "editing/test_inspection.py",
    "editing/test_is_complete_interactive.py",
    "function/test_redaction.py",
    "function/test_runtime_interface_emulator.py",
    "kernel/test_conformance.py",
    "kernel/test_hostile_function.py",
    "kernel/test_interrupts.py",
    "kernel/test_jupyter_transports.py",
    "kernel/test_kernel.py",
    "kernel/test_live_view.py",
    "kernel/test_networks.py",
    "kernel/test_raw_start.py",
    "kernel/test_warm_up.py",
    "local/test_local_command.py",
    "local/test_local_freeze.py",
    "local/test_local_http.py",
    "local/test_local_image.py",
    "local/test_local_lifecycle.py",
    "local/test_local_network.py",
    "local/test_local_orphans.py",
    "local/test_local_runtime_api.py",
    "local/test_local_storage.py",
    "output/test_notices.py",
    "output/test_rich_display.py",
    "commands/run/test_command.py",
    "session/test_abandonable.py",
    "session/test_between_cells.py",
    "session/test_big_output.py",
    "session/test_connections.py",
    "session/test_differential.py",
    "session/test_faults.py",
    "session/test_hostile_replies.py",
    "session/test_impatient_proxies.py",
    "session/test_input.py",
    "session/test_once.py",
    "session/test_poor_environments.py",
    "session/test_retries.py",
    "session/test_shell_options.py",
    "session/test_two_clients.py",
    "test_cli.py",
    "commands/test_metadata.py",
    "transfer/test_cuts.py",
    "transfer/test_impostor.py",
    "transfer/test_kernel.py",
    "transfer/test_overwriting.py",
    "workspace/test_history.py",
    "workspace/test_image.py",
)
LONGEST = "product/test_soak.py"  # most of a minute in one test
WORKERS_PER_CPU = 2  # half of the tests wait: for processes, networks and clocks of others
stashed_environment = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="DIRECTORY", help="keep the pictures of the browser tests there")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return WORKERS_PER_CPU * len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["outer_environ"] = dict(node.config.stash[stashed_environment])


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have each worker begin with other modules: after a change all would compile the same ones at the same time."""
    config = session.config
    worker = getattr(config, "workerinput", None)
    if worker and config.args == config.getini("testpaths"):
        modules = sorted(path.relative_to(config.rootpath) for path in Path(__file__).parent.rglob("test_*.py"))
        for path in modules[int(worker["workerid"][2:]) :: worker["workercount"]]:
            with contextlib.suppress(Exception, pytest.skip.Exception):  # the collection tells of it
                importlib.import_module(".".join(path.with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones come first, and the longest before them, so that no worker is left alone with them.

    Each worker begins with its part of the list, and takes from the end of another's when that is done. What shares a
    browser or an emulator of AWS stands at the beginning of a part, so that it is started in one worker only.
    """
    tests = Path(__file__).parent
    slow = [tests / name for name in SLOW]
    paths = {item.path for item in items}  # each has many tests, and to compare paths takes long
    are_slow = {path: any(path.is_relative_to(name) for name in slow) for path in paths}
    for item in items:
        if are_slow[item.path]:
            item.add_marker(pytest.mark.slow)

    def first(path: Path) -> tuple[bool, ...]:
        is_early = are_slow[path] or path.is_relative_to(tests / "commands" / "deploy")  # moto takes seconds to load
        return path == tests / LONGEST, path.is_relative_to(tests / "browser"), is_early

    places = {path: first(path) for path in paths}
    seconds = {path for path in paths if path.is_relative_to(tests / "product") and path != tests / LONGEST}
    items.sort(key=lambda item: places[item.path], reverse=True)
    part = len(items) // getattr(config, "workerinput", {}).get("workercount", 1)
    second = [item for item in items if item.path in seconds]
    others = [item for item in items if item.path not in seconds]
    items[:] = [*others[:part], *second, *others[part:]]


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # thousands of tests are made, and all of them stay
    # A shell without job control has a background job ignore SIGINT (POSIX, 2.12), and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A worker of xdist is started in the controller's pinned environment.
    config.stash[stashed_environment] = getattr(config, "workerinput", {}).get("outer_environ", os.environ.copy())
    home = Path(tempfile.mkdtemp(prefix="lambda-kernel-tests-"))
    for name in os.environ:
        if name.startswith(FOREIGN_PREFIXES):
            del os.environ[name]
    # python3 may be a script that looks for Python, as pyenv's is: ten times what Python takes to start.
    (home / "bin").mkdir()
    (home / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    guard.way_out = WayOut()
    os.environ.update(private_environment(home, guard.way_out.url))
    guard.active = True


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


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
def remote() -> Iterator[InProcess]:
    """A session over a function in this process."""
    # Imported here: boto3 must find the environment pinned.
    from tests.support.in_process_session import InProcess

    made = InProcess()
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
