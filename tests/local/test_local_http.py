"""Whoever can open a port can send anything, or nothing, for as long as he likes."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_kernel.local.quotas import Patience
from tests.support.engine_client import INVOKE, Rig, answer_on, connect, exchange, signed
from tests.support.waiting import wait_until

MB = 1024 * 1024
MISSING = (403, "MissingAuthenticationTokenException")


@pytest.fixture
def open_connections() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def request_head(own: Rig, length: int, more: str = "", target: str = INVOKE) -> bytes:
    host = own.endpoint.endpoint_url.removeprefix("http://")
    return f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def memory() -> int:
    """The engine is a thread of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_an_unsigned_body_is_refused_by_its_headers_and_not_kept(
    lab: Rig, open_connections: contextlib.ExitStack
) -> None:
    """Sixty of eight megabytes, none of them ended, made 482 MB of the engine."""
    before, part = memory(), b"x" * (8 * MB - 1)
    for _ in range(60):
        connection = open_connections.enter_context(connect(lab.endpoint))
        connection.sendall(request_head(lab, 8 * MB))
        assert answer_on(connection)[:2] == MISSING
        connection.sendall(part)
    assert lab.invoke("well").value == "well"
    assert memory() - before < 60 * MB


def test_bodies_that_may_be_signed_share_a_bound(lab: Rig, open_connections: contextlib.ExitStack) -> None:
    """Only the key's name is known to who sends these, and the signature is wrong."""
    before, told = memory(), []
    body = b'"' + b"x" * (6 * MB - 3) + b'"'
    whole = signed(lab.endpoint, "POST", INVOKE, body)
    for _ in range(60):
        connection = open_connections.enter_context(connect(lab.endpoint))
        connection.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            connection.sendall(whole[: -3 * MB])
            told.append(answer_on(connection)[:2])
    assert told
    assert set(told) == {(429, "TooManyRequestsException")}
    assert memory() - before < 200 * MB
    open_connections.close()
    for _ in range(3):
        assert exchange(lab.endpoint, whole)[:2] in ((200, ""), (429, "TooManyRequestsException"))


def test_the_memory_of_bodies_that_were_given_up_comes_back(lab: Rig) -> None:
    body = b'"' + b"x" * (6 * MB - 3) + b'"'
    whole = signed(lab.endpoint, "POST", INVOKE, body)
    for cut in (1, MB, 3 * MB, 5 * MB) * 8:
        with connect(lab.endpoint) as connection:
            connection.sendall(whole[:-cut])
    assert exchange(lab.endpoint, whole)[0] == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b"Host: 127.0.0.1", b"Host: example.org"), (403, "AccessDeniedException")),
        ((b"Content-Length", b"Origin: http://x\r\nContent-Length"), (403, "AccessDeniedException")),
        ((b"Authorization", b"X-Authorization"), MISSING),
        ((b"Credential=A", b"Credential=B"), (403, "UnrecognizedClientException")),
        ((b"/lambda/", b"/s3/"), (403, "InvalidSignatureException")),
        ((b"SignedHeaders=host;", b"SignedHeaders="), (403, "IncompleteSignatureException")),
        ((b"X-Amz-Date: 2", b"X-Amz-Date: 1"), (403, "InvalidSignatureException")),
        ((b"Content-Length: 2", b"Content-Length: 8388609"), (413, "RequestEntityTooLargeException")),
    ],
)
def test_what_the_headers_tell_is_answered_before_the_body(
    lab: Rig, change: tuple[bytes, bytes], expected: tuple[int, str]
) -> None:
    head = signed(lab.endpoint, "POST", INVOKE, b"{}").removesuffix(b"{}").replace(*change, 1)
    with connect(lab.endpoint) as connection:
        connection.sendall(head)
        assert answer_on(connection)[:2] == expected
        # And the connection goes on where the body comes after all.
        if expected[0] == 403:
            connection.sendall(b"{}" + signed(lab.endpoint, "POST", INVOKE, b"{}"))
            assert answer_on(connection)[:2] == (200, "")


def test_who_asks_before_sending_is_told_not_to(lab: Rig) -> None:
    with connect(lab.endpoint) as connection:
        connection.sendall(request_head(lab, MB, "Expect: 100-continue\r\n"))
        assert answer_on(connection)[:2] == MISSING
        assert connection.recv(100) == b""
    asked = signed(lab.endpoint, "POST", INVOKE, b"{}", Expect="100-continue")
    with connect(lab.endpoint) as connection:
        connection.sendall(asked.removesuffix(b"{}"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert answer_on(connection)[:2] == (200, "")


def test_slow_clients_have_a_deadline(rig: Callable[..., Rig]) -> None:
    own = rig(engine={"patience": Patience(body_s=0.3, idle_s=0.3)})
    whole = signed(own.endpoint, "POST", INVOKE, b"{}")
    for sent in (b"", whole[:5], whole[:-4], whole[:-2], whole[:-1]):
        with connect(own.endpoint) as connection:
            connection.sendall(sent)
            assert connection.recv(100) == b""
    # What a function takes its time for is another thing.
    assert own.py("time.sleep(0.6); result = 'late'").value == "late"


def test_strangers_make_room_for_who_has_the_key(lab: Rig, open_connections: contextlib.ExitStack) -> None:
    """Of three hundred connections that say nothing the engine keeps 64, and two for each of ten events that may run.
    Nobody who has a key waits for them."""
    with connect(lab.endpoint) as mine:
        mine.sendall(signed(lab.endpoint, "POST", INVOKE, b"1"))
        assert answer_on(mine)[2] == b"1"
        idle = [open_connections.enter_context(connect(lab.endpoint)) for _ in range(300)]
        assert lab.invoke("new").value == "new"
        mine.sendall(signed(lab.endpoint, "POST", INVOKE, b"2"))
        assert answer_on(mine)[2] == b"2"
    # The last ones may not have been accepted yet.
    wait_until(lambda: sum(is_open(connection) for connection in idle) <= 64 + 2 * 10)


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_byte_by_byte(lab: Rig) -> None:
    with connect(lab.endpoint) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in signed(lab.endpoint, "POST", INVOKE, b'{"a": 1}'):
            connection.sendall(bytes([byte]))
        assert answer_on(connection) == (200, "", b'{"a": 1}')


def test_one_behind_the_other_on_one_connection(lab: Rig) -> None:
    requests = [signed(lab.endpoint, "POST", INVOKE, str(number).encode()) for number in range(10)]
    requests[5] = requests[5].replace(b"Signature=", b"Signature=0", 1)
    with connect(lab.endpoint) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"".join(requests))
        found = [next_answer(answers.readline, answers.read) for _ in requests]
    assert [status for status, _ in found] == [200] * 5 + [403] + [200] * 4
    assert [body for status, body in found if status == 200] == [
        str(number).encode() for number in range(10) if number != 5
    ]


def next_answer(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """HTTPResponse reads ahead, and so cannot be used for more than one."""
    status, length = int(readline().split()[1]), 0
    while line := readline().strip():
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"Content-Length" else length
    return status, read(length)


def test_a_body_in_chunks(lab: Rig, open_connections: contextlib.ExitStack) -> None:
    plain = signed(lab.endpoint, "POST", INVOKE, b"[1,2]")
    head = plain.removesuffix(b"[1,2]").replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
    assert exchange(lab.endpoint, head + b"2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n") == (200, "", b"[1, 2]")
    both = head.replace(b"Transfer-Encoding", b"Content-Length: 5\r\nTransfer-Encoding")
    assert exchange(lab.endpoint, both + b"5\r\n[1,2]\r\n0\r\n\r\n")[0] == 400
    for broken in (b"-5\r\n[1,2]\r\n0\r\n\r\n", b"zz\r\n", b"5\r\n[1,2]xx", b"fffffffffffffffffff\r\n", b"0" * 999):
        with contextlib.suppress(HTTPException, ConnectionError):
            assert exchange(lab.endpoint, head + broken)[0] == 400
    # Larger than is said beforehand, since nothing is.
    many = (b"%x\r\n" % MB + b" " * MB + b"\r\n") * 9
    assert exchange(lab.endpoint, head + many + b"0\r\n\r\n")[:2] == (413, "RequestEntityTooLargeException")
    assert lab.invoke("well").value == "well"


@pytest.mark.parametrize("size", [60_000, 70_000, 3 * MB])
def test_headers_have_a_bound(lab: Rig, size: int) -> None:
    request = request_head(lab, 0, f"X: {'x' * size}\r\n")
    if size < 64 * 1024:
        assert exchange(lab.endpoint, request)[:2] == MISSING
    else:
        with contextlib.suppress(ConnectionError), connect(lab.endpoint) as connection:
            connection.sendall(request)
            assert connection.recv(100) == b""
    assert lab.invoke("well").value == "well"


def test_cut_anywhere(lab: Rig) -> None:
    whole = signed(lab.endpoint, "POST", INVOKE, b'{"a": 1}')
    for cut in range(len(whole)):
        with connect(lab.endpoint) as connection:
            connection.sendall(whole[:cut])
    assert exchange(lab.endpoint, whole)[0] == 200


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_in_a_request_does_no_harm(lab: Rig, data: st.DataObject) -> None:
    """Whatever is changed, the answer is an error of the client's or none, and the engine goes on."""
    whole = bytearray(signed(lab.endpoint, "POST", INVOKE, b'{"a": 1}'))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        noise = data.draw(st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"\0", b": ", b"\xff"]))
        whole[place : place + data.draw(st.integers(0, 6))] = noise
    with contextlib.suppress(TimeoutError, ConnectionError, HTTPException), connect(lab.endpoint) as connection:
        connection.settimeout(0.3)
        connection.sendall(bytes(whole))
        connection.shutdown(socket.SHUT_WR)
        status, _, body = answer_on(connection)
        assert 400 <= status < 500 or (status, body) == (200, b'{"a": 1}')


def test_after_all_that_the_engine_is_well(lab: Rig) -> None:
    for number in range(5):
        assert lab.invoke(number).value == number
