"""%network"""

from __future__ import annotations

import json
import socket
from argparse import Namespace
from typing import Any

import pytest

from lambda_kernel.aws.endpoints import service_host
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.usage import Usage
from lambda_kernel.errors import UsageError
from lambda_kernel.magics import GROUPS, KNOWN, Call
from lambda_kernel.magics.network import KEY, Host, Probes, host, result, rows, run, table
from lambda_kernel.session.cell import CellEvent, Shown
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import Interrupts

HERE = Probes((), (), ("127.0.0.1", 9), 5.0)


def shown(runner: CellRunner, hosts: list[Host], probes: Probes = HERE) -> tuple[Shown, str]:
    events: list[CellEvent] = []
    options = Namespace(hosts=hosts)
    text = run(Call(options, runner.workspace, events.append, Interrupts(), Usage(), KNOWN, GROUPS), probes)
    [found] = [event for event in events if isinstance(event, Shown)]
    return found, text


def test_a_table_and_the_same_in_the_metadata(runner: CellRunner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found, text = shown(runner, [host(f"127.0.0.1:{port}"), host("127.0.0.1:1")])
    lines = found.data["text/plain"].splitlines()
    assert [line.split("  ")[0] for line in lines][:3] == ["own address", "DNS servers", "routes"]
    assert lines[3].startswith(f"127.0.0.1:{port}") and lines[3].endswith(" ms") and "reached" in lines[3]  # noqa: PT018
    assert "refused" in lines[4]
    facts = json.loads(json.dumps(found.metadata))[KEY]
    assert [(row["what"], row["state"]) for row in facts["hosts"]] == [
        (f"127.0.0.1:{port}", "reached"),
        ("127.0.0.1:1", "refused"),
    ]
    assert rows(facts) == rows(found.metadata[KEY])
    assert "has no VPC" in text
    assert runner.sent == ["hello", "call"]


def test_services_are_tried_on_aws_only(runner: CellRunner) -> None:
    probes = Probes((Host("internet", "127.0.0.1", 1),), ("127.0.0.1",), ("127.0.0.1", 9), 5.0)
    assert [row["what"] for row in shown(runner, [], probes)[0].metadata[KEY]["hosts"]] == ["internet"]
    assert {service_host(name, "eu-west-1") for name in ("s3", "sts")} == {
        "s3.eu-west-1.amazonaws.com",
        "sts.eu-west-1.amazonaws.com",
    }
    assert service_host("kms", "cn-north-1") == "kms.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"state": "reached", "address": "10.0.1.2", "private": True}, "reached at 10.0.1.2, by an endpoint"),
        ({"state": "reached", "address": "52.1.2.3", "private": False}, "reached at 52.1.2.3"),
        ({"state": "timed out", "address": "10.0.1.2", "private": True}, "timed out at 10.0.1.2"),
        ({"state": "no such name", "address": None, "private": False}, "no such name"),
    ],
)  # fmt: skip
def test_results_in_words(row: dict[str, Any], words: str) -> None:
    assert result({"name": "kms.x.example", "via": "by an endpoint", **row}) == words


@pytest.mark.parametrize(
    ("word", "name", "port"),
    [("db.here:5432", "db.here", 5432), ("[fd00::1]:443", "fd00::1", 443), ("10.0.0.1:65535", "10.0.0.1", 65535)],
)  # fmt: skip
def test_hosts(word: str, name: str, port: int) -> None:
    assert host(word)[:3] == (word, name, port)


@pytest.mark.parametrize(
    "word", ["db", "db:", ":1", "db:0", "db:65536", "db:http", "fd00::1", "a b:1", "-x:1", "http://a:1", "é:1"]
)
def test_what_is_no_host(runner: CellRunner, word: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        runner.run(f"%network -- '{word}'")
    assert runner.sent == []


def test_too_many(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="30 hosts at most"):
        runner.run("%network " + " ".join(f"h:{port}" for port in range(1, 32)))


def test_a_table_escapes() -> None:
    assert "<b>" not in table([("<b>", "<b>", "<b>")])["text/html"]


def test_a_function_in_a_vpc_without_a_way_out(priced: CellRunner) -> None:
    assert priced.workspace.target == Target("shell", "eu-west-1")
    facts, text = shown(priced, [], Probes((), (), ("127.0.0.1", 9), 0.1))
    assert (facts.metadata[KEY]["hosts"], text) == ([], "")
