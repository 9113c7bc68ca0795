"""A real kernel on an endpoint whose answers are anybody's: each cell ends with an error of ours."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lambda_kernel.session.exchange import STARTS
from tests.support.kernel_client import Notebook, notebook
from tests.support.scripted_endpoint import Answer, Endpoint, endpoint

pytestmark = pytest.mark.timeout(180)

HELLO = {"protocol": 2, "environment": "a" * 12, "state": "idle", "shell": "b" * 12, "seq": 0, "ended": None}
DONE = HELLO | {"state": "done", "seq": 1, "at": 0, "total": 0, "chunks": [], "exit": 0, "cwd": "/", "duration_ms": 1}


def output(data: bytes, kind: str = "out") -> list[list[str]]:
    return [[kind, base64.b64encode(data).decode()]]


@pytest.fixture(scope="module")
def remote() -> Iterator[Endpoint]:
    with endpoint(Answer(200, HELLO)) as at:
        yield at


@pytest.fixture(scope="module")
def kernel(remote: Endpoint) -> Iterator[Notebook]:
    environ = {**os.environ, "AWS_ENDPOINT_URL_LAMBDA": remote.url, "AWS_DEFAULT_REGION": "eu-west-1"}
    with notebook("--LambdaKernel.function=shell", env=environ) as made:
        yield made


@pytest.fixture
def book(kernel: Notebook, remote: Endpoint) -> Notebook:
    """On a function that no cell has run on, so that there is no shell."""
    remote.answers[:] = [Answer(200, {})]
    kernel.run(f"%use shell-{uuid.uuid4().hex[:8]}")
    return kernel


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("NotOurs", Answer(200, b"[" * 3_000_000 + b"]" * 3_000_000)),
        ("NotOurs", Answer(200, b'{"protocol": 2, "state": "idle", "seq": NaN}')),
        ("NotOurs", Answer(200, json.dumps(HELLO).replace('"seq": 0', '"seq": 1e400').encode())),
        ("NotOurs", Answer(200, HELLO | {"shell": "\x1b[2J"})),
        ("NotOurs", Answer(200, HELLO | {"machine": ["x86_64"]})),
        ("NotOurs", Answer(200, HELLO | {"environment": "\ud800"})),
        ("NotOurs", Answer(200, HELLO | {"restored": {"items": [1], "failed": []}})),
        ("NotOurs", Answer(200, b"9" * 6_000_000)),
        ("NotOurs", Answer(200, [HELLO] * 10_000)),
        ("CommandLost", Answer(200, HELLO | {"state": "refused", "why": "\x1b[2J" + "x" * 1_000_000})),
        ("FunctionFailed", Answer(200, {"errorType": "A.\x1b[2J", "errorMessage": {"a": [1] * 9_999}})),
        ("NotOurs", Answer(200, {"errorType": ["odd"], "stackTrace": {"a": {}}, "errorMessage": None})),
    ],
)
def test_a_hello(book: Notebook, remote: Endpoint, name: str, answer: Answer) -> None:
    if isinstance(answer.body, dict) and "errorType" in answer.body:
        answer.headers["X-Amz-Function-Error"] = "Unhandled"
    answer.headers["X-Amz-Log-Result"] = "\xff not base64"
    answer.headers["x-amzn-RequestId"] = "\x9b2J" + "x" * 3_000
    remote.answers[:] = [answer]
    ends_with(book, "echo hi", name)


def ends_with(book: Notebook, text: str, name: str) -> None:
    shown = book.run(text, timeout=60)
    assert shown.error
    assert shown.error[0] == name
    assert "lambda-kernel itself" not in shown.error[1]
    assert len(shown.error[1]) < 2_000
    assert not any(mark in json.dumps(shown.error, ensure_ascii=False) for mark in ("\x1b", "\x9b", "\\u001b"))


FIRST = [{**DONE, "exit": 256}, {**DONE, "total": -1}, {**DONE, "at": 1}, {**DONE, "chunks": output(b"")}]
LATER: list[list[dict[str, Any]]] = [
    [{**DONE, "total": 5, "chunks": output(b"ab")}, {**DONE, "at": 2, "total": 4, "chunks": output(b"cd")}],
    [{**DONE, "total": 5, "chunks": output(b"ab")}, {**DONE, "at": 2, "total": 5}],
    [{**DONE, "total": 1, "chunks": output(b"ab")}],
    [{**DONE, "total": 5, "chunks": output(b"ab")}, {**DONE, "state": "running", "at": 2}],
    [{**DONE, "environment": "c" * 12}],
    [{**DONE, "shell": "c" * 12}],
    [{**DONE, "seq": 2}],
    [{**DONE, "state": "running"}, {**DONE, "state": "unseen"}],
]


@pytest.mark.parametrize("answers", [*([one] for one in FIRST), *LATER])
def test_a_command_whose_answers_cannot_be(book: Notebook, remote: Endpoint, answers: list[dict[str, Any]]) -> None:
    remote.answers[:] = [Answer(200, one) for one in (HELLO, *answers, {**answers[-1], "at": 0})]
    ends_with(book, "echo hi", "CommandLost")


def test_a_command_that_is_believed(book: Notebook, remote: Endpoint) -> None:
    """Or the tests above would test nothing. And what bash is said to say moves no cursor."""
    chunks = output(b"hi\n") + output(b"\x1b[2J\x1b]0;title\x07\n", "note") + output(b'{"bytes": 1', "gap")
    size = sum(len(base64.b64decode(data)) for _, data in chunks)
    remote.answers[:] = [Answer(200, HELLO), Answer(200, {**DONE, "chunks": chunks, "total": size})]
    shown = book.run("echo hi")
    assert (shown.error, shown.out) == (None, "hi\n")
    assert shown.notices[-1:] == [("job", "\\x1b[2J\\x1b]0;title\\x07")]


def test_output_that_nobody_asked_for(book: Notebook, remote: Endpoint) -> None:
    """Of a cell some 1 MB is asked for."""
    data = b"y\n" * 1_000_000
    first = {**DONE, "state": "running", "chunks": output(data)}
    more = [{**first, "at": at * len(data)} for at in range(9)]
    remote.answers[:] = [Answer(200, one) for one in (HELLO, *more)]
    ends_with(book, "yes", "CommandLost")
    assert len(remote.answers) > 2


def test_what_a_cell_waits_for_is_seen_until_it_has_come(book: Notebook, remote: Endpoint) -> None:
    come = threading.Event()
    book.run("%use other@eu-west-1")
    remote.answers[:] = [Answer(200, HELLO, after=come)]
    request = book.start("%reset")
    while (message := book.next(time.monotonic() + 30))["msg_type"] != "display_data":
        assert message["msg_type"] in ("status", "execute_input")
    assert message["content"]["metadata"] == {"lambda_notice": "wait"}
    assert message["content"]["data"]["text/plain"] == STARTS.format(function="other")
    come.set()
    shown = book.collect(request)
    assert [m["msg_type"] for m in shown.messages] == ["clear_output", "stream", "display_data", "status"]
