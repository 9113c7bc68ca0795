"""AWS's control plane on loopback, by moto, and by ministack, where functions run."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_url(moto_server: str) -> str:
    """An endpoint at which nothing has been made."""
    emptied(f"{moto_server}/moto-api/reset")
    return moto_server


@pytest.fixture(scope="session")
def ministack_server() -> Iterator[str]:
    """It takes a second of work to start."""
    from tests.support.ministack import ministack  # boto3 must find the environment pinned

    with ministack() as url:
        yield url


@pytest.fixture(scope="module")
def ministack_url(ministack_server: str) -> str:
    """An endpoint at which no other module has left anything."""
    emptied(f"{ministack_server}/_ministack/reset")
    return ministack_server


def emptied(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="POST")).close()
