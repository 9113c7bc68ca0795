"""A real kernel behind a real proxy that sends requests twice: a command runs once, and what is reported is true."""

from __future__ import annotations

import contextlib
import os
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.kernel_client import notebook
from tests.support.proxied_session import shell_engine
from tests.support.proxy import Fault, Proxy

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(240),  # each answer from elsewhere is followed by a search
]
THROUGH = 4  # so many cells come to their end,
TRIES = 40  # of at most so many: chance decides which environments answer
SECONDS = (0, 0.05, 0.12, 0.3)


@contextlib.contextmanager
def counter() -> Iterator[tuple[int, Counter[str]]]:
    """A port that commands connect to from wherever they run, and the lines that they have sent."""
    lines: Counter[str] = Counter()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines[self.rfile.readline().decode().strip()] += 1

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], lines
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "manner",
    [
        pytest.param(Fault(again=0.1), id="retries after 0.1 s"),
        pytest.param(Fault(again=0.1, either=True), id="hedges after 0.1 s"),
        pytest.param(Fault(again=0.0), id="sends all twice, and hears the second"),
        pytest.param(Fault(again=0.0, either=True), id="sends all twice, and hears the first to answer"),
    ],
)
def test_a_command_runs_once(manner: Fault) -> None:
    with counter() as (port, lines), shell_engine(tenancy=True, concurrency=100) as engine:
        at = engine.start()
        proxy = Proxy(at.endpoint_url, usual=manner)
        keys = {"AWS_ACCESS_KEY_ID": at.access_key_id, "AWS_SECRET_ACCESS_KEY": at.secret_access_key}
        function = {"LAMBDA_KERNEL_FUNCTION": at.function, "AWS_ENDPOINT_URL_LAMBDA": at.endpoint_url}
        way = {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "NO_PROXY": "", "no_proxy": ""}
        with notebook(env={**os.environ, **keys, **function, **way, "AWS_DEFAULT_REGION": at.region}) as book:
            ended: set[str] = set()
            for number in range(TRIES):
                name = f"cell{number}"
                shown = book.run(
                    f"echo {name} >/dev/tcp/127.0.0.1/{port}; sleep {SECONDS[number % len(SECONDS)]}; echo {name}",
                    timeout=120,
                )
                # It may be reported lost, where no answer of its environment comes through: that is no lie.
                if shown.error is None:
                    assert shown.out == f"{name}\n"
                    ended.add(name)
                assert lines[name] <= 1
                if len(ended) == THROUGH:
                    break
            assert len(ended) == THROUGH
        proxy.close()
    assert max(lines.values()) == 1
    assert ended <= set(lines)
