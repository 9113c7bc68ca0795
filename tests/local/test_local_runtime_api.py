"""What a program in the environment may do with the Runtime API, which is the runtime's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.engine_client import Rig, answer_on, connect, exchange

NEXT = "/2018-06-01/runtime/invocation/next"
# A request from within, as a cell's `curl $AWS_LAMBDA_RUNTIME_API/…` sends it.
ASK = """
from http.client import HTTPConnection
host, secret = os.environ['AWS_LAMBDA_RUNTIME_API'].split('/')
def ask(method, path, body=None):
    connection = HTTPConnection(host, timeout=5)
    connection.request(method, f'/{secret}{path}', body)
    answer = connection.getresponse()
    return [answer.status, answer.read().decode(), dict(answer.headers)]
"""


def get(address: str, path: str = NEXT, method: str = "GET", headers: str = "") -> bytes:
    host, secret = address.split("/")
    return f"{method} /{secret}{path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


def address_of(own: Rig) -> str:
    return str(own.py("result = os.environ['AWS_LAMBDA_RUNTIME_API']").value)


def refusal(now: str, then: str) -> dict[str, str]:
    text = f"State transition from {now} to {then} failed for runtime. Error: State transition is not allowed"
    return {"errorType": "InvalidStateTransition", "errorMessage": text}


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_a_cell_that_asks_for_an_event_gets_its_own_again(rig: Callable[..., Rig], isolation: str) -> None:
    """As on Lambda; it was given the next one, and hung until the timeout."""
    own = rig(isolation=isolation)
    code = f"{ASK}\nresult = [ask('GET', '{NEXT}') for _ in range(3)]"
    reply = own.py(code)
    for status, body, headers in reply.value:
        assert status == 200
        assert json.loads(body) == {"py": code}
        assert headers["Lambda-Runtime-Aws-Request-Id"] == reply.request_id
    assert own.invoke("next").value == "next"


def test_who_asks_beside_the_runtime_is_refused(rig: Callable[..., Rig]) -> None:
    """Even in the moment between its answer and its next question."""
    own = rig()
    address = address_of(own)
    for _ in range(10):
        status, _, body = exchange(address.split("/")[0], get(address))
        assert (status, json.loads(body)) == (403, refusal("Ready", "Ready"))
        assert own.invoke("mine").value == "mine"


@pytest.mark.parametrize("patient", [True, False])
def test_a_background_job_that_asks_gets_no_event_but_the_one_that_runs(rig: Callable[..., Rig], patient: bool) -> None:
    own = rig()
    leave = "connection = HTTPConnection(host); connection.request('GET', f'/{secret}" + NEXT + "'); connection.close()"
    code = f"import os{ASK}\nwhile True:\n    " + (f"ask('GET', '{NEXT}')" if patient else leave)
    own.py(f"state['job'] = subprocess.Popen([sys.executable, '-c', {code!r}])")
    assert [own.py(f"time.sleep(0.05); result = {number}").value for number in range(10)] == list(range(10))


def test_a_runtime_that_has_died_is_not_stood_in_for(rig: Callable[..., Rig]) -> None:
    own = rig()
    address = address_of(own)
    own.py("os._exit(1)")
    status, _, body = exchange(address.split("/")[0], get(address))
    assert (status, json.loads(body)) == (403, refusal("Ready", "Ready"))
    assert own.invoke("after").value == "after"


def test_only_a_start_can_fail_as_one(rig: Callable[..., Rig]) -> None:
    own = rig()
    code = f"{ASK}\nresult = ask('POST', '/2018-06-01/runtime/init/error', '{{}}')[:2]"
    status, body = own.py(code).value
    assert (status, json.loads(body)) == (403, refusal("Running", "InitError"))
    assert own.py("os._exit(3)").value["errorMessage"].endswith("exit status 3")


def test_answers_to_no_event_are_refused_before_they_are_sent(rig: Callable[..., Rig]) -> None:
    own = rig()
    address = address_of(own)
    path = "/2018-06-01/runtime/invocation/none/response"
    request = get(address, path, "POST", "Content-Length: 6000000\r\n")
    with connect(address.split("/")[0]) as connection:
        connection.sendall(request)
        assert answer_on(connection)[0] == 400


def test_answers_that_never_end_are_few(rig: Callable[..., Rig]) -> None:
    """Each has six megabytes coming: what two have is kept, and no more."""
    own = rig()
    code = f"""{ASK}
import socket
address, held, told = host.split(':'), [], []
for number in range(4):
    connection = socket.create_connection(address, timeout=5)
    head = f'POST /{{secret}}/2018-06-01/runtime/invocation/{{context.aws_request_id}}/response HTTP/1.1'
    connection.sendall(f'{{head}}\\r\\nHost: {{host}}\\r\\nContent-Length: 6000000\\r\\n\\r\\n'.encode())
    held.append(connection)
for connection in held:
    connection.settimeout(0.3)
    try:
        told.append(connection.recv(12).decode())
    except TimeoutError:
        told.append('waits')
for connection in held:
    connection.close()
result = told
"""
    assert sorted(own.py(code).value) == ["HTTP/1.1 413", "HTTP/1.1 413", "waits", "waits"]
    assert own.invoke("well").value == "well"


def test_connections_of_one_environment_are_few(rig: Callable[..., Rig]) -> None:
    own = rig()
    code = f"""{ASK}
held = [HTTPConnection(host, timeout=5) for _ in range(40)]
told = []
for connection in held:
    connection.request('GET', f'/{{secret}}{NEXT}')
    answer = connection.getresponse(); answer.read()
    told.append(answer.status)
result = told
"""
    told: list[Any] = own.py(code).value
    assert 0 < told.count(200) <= 16
    assert set(told) == {200, 429}
    assert own.invoke("well").value == "well"


def test_the_secret_of_one_environment_is_not_anothers(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True)
    code = "result = os.environ['AWS_LAMBDA_RUNTIME_API']"
    one, two = (str(own.py(code, TenantId=tenant).value) for tenant in "ab")
    assert one != two
    host, secret = one.split("/")
    request = f"GET /{secret}x{NEXT} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    assert exchange(host, request.encode())[0] == 403
