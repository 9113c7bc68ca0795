"""A real kernel behind a real proxy that sends requests twice: a command runs once, and what is reported is true."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter

import pytest

from tests.support.kernel_client import notebook
from tests.support.proxied_session import shell_engine
from tests.support.proxy import Fault, Proxy
from tests.support.run_log import RunLog

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(240),  # each answer from elsewhere is followed by a search
]
THROUGH = 4  # so many cells come to their end,
TRIES = 40  # of at most so many: chance decides which environments answer
SECONDS = (0, 0.05, 0.12, 0.3)


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
    lines: Counter[str] = Counter()
    with contextlib.closing(RunLog()) as log, shell_engine(tenancy=True, concurrency=100) as engine:
        at = engine.start()
        proxy = Proxy(at.endpoint_url, usual=manner)
        keys = {"AWS_ACCESS_KEY_ID": at.access_key_id, "AWS_SECRET_ACCESS_KEY": at.secret_access_key}
        function = {"LAMBDA_KERNEL_FUNCTION": at.function, "AWS_ENDPOINT_URL_LAMBDA": at.endpoint_url}
        way = {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "NO_PROXY": "", "no_proxy": ""}
        with notebook(env={**os.environ, **keys, **function, **way, "AWS_DEFAULT_REGION": at.region}) as book:
            ended: set[str] = set()
            for number in range(TRIES):
                name = f"cell{number}"
                shown = book.run(f"{log.command(name)}; sleep {SECONDS[number % len(SECONDS)]}; echo end", timeout=120)
                # It may be reported lost, where no answer of its environment comes through: that is no lie.
                if shown.error is None:
                    assert shown.out == f"{name}\nend\n"
                    ended.add(name)
                lines.update(log.take())
                assert lines[name] <= 1
                if len(ended) == THROUGH:
                    break
            assert len(ended) == THROUGH
        proxy.close()
        lines.update(log.take())
    assert max(lines.values()) == 1
    assert ended <= set(lines)
