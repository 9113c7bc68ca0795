"""What can be reached: hosts on loopback that take, refuse and ignore connections, and names that do not resolve."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_kernel.function import index
from lambda_kernel.function.sent import connectivity as module
from lambda_kernel.function.sent import joined, source, system

SENT = index.load(joined([source(system), source(module)]))
probe_all = SENT["probe_all"]
HERE = "127.0.0.1"
ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
cut\t00
"""


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server((HERE, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as made:
        made.bind((HERE, 0))
        port: int = made.getsockname()[1]
        return port


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Its queue of connections is full, so Linux drops the next one's packets."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((HERE, 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def states(hosts: list[tuple[str, int]], seconds: float = 5.0, **more: Any) -> list[str]:
    return [row["state"] for row in probe_all(hosts, seconds, **more)]


def test_who_takes_and_who_refuses(open_port: int, closed_port: int) -> None:
    found = probe_all([(HERE, open_port), (HERE, closed_port)], 5.0)
    assert [(row["state"], row["address"], row["private"]) for row in found] == [
        ("reached", HERE, True),
        ("refused", HERE, True),
    ]
    assert all(row["ms"] >= 0 for row in found)


def test_who_never_answers_has_a_bound_for_all_together(deaf_port: int, open_port: int) -> None:
    began = time.monotonic()
    assert states([(HERE, deaf_port)] * 20 + [(HERE, open_port)], 0.3) == ["timed out"] * 20 + ["reached"]
    assert time.monotonic() - began < 20 * 0.3  # one after another they would take that


def failing(error: Exception) -> Any:
    def resolve(host: str, port: int) -> Any:
        raise error

    return resolve


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "no answer from DNS"),
        (UnicodeError("label too long"), "no such name"), (OSError(101, "x"), "Network is unreachable"),
    ],
)  # fmt: skip
def test_names_that_do_not_resolve(error: Exception, state: str) -> None:
    assert states([("db.internal", 5432)], resolve=failing(error)) == [state]


def test_a_resolver_that_hangs_is_left_behind(open_port: int) -> None:
    released = threading.Event()

    def resolve(host: str, port: int) -> Any:
        if host != HERE:
            released.wait()
        return socket.getaddrinfo(HERE, port, type=socket.SOCK_STREAM)

    found = states([("hangs", 1), (HERE, open_port)], 0.2, resolve=resolve)
    released.set()
    assert found == ["name lookup timed out", "reached"]


def test_the_next_address_is_tried_when_one_refuses(open_port: int, closed_port: int) -> None:
    def resolve(host: str, port: int) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, one)) for one in (closed_port, open_port)]

    assert states([("both", 1)], resolve=resolve) == ["reached"]


@pytest.mark.parametrize(
    ("address", "private"),
    [("10.0.3.4", True), ("52.94.5.1", False), ("fd00::1", True), ("fe80::1%e", True), (None, False)],
)  # fmt: skip
def test_private_addresses(address: str | None, private: bool) -> None:
    assert SENT["is_private"](address) == private


def test_routes_dns_and_the_own_address(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "route").write_text(ROUTES)
    (tmp_path / "resolv.conf").write_text("# by hand\nnameserver 169.254.78.1\nsearch x.internal\nnameserver\n")
    shell = SimpleNamespace(secrets=())
    given: dict[str, Any] = {"hosts": [], "elsewhere": (HERE, 9), "seconds": 1.0}
    found = SENT["connectivity"](shell, **given, proc=str(tmp_path), etc=str(tmp_path))
    assert found == {
        "address": HERE,
        "dns": ["169.254.78.1"],
        "routes": [
            {"to": "0.0.0.0/0", "gateway": "192.168.1.1", "interface": "eth0"},
            {"to": "192.168.1.0/24", "gateway": "", "interface": "eth0"},
        ],
        "hosts": [],
    }
    nowhere = SENT["connectivity"](shell, **given, proc=str(tmp_path / "no"), etc=str(tmp_path / "no"))
    assert (nowhere["dns"], nowhere["routes"]) == ([], [])
